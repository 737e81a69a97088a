"""MobileSAM as the service uses it: embed a picture, then ask for everything or for what lies at points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from droplets.sam.checkpoint import load_sam
from droplets.sam.encoder import Embedding
from droplets.sam.generator import Decoding, Generator, point_grid
from droplets.types import Mask, Quality

POINTS_PER_SIDE: dict[Quality, int] = {"fast": 24, "balanced": 32, "thorough": 48}
PRECISION_NAMES = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
ANY_MASK = Decoding(pred_iou_thresh=0.0, stability_score_thresh=0.0, box_nms_thresh=1.0, exact=True)


class Segmenter:
    """A loaded model.

    Arguments:
        checkpoint: file with MobileSAM's weights.
        device: "cpu" or "cuda".
        source: where the checkpoint comes from, for the answers.

    Raises:
        ModelUnavailable: the file is missing or holds no MobileSAM.
    """

    def __init__(self, checkpoint: Path, device: str, source: str = "") -> None:
        self.device = device
        self.source = source
        self._generator = Generator(load_sam(checkpoint, device))
        self.precision = PRECISION_NAMES[self._generator.encoder.dtype]

    def embed(self, pixels: NDArray[np.uint8]) -> Embedding:
        """Embedding of an HxWx3 uint8 RGB picture."""
        return self._generator.encoder.embed(pixels)

    def generate(self, pixels: NDArray[np.uint8], embedding: Embedding, quality: Quality) -> list[Mask]:
        """Masks of everything in the picture; prompts lie on a grid, the denser the more thorough."""
        prepared = self._generator.decoder.prepare(embedding)
        points = point_grid(POINTS_PER_SIDE[quality], (pixels.shape[0], pixels.shape[1]))
        how = Decoding(exact=quality == "thorough")
        return self._generator.masks_at(prepared, points, how)

    def masks_at(self, embedding: Embedding, points: NDArray[np.float64]) -> list[Mask]:
        """The mask of the highest predicted IoU at each of Nx2 (x, y) pixels."""
        prepared = self._generator.decoder.prepare(embedding)
        candidates = self._generator.candidates_at(prepared, points, ANY_MASK)
        masks = []
        for prompt in range(len(points)):
            own = np.flatnonzero(candidates.prompt == prompt)
            if own.size and (mask := candidates.mask(int(own[candidates.predicted_iou[own].argmax()]))):
                masks.append(mask)
        return masks
