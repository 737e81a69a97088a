"""The model of a run, shared by its threads."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from batch.recipe import MANIFEST
from batch.record import MadeWith
from config import MODEL, VERSION
from droplets.errors import ModelUnavailable
from droplets.finding.loading import load_generator
from droplets.finding.segmenter import Memory
from droplets.finding.weights import NAME, HeadFile, known_head
from droplets.sam.checkpoint import CheckpointFile, known_checkpoints
from droplets.types import Generation, MaskRequest


class SharedModel:
    """Loaded once. Threads take turns: while one asks it, the others read, measure and write.

    Arguments:
        checkpoint: file of MobileSAM's weights.
        device: "auto", "cpu" or "cuda".
        threads: CPU threads of the inference.

    Raises:
        ModelUnavailable: a file is missing or wrong, or there is no such device.
    """

    def __init__(self, checkpoint: Path, device: str, threads: int) -> None:
        if not checkpoint.is_file():
            raise ModelUnavailable(
                f"{checkpoint.name} is missing; `sam-droplet fetch-model` puts the checkpoint in place."
            )
        self._generator = load_generator(
            CheckpointFile(checkpoint, known_checkpoints(MANIFEST)),
            HeadFile(MODEL / NAME, known_head(MANIFEST)),
            device,
            threads,
        )
        self._lock = Lock()
        own = self._generator
        self.made_with = MadeWith(VERSION, own.source, own.device, own.precision, own.runtime)

    def generate(self, request: MaskRequest) -> Generation:
        """Masks of a picture. Nothing of it is remembered: each is asked for once."""
        with self._lock:
            return self._generator.generate(request, Memory())
