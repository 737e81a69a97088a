"""The pictures of docs/labs are those that the program makes, and small."""

from __future__ import annotations

import re

from scripts.pictures import FOLDER
from tests.conftest import ROOT


def test_each_picture_is_made_by_the_program_and_small():
    program = (ROOT / "scripts" / "pictures.py").read_text(encoding="utf-8")
    made = set(re.findall(r'shoot\(page, "(\w+)"', program)) | {"overlay"}
    pictures = list((ROOT / FOLDER).iterdir())
    assert {picture.name for picture in pictures} == {f"{name}.jpg" for name in made}
    assert max(picture.stat().st_size for picture in pictures) < 250_000
