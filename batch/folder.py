"""The folder of a run's results: every file in it is whole, whenever the run is stopped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

from filelock import FileLock, Timeout

from batch.record import Record, from_json
from droplets.errors import BadRequest

RECORD, DROPLETS = "picture.json", "droplets.csv"


class OutFolder:
    """Tables on top, and a folder for each picture in pictures/.

    A file is written under another name first and then renamed, a picture's files all at once as a folder.

    Arguments:
        path: made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pictures = path / "pictures"
        self._partial = path / ".partial"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out, and clear away what a killed one has left half written.

        Raises:
            BadRequest: another run is at work in it, or it cannot be written to.
        """
        try:
            self._pictures.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / ".lock", timeout=0):
                shutil.rmtree(self._partial, ignore_errors=True)
                self._partial.mkdir(exist_ok=True)
                try:
                    yield
                finally:
                    shutil.rmtree(self._partial, ignore_errors=True)
        except Timeout:
            raise BadRequest(
                f"Another run is writing to {self.path}; wait for it or take another folder."
            ) from None

    def of(self, name: str) -> Path:
        """The folder of a picture."""
        return self._pictures / name

    def record(self, name: str) -> Record | None:
        """What is known of a picture that is done; None of others."""
        try:
            return from_json((self.of(name) / RECORD).read_bytes())
        except (OSError, ValueError):
            return None

    def files(self, name: str) -> dict[str, bytes]:
        """All files of a picture."""
        return {path.name: path.read_bytes() for path in self.of(name).iterdir() if path.is_file()}

    def put(self, name: str, files: Mapping[str, bytes]) -> None:
        """Write all files of a picture, in place of those that it has."""
        partial = Path(mkdtemp(dir=self._partial))
        for file, content in files.items():
            (partial / file).write_bytes(content)
        target = self.of(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        self.forget(name)
        partial.chmod(0o755)  # temporary folders are their owner's alone
        partial.replace(target)

    def forget(self, name: str) -> None:
        """Take away the files of a picture, if it has any; moved first, so that none is ever half there."""
        if self.of(name).is_dir():
            gone = Path(mkdtemp(dir=self._partial))
            self.of(name).replace(gone / "picture")
            shutil.rmtree(gone, ignore_errors=True)

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """A file, by its path in the folder, that appears when all of it is written."""
        partial = Path(mkdtemp(dir=self._partial)) / "file"
        with partial.open("wb") as file:
            yield file
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(partial, self.path / name)  # noqa: PTH105
        partial.parent.rmdir()
