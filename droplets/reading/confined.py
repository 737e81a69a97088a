"""Reads files whose decoders trust what they are given, in a process of its own.

Decoders of video and of microscopes' own files bring headers within headers, and allocate what any of them
says. So they run in a process that has little memory and processor time (on Linux), none of the service's
environment, and is gone afterwards. The file comes to it as a temporary file; what it answers is one line
of JSON and an array.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

import droplets
from droplets.errors import BadRequest, ServiceError, TooManyPixels, UndecodableImage, UnsupportedImage
from droplets.reading.microscopes import open_czi, open_lif, open_nd2
from droplets.reading.planes import Axes, Selection, Source, selected
from droplets.reading.stored import Stored
from droplets.reading.video import open_video
from droplets.types import PixelSize

READERS: Final[dict[str, Callable[[str, int], AbstractContextManager[Source]]]] = {
    "AVI": open_video,
    "MP4": open_video,
    "CZI": open_czi,
    "ND2": open_nd2,
    "LIF": open_lif,
}
"""By format: opens a path, with a limit on width * height."""

PROCESSOR_S = 30
LONGEST_S = 120
MEMORY = 2**29
"""Bytes beyond what Python and the libraries take, and for each allowed pixel besides:"""
MEMORY_A_PIXEL = 24

ERRORS: Final = {
    each.__name__: each for each in (BadRequest, TooManyPixels, UndecodableImage, UnsupportedImage)
}
FFMPEG: Final = {
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "protocol_whitelist;file|format_whitelist;avi,mov,mp4,m4a,3gp,3g2,mj2",
    "OPENCV_FFMPEG_THREADS": "1",
    "OPENCV_LOG_LEVEL": "SILENT",
}


def confined_axes(data: bytes, file_format: str, max_pixels: int) -> Axes:
    """Axes of a file.

    Arguments:
        data: the file.
        file_format: in `READERS`.
        max_pixels: limit on width * height.

    Raises:
        ServiceError: as the format's reader.
        UndecodableImage: it takes too much memory or time, too.
    """
    answer, _ = _ask(data, file_format, max_pixels, None)
    return Axes(**{**answer, "names": tuple(answer["names"])})


def confined_plane(data: bytes, file_format: str, max_pixels: int, selection: Selection) -> Stored:
    """The plane of a file that is wanted, with the arguments and errors of `confined_axes`.

    Arguments:
        selection: what of the file is wanted.
    """
    answer, array = _ask(data, file_format, max_pixels, selection)
    size = answer.pop("pixel_size")
    return Stored(
        values=np.load(io.BytesIO(array), allow_pickle=False),
        pixel_size=PixelSize(**size) if size else None,
        **{**answer, "notes": tuple(answer["notes"])},
    )


def _ask(
    data: bytes, file_format: str, max_pixels: int, selection: Selection | None
) -> tuple[dict[str, Any], bytes]:
    """What the process answers, and the array behind it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture.{file_format.lower()}"
        path.write_bytes(data)
        task = [str(path), file_format, max_pixels, asdict(selection) if selection else None]
        try:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-m", __name__],
                input=json.dumps(task).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": str(Path(droplets.__file__).parents[1]), **FFMPEG},
                timeout=LONGEST_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            done = None
    if done is None or done.returncode:
        raise UndecodableImage(
            f"The {file_format} file is damaged, or takes more memory or time to decode than a picture may; "
            "save what you want of it as TIFF."
        )
    line, _, array = done.stdout.partition(b"\n")
    kind, answer = json.loads(line)
    if kind in ERRORS:
        raise ERRORS[kind](answer)
    return answer, array


def _answer(path: str, file_format: str, max_pixels: int, selection: Selection | None) -> bytes:
    """The line of JSON, and the array."""
    try:
        with READERS[file_format](path, max_pixels) as source:
            if selection is None:
                return _line("axes", asdict(source.axes))
            stored = selected(source, selection, max_pixels)
    except ServiceError as error:
        return _line(type(error).__name__, error.message)
    array = io.BytesIO()
    np.save(array, stored.values, allow_pickle=False)
    size = asdict(stored.pixel_size) if stored.pixel_size else None
    others = {name: getattr(stored, name) for name in ("bit_depth", "orientation", "notes", "plane")}
    return _line("plane", {**others, "pixel_size": size}) + array.getvalue()


def _line(kind: str, answer: Any) -> bytes:
    return json.dumps([kind, answer]).encode() + b"\n"


def _confine(max_pixels: int) -> None:
    """Bound memory and processor time of this process from now on."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - only Unix has it

    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    memory = taken + MEMORY + MEMORY_A_PIXEL * max_pixels
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """What the process does: reads its task, and answers where no library can write into it."""
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    path, file_format, max_pixels, wanted = json.load(sys.stdin)
    _confine(max_pixels)
    answer = _answer(path, file_format, max_pixels, Selection(**wanted) if wanted else None)
    with os.fdopen(out, "wb") as stream:
        stream.write(answer)


if __name__ == "__main__":
    main()
