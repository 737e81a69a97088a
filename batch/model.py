"""The model of a run, shared by its threads."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from batch.recipe import MANIFEST
from batch.record import MadeWith
from config import MODEL, VERSION
from droplets.finding.loading import load_generator
from droplets.finding.segmenter import Memory
from droplets.finding.weights import NAME, HeadFile, known_head
from droplets.sam.checkpoint import CheckpointFile, known_checkpoints
from droplets.sam.encoder import Precision
from droplets.types import Generation, MaskRequest


class SharedModel:
    """Loaded once. Threads take turns: while one asks it, the others read, measure and write.

    Arguments:
        checkpoint: file of MobileSAM's weights.
        device: "auto", "cpu" or "cuda".
        threads: CPU threads of the inference.
        head: file of the head's weights.
        precision: "auto", "fp32", "bf16" or "fp16".
        accept_unknown: take weights of another training too.

    Raises:
        ModelUnavailable: a file is missing or wrong, or there is no such device.
    """

    def __init__(
        self,
        checkpoint: Path,
        device: str,
        threads: int,
        *,
        head: Path = MODEL / NAME,
        precision: Precision = "auto",
        accept_unknown: bool = False,
    ) -> None:
        self._generator = load_generator(
            CheckpointFile(checkpoint, known_checkpoints(MANIFEST), accept_unknown=accept_unknown),
            HeadFile(head, known_head(MANIFEST), accept_unknown=accept_unknown),
            device,
            threads,
            precision=precision,
        )
        self._lock = Lock()
        own = self._generator
        self.made_with = MadeWith(VERSION, own.source, own.device, own.precision, own.runtime)

    def generate(self, request: MaskRequest) -> Generation:
        """Masks of a picture. Nothing of it is remembered: each is asked for once."""
        with self._lock:
            return self._generator.generate(request, Memory())
