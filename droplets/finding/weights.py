"""The head's weights: whether the file is the right one, and the head it holds."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from droplets.errors import ModelUnavailable
from droplets.finding.decode import Thresholds
from droplets.finding.head import Head
from droplets.sam.checkpoint import file_sha256

NAME = "droplet_head.safetensors"
_REMEDY = (
    f"It is part of the source: `git checkout -- model/{NAME}` brings the right one back, "
    "or HEAD_MODEL_PATH names where it is."
)


@dataclass(frozen=True)
class HeadInfo:
    """What is known of the file in use.

    Attributes:
        name: the file's name, without its folder.
        sha256: of its bytes, hexadecimal.
        verified: whether it is the one that the manifest names.
    """

    name: str
    sha256: str
    verified: bool


@dataclass(frozen=True, eq=False)
class Weights:
    """A trained head, and what it takes for an object."""

    head: Head
    thresholds: Thresholds


def known_head(manifest: Path) -> str | None:
    """Hexadecimal sha256 of the head's file as the JSON file `manifest` (model/manifest.json) has it."""
    found: str | None = json.loads(manifest.read_text(encoding="utf-8")).get("head", {}).get("sha256")
    return found


class HeadFile:
    """The head's file on disk, verified again only when it changes.

    Arguments:
        path: where it should be.
        sha256: of the file to accept, hexadecimal; None accepts any.
        accept_unknown: accept a head of another training too.
    """

    def __init__(self, path: Path, sha256: str | None, *, accept_unknown: bool = False) -> None:
        self.path = path
        self._sha256 = sha256
        self._accept_unknown = accept_unknown
        self._lock = threading.Lock()
        self._known: tuple[tuple[int, int], str] | None = None

    def info(self) -> HeadInfo:
        """What the file is.

        Raises:
            ModelUnavailable: it is missing or not the one to accept.
        """
        digest = self._digest()
        verified = digest == self._sha256
        if not verified and self._sha256 is not None and not self._accept_unknown:
            raise ModelUnavailable(
                f"{self.path.name} is not the head that belongs to this version: expected sha256 "
                f"{self._sha256}, found {digest}. {_REMEDY}"
            )
        return HeadInfo(self.path.name, digest, verified)

    def _digest(self) -> str:
        with self._lock:
            try:
                stat = self.path.stat()
                state = (stat.st_mtime_ns, stat.st_size)
                if self._known is None or self._known[0] != state:
                    self._known = (state, file_sha256(self.path))
            except (OSError, ModelUnavailable) as error:
                raise _missing(self.path) from error
            return self._known[1]


def load_head(path: Path) -> Weights:
    """The head that the file at `path` holds, in eval mode on the CPU.

    The file has the tensors of `Head`, and under "head" in its metadata a JSON object; its "thresholds" are
    fields of `Thresholds`, "calibration" is the one that is named so.

    Raises:
        ModelUnavailable: the file is missing, is damaged, or holds another network.
    """
    try:
        with safe_open(path, framework="pt") as file:
            described = (file.metadata() or {}).get("head", "{}")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except OSError as error:
        raise _missing(path) from error
    except SafetensorError as error:
        raise ModelUnavailable(f"{path.name} is damaged or no safetensors file. {_REMEDY}") from error
    head = Head()
    try:
        head.load_state_dict(tensors)
        thresholds = _thresholds(json.loads(described))
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise ModelUnavailable(f"{path.name} holds another network than the head. {_REMEDY}") from error
    return Weights(head.eval().requires_grad_(requires_grad=False), thresholds)


def _thresholds(described: dict[str, Any]) -> Thresholds:
    return Thresholds(
        **{name: float(value) for name, value in described.get("thresholds", {}).items()},
        calibration=tuple(tuple(map(float, curve)) for curve in described.get("calibration", ())),
    )


def _missing(path: Path) -> ModelUnavailable:
    return ModelUnavailable(f"{path.name} is missing or cannot be read. {_REMEDY}")
