"""Segment everything: the same masks as stock's SamAutomaticMaskGenerator, many times sooner."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from mobile_sam.modeling import Sam
from numpy.typing import NDArray

from droplets.sam.decoder import Decoder
from droplets.sam.encoder import Encoder, Precision, Runtime
from droplets.sam.projections import Prepared
from droplets.sam.resample import Resampler
from droplets.sam.selection import Candidates, select
from droplets.sam.workers import side_by_side
from droplets.types import Mask


@dataclass(frozen=True)
class Decoding:
    """Which of the decoder's masks are kept; by default those that stock keeps.

    Attributes:
        pred_iou_thresh: masks must have a higher predicted IoU.
        stability_score_thresh: masks must have at least this stability score.
        box_nms_thresh: of two masks whose boxes have a higher IoU one goes.
    """

    pred_iou_thresh: float = 0.88
    stability_score_thresh: float = 0.95
    box_nms_thresh: float = 0.7


STOCK = Decoding()
_WORTH_A_WORKER = 16  # prompts that are worth a worker's while


def point_grid(points_per_side: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """Stock's grid, N^2 x 2 (x, y) in pixels of an (H, W) picture."""
    along = (np.arange(points_per_side) + 0.5) / points_per_side
    x, y = np.meshgrid(along * size[1], along * size[0])
    return np.stack([x, y], axis=-1).reshape(-1, 2)


class Generator:
    """Finds the masks of pictures; holds no state of a picture, and may be shared by threads.

    Args:
        sam: the model, in eval mode, on the device to work on.
        points_per_side: of the grid that `generate` prompts.
        precision, runtime: of the encoder, see `Encoder`.
    """

    def __init__(
        self,
        sam: Sam,
        *,
        points_per_side: int = 32,
        precision: Precision = "auto",
        runtime: Runtime = "auto",
    ) -> None:
        self.points_per_side = points_per_side
        self.encoder = Encoder(sam, precision, runtime)
        self.decoder = Decoder(sam)

    def generate(self, pixels: NDArray[np.uint8]) -> list[Mask]:
        """Masks of HxWx3 uint8 RGB, prompted on the grid, best predicted IoU first."""
        points = point_grid(self.points_per_side, (pixels.shape[0], pixels.shape[1]))
        return self.masks_at(self.prepare(pixels), points)

    def warm_up(self) -> None:
        """Run every stage once on an empty picture, so that the first real one does not pay for it.

        Worth it on a GPU, whose libraries are loaded and whose kernels are chosen at their first
        use. On a CPU there is less to set up, and an empty picture costs the encoder as much as
        a real one.
        """
        prepared = self.prepare(np.zeros((64, 64, 3), np.uint8))
        anything = Decoding(pred_iou_thresh=-np.inf, stability_score_thresh=0.0)
        for points_per_side in (8, 1):  # a whole batch, and a click
            self.masks_at(prepared, point_grid(points_per_side, (64, 64)), anything)

    def prepare(self, pixels: NDArray[np.uint8]) -> Prepared:
        """Encode HxWx3 uint8 RGB, for any number of prompts."""
        return self.decoder.prepare(self.encoder.embed(pixels))

    def masks_at(
        self, prepared: Prepared, points: NDArray[np.float64], decoding: Decoding = STOCK
    ) -> list[Mask]:
        """Masks that Nx2 (x, y) points in pixels of the picture give, without duplicates, best first."""
        found = self.candidates_at(prepared, points, decoding)
        masks = (found.mask(int(i)) for i in found.without_duplicates(decoding.box_nms_thresh))
        return [mask for mask in masks if mask is not None]

    def candidates_at(
        self, prepared: Prepared, points: NDArray[np.float64], decoding: Decoding = STOCK
    ) -> Candidates:
        """All masks over the thresholds that Nx2 (x, y) points in pixels give, duplicates and all."""
        embedding, device = prepared.embedding, self.decoder.device
        resampler = Resampler(embedding.size, embedding.input_size, device)
        frame_points = embedding.to_frame(points)
        predicted_iou, stability = decoding.pred_iou_thresh, decoding.stability_score_thresh

        def decode(prompts: NDArray[np.int64]) -> Candidates:
            parts = []
            for found in self.decoder.decode(prepared, frame_points[prompts], predicted_iou):
                row, channel = found.kept.unbind(1)
                scores = found.predicted_iou[row, channel]
                parts.append(select(resampler, found.logits, found.prompt[row], scores, stability))
            own = Candidates.join(parts)
            return replace(own, prompt=prompts[own.prompt])

        count = len(points) // _WORTH_A_WORKER if device.type == "cpu" else 1
        shares = np.array_split(np.arange(len(points)), max(1, count))
        return Candidates.join(side_by_side(decode, shares, device))
