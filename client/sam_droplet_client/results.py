"""What comes back, as values."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

TABLE, OVERLAY, ANSWER = "droplets.csv", "overlay.png", "analysis.json"


@dataclass(frozen=True, eq=False)
class Result:
    """What was found in one picture.

    Attributes:
        answer: of the service, as docs/labs/api.md has it.
        files: contents of the archive by their names: tables, masks, outlines, plots.
    """

    answer: Mapping[str, Any]
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, archive: bytes) -> Result:
        """Of the answer of /download_analysis."""
        with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
            files = {name: zipped.read(name) for name in zipped.namelist()}
        return cls(json.loads(files[ANSWER]), files)

    @property
    def count(self) -> int:
        """Number of droplets."""
        return int(self.summary["count"]["droplet"])

    @property
    def summary(self) -> Mapping[str, Any]:
        """Sizes and numbers over all droplets."""
        return dict(self.answer["summary_statistics"])

    @property
    def ddpcr(self) -> Mapping[str, Any] | None:
        """Digital PCR, where it was asked for."""
        return self.answer["ddpcr"]  # type: ignore[no-any-return]

    @property
    def droplets(self) -> Any:
        """A row an object, as a frame of pandas, or of polars where that alone is installed."""
        return frame(self.files[TABLE])

    def overlay(self) -> bytes:
        """PNG of the picture with all outlines."""
        return self.files[OVERLAY]

    def save(self, folder: str | Path) -> Path:
        """Write all files into a folder, which is made if it is not there; its path."""
        for name, content in self.files.items():
            path = _inside(Path(folder), name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return Path(folder)


@dataclass(frozen=True)
class Results:
    """What was found in many pictures: a folder, as the command line writes it."""

    folder: Path

    @classmethod
    def unpacked(cls, archive: Path, folder: Path) -> Results:
        """Of a job's ZIP file, which is removed."""
        with zipfile.ZipFile(archive) as zipped:
            for name in zipped.namelist():
                _inside(folder, name)
            zipped.extractall(folder)
        archive.unlink()
        return cls(folder)

    @property
    def droplets(self) -> Any:
        """A row an object of all pictures, as a frame of pandas or polars."""
        return frame((self.folder / TABLE).read_bytes())

    @property
    def pictures(self) -> Any:
        """A row a picture, as a frame of pandas or polars."""
        return frame((self.folder / "pictures.csv").read_bytes())

    @property
    def errors(self) -> Any:
        """A row a picture that could not be analysed, as a frame of pandas or polars."""
        return frame((self.folder / "errors.csv").read_bytes())


@dataclass(frozen=True)
class Job:
    """How far a job is. Times are seconds since the epoch; see docs/labs/api.md."""

    id: str
    state: Literal["receiving", "waiting", "running", "done", "failed"]
    created: float
    started: float | None
    finished: float | None
    expires: float | None
    pictures: int | None
    done: int
    failed: int
    pictures_per_minute: float | None
    seconds_left: float | None
    message: str | None
    errors: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Job:
        """Of the service's answer; what a newer service tells beyond is left out."""
        names = cls.__dataclass_fields__
        told = {name: value for name, value in answer.items() if name in names}
        return cls(**{**told, "errors": tuple(answer.get("errors", ()))})


@dataclass(frozen=True)
class Progress:
    """Of a job: files that were sent, or pictures that are done; None is not known yet."""

    doing: Literal["sending", "analysing"]
    done: int
    total: int | None
    seconds_left: float | None = None


def frame(table: bytes) -> Any:
    """A table of CSV as a frame.

    Raises:
        ImportError: neither pandas nor polars is installed.
    """
    if find_spec("pandas"):
        import pandas as pd  # noqa: PLC0415  # need not be installed

        return pd.read_csv(io.BytesIO(table))
    if find_spec("polars"):
        import polars as pl  # noqa: PLC0415

        return pl.read_csv(table, infer_schema_length=None)
    raise ImportError("A table needs pandas or polars: pip install 'sam-droplet-client[pandas]'.")


def _inside(folder: Path, name: str) -> Path:
    """The path of an archive's member, which must not lead out of the folder."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"The archive holds {name}, which leads out of the folder.")
    return path
