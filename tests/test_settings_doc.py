from __future__ import annotations

import re
from pathlib import Path

from config import Settings

DOC = Path(__file__).parent.parent / "docs" / "operators" / "settings.md"


def test_every_setting_is_documented_and_no_other():
    named = re.findall(r"`([A-Z_]+)(?:=[^`]*)?`", DOC.read_text())
    assert set(named) - {"DEBUG", "ERROR", "HEX"} == {name.upper() for name in Settings.model_fields}
