"""Bytes that find new ways through the decode boundary and the reading of bodies: `make fuzz`.

    python -m tests.fuzz.guided [-max_total_time=600] [other options of libFuzzer]

Atheris changes sound files and keeps whatever reaches new lines. Anything raised but an error of ours ends
the run, and the bytes that did it are left in the working folder.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["api.wire.requests", "droplets.reading"]):
    from api.wire.requests import parse_json, without_pictures
    from droplets.reading.image import decode_image, read_axes

from droplets.errors import ServiceError
from droplets.reading.planes import Selection
from tests.droplets.images import SOUND

MOST_PIXELS = 100_000


def one(data: bytes) -> None:
    """Read `data` as all that the service may take it for."""
    for read in (
        lambda: decode_image(data, max_pixels=MOST_PIXELS, selection=Selection()),
        lambda: read_axes(data, max_pixels=MOST_PIXELS),
        lambda: parse_json(without_pictures(data)[0], "The body"),
    ):
        try:
            read()
        except ServiceError:
            continue


def main() -> None:
    """Begin with the sound files of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in SOUND.items():
            (Path(folder) / name).write_bytes(data)
        atheris.Setup([*sys.argv, folder, "-max_len=8192", "-timeout=20", "-rss_limit_mb=2048"], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
