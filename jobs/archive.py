"""The results of a job as a ZIP file, made while it is sent."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batch.run import RUN

CHUNK = 2**20
PACKED = {".png", ".zip", ".mp4", ".parquet"}
"""What packing makes no smaller."""


class _Sink(io.RawIOBase):
    """Takes what the archive writes until it is sent."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        """Yes; and not seekable."""
        return True

    def write(self, data: Any) -> int:
        """Take the bytes."""
        self._chunks.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        """All since the last call."""
        data = b"".join(self._chunks)
        self._chunks.clear()
        return data


def zipped(results: Path) -> Iterator[bytes]:
    """The folder of a run as the command line writes it, in pieces of a ZIP file.

    Arguments:
        results: the folder; nobody writes to it any more.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", allowZip64=True) as archive:
        for path in sorted(results.rglob("*")):
            name = path.relative_to(results)
            if name.parts[0].startswith(".") or not path.is_file():
                continue
            info = zipfile.ZipInfo.from_file(path, str(name))
            info.compress_type = zipfile.ZIP_STORED if path.suffix in PACKED else zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=path.stat().st_size > CHUNK) as member:
                for chunk in _chunks(path, results):
                    member.write(chunk)
                    yield sink.taken()
    yield sink.taken()


def _chunks(path: Path, results: Path) -> Iterator[bytes]:
    if path == results / RUN:
        # Where the pictures lay on the server is nobody's business, and they lie there no longer.
        run = {**json.loads(path.read_bytes()), "inputs": []}
        yield json.dumps(run, indent=2).encode()
        return
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
