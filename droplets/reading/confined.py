"""Reads files whose decoders trust what they are given, in a process of its own.

Decoders of video and of microscopes' own files bring headers within headers, and allocate what any of them
says. So they run in a process that has little memory, little processor time for each answer (on Linux), and
none of the service's environment. It is one process for a file, however many of its frames are asked for,
since to start one takes longer than to decode a frame. The file comes to it as a temporary file; it is asked
by a line of JSON, and answers by one and an array.
"""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from threading import Timer
from typing import IO, Any, Final

import numpy as np

import droplets
from droplets.errors import BadRequest, ServiceError, TooManyPixels, UndecodableImage, UnsupportedImage
from droplets.reading.microscopes import open_czi, open_lif, open_nd2
from droplets.reading.planes import Axes, Selection, Source, selected
from droplets.reading.stored import Stored
from droplets.reading.video import open_video
from droplets.types import FileAxes, PixelSize

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
"""For each answer, on the processor and by the clock."""
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


class ConfinedFile:
    """A file that a process of its own holds open, from the first question to `close`.

    A process that dies is followed by another one at the next question, so that a frame over which a decoder
    goes wrong costs no other frame. Questions are asked one at a time.

    Arguments:
        data: the file.
        file_format: in `READERS`.
        max_pixels: limit on width * height.
    """

    def __init__(self, data: bytes, file_format: str, max_pixels: int) -> None:
        self._file = data, file_format, max_pixels
        self._process: subprocess.Popen[bytes] | None = None
        self._started = ExitStack()
        weakref.finalize(self, self._started.close)  # who holds files of a run open just lets them go

    def axes(self) -> Axes:
        """Axes of the file.

        Raises:
            ServiceError: as the format's reader.
            UndecodableImage: it takes too much memory or time, too.
        """
        answer, _ = self._ask(None)
        return Axes(**{**answer, "names": tuple(answer["names"])})

    def plane(self, selection: Selection) -> Stored:
        """The plane of the file that is wanted, with the errors of `axes` and of `planes.selected`."""
        answer, array = self._ask(selection)
        size, axes = answer.pop("pixel_size"), answer.pop("axes")
        return Stored(
            values=np.load(io.BytesIO(array), allow_pickle=False),
            pixel_size=PixelSize(**size) if size else None,
            axes=FileAxes(**{**axes, "channels": tuple(axes["channels"])}),
            **{**answer, "notes": tuple(answer["notes"])},
        )

    def close(self) -> None:
        """End the process."""
        self._started.close()
        self._process = None

    def _ask(self, selection: Selection | None) -> tuple[dict[str, Any], bytes]:
        """What the process answers, and the array behind it."""
        if self._process is None:
            self._process = self._started.enter_context(_reader(*self._file))
        process = self._process
        assert process.stdin is not None  # noqa: S101  # both are pipes
        assert process.stdout is not None  # noqa: S101
        patience = Timer(LONGEST_S, process.kill)
        patience.start()
        try:
            with suppress(BrokenPipeError):  # it has died, which no answer tells too
                process.stdin.write(json.dumps(asdict(selection) if selection else None).encode() + b"\n")
                process.stdin.flush()
            answered = _received(process.stdout)
        except BaseException:  # Ctrl-C: the next question must not get the answer to this one
            self.close()
            raise
        finally:
            patience.cancel()
        if answered is None:
            self.close()
            raise UndecodableImage(
                f"The {self._file[1]} file is damaged, or takes more memory or time to decode than a picture "
                "may; save what you want of it as TIFF."
            )
        kind, answer, array = answered
        if kind in ERRORS:
            raise ERRORS[kind](answer)
        return answer, array


@contextmanager
def _reader(data: bytes, file_format: str, max_pixels: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the file, until it is no longer needed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"picture.{file_format.lower()}"
        path.write_bytes(data)
        with subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", __name__, str(path), file_format, str(max_pixels)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": str(Path(droplets.__file__).parents[1]), **FFMPEG},
        ) as process:
            try:
                yield process
            finally:
                process.kill()
                process.communicate()


def _received(stream: IO[bytes]) -> tuple[str, Any, bytes] | None:
    """Kind, answer and array; None if the process has died before all of it was said."""
    try:
        kind, answer, size = json.loads(stream.readline())
    except ValueError:
        return None
    array = stream.read(size)
    return (kind, answer, array) if len(array) == size else None


def _answer(source: Source, max_pixels: int, selection: Selection | None) -> bytes:
    """The line of JSON, and the array."""
    if selection is None:
        return _line("axes", asdict(source.axes))
    try:
        stored = selected(source, selection, max_pixels)
    except ServiceError as error:
        return _line(type(error).__name__, error.message)
    array = io.BytesIO()
    np.save(array, stored.values, allow_pickle=False)
    size = asdict(stored.pixel_size) if stored.pixel_size else None
    others = {name: getattr(stored, name) for name in ("bit_depth", "orientation", "notes", "plane")}
    return _line("plane", {**others, "pixel_size": size, "axes": asdict(stored.axes)}, array.getvalue())


def _line(kind: str, answer: Any, array: bytes = b"") -> bytes:
    return json.dumps([kind, answer, len(array)]).encode() + b"\n" + array


def _confine(max_pixels: int) -> None:
    """Bound the memory of this process from now on."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - only Unix has it

    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    memory = taken + MEMORY + MEMORY_A_PIXEL * max_pixels
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_time() -> None:
    """Bound the processor time of this process to what it has had and that of one answer."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 - only Unix has it

    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + PROCESSOR_S, most))


def main(path: str, file_format: str, max_pixels: int) -> None:
    """What the process does: answers each line that it is asked, where no library can write into it."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, whose run finishes its pictures first
        _confine(max_pixels)
        _allow_time()
        try:
            with READERS[file_format](path, max_pixels) as source:
                for line in sys.stdin.buffer:
                    wanted = json.loads(line)
                    _allow_time()
                    out.write(_answer(source, max_pixels, Selection(**wanted) if wanted else None))
                    out.flush()
        except ServiceError as error:  # the file cannot be opened
            for _ in sys.stdin.buffer:
                out.write(_line(type(error).__name__, error.message))
                out.flush()
    # Nobody asks any longer. Whoever did may have been killed, with no time to clear up.
    shutil.rmtree(Path(path).parent, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
