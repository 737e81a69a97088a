"""MobileSAM as the service uses it: embed a picture, then ask for everything or for what lies at points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from droplets.sam.checkpoint import load_sam
from droplets.sam.encoder import Embedding, Precision, Runtime
from droplets.sam.generator import Generator
from droplets.sam.pointing import find_at
from droplets.sam.search import EFFORTS, find_everything
from droplets.types import Mask, Quality

PRECISION_NAMES = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


class Segmenter:
    """A loaded model.

    Arguments:
        checkpoint: file with MobileSAM's weights.
        device: "cpu" or "cuda".
        source: where the checkpoint comes from, for the answers.
        precision, runtime: of the encoder, see `Encoder`.

    Raises:
        ModelUnavailable: the file is missing or holds no MobileSAM.
    """

    def __init__(
        self,
        checkpoint: Path,
        device: str,
        source: str = "",
        precision: Precision = "auto",
        runtime: Runtime = "auto",
    ) -> None:
        self.device = device
        self.source = source
        self._generator = Generator(load_sam(checkpoint, device), precision=precision, runtime=runtime)
        self.precision = PRECISION_NAMES[self._generator.encoder.dtype]
        self.runtime = self._generator.encoder.runtime
        if device != "cpu":
            self._generator.warm_up()

    def embed(self, pixels: NDArray[np.uint8]) -> Embedding:
        """Embedding of an HxWx3 uint8 RGB picture."""
        return self._generator.encoder.embed(pixels)

    def generate(self, pixels: NDArray[np.uint8], embedding: Embedding, quality: Quality) -> list[Mask]:
        """Masks of everything in the picture; how hard to look for it is in `search.EFFORTS`."""
        return find_everything(self._generator, pixels, embedding, EFFORTS[quality])

    def masks_at(
        self, pixels: NDArray[np.uint8], embedding: Embedding, points: NDArray[np.float64]
    ) -> list[Mask]:
        """The best mask at each of Nx2 (x, y) pixels of the picture that the embedding is of."""
        return find_at(self._generator, pixels, embedding, points)
