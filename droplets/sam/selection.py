"""From low-resolution logits to the masks that are kept: stability, boxes, duplicates, pixels.

The same decisions as SamAutomaticMaskGenerator, taken on the pixels around each mask alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import nms

from droplets.sam.resample import Resampler
from droplets.sam.transfer import send
from droplets.types import Mask

OFFSET = 1.0  # the stability score compares the masks at logits of -1 and +1
_PIXELS = 1 << 20  # interpolated at once


@dataclass(frozen=True, eq=False)
class Candidates:
    """Masks that passed both thresholds, of one picture.

    Attributes:
        prompt: K int64, which of the points each comes from.
        predicted_iou, stability: K float32.
        boxes: Kx4 float32 XYXY in pixels, right and bottom included, as stock has them.
        corners: Kx2 int64 (x, y) of the pixels' top-left.
        pixels: K arrays hxw bool, not necessarily tight.
    """

    prompt: NDArray[np.int64]
    predicted_iou: NDArray[np.float32]
    stability: NDArray[np.float32]
    boxes: NDArray[np.float32]
    corners: NDArray[np.int64]
    pixels: list[NDArray[np.bool_]]

    @classmethod
    def join(cls, parts: Sequence[Candidates]) -> Candidates:
        """All of several, in order."""
        if not parts:
            return _NONE
        return cls(
            np.concatenate([part.prompt for part in parts]),
            np.concatenate([part.predicted_iou for part in parts]),
            np.concatenate([part.stability for part in parts]),
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.corners for part in parts]),
            [pixels for part in parts for pixels in part.pixels],
        )

    def without_duplicates(self, threshold: float) -> NDArray[np.int64]:
        """Indices of what non-maximum suppression on the boxes leaves, best predicted IoU first.

        Args:
            threshold: box IoU above which the one with the lower predicted IoU goes.
        """
        kept = nms(torch.from_numpy(self.boxes), torch.from_numpy(self.predicted_iou), threshold)
        return np.asarray(kept.numpy(), dtype=np.int64)

    def mask(self, index: int) -> Mask | None:
        """One of them."""
        x, y = self.corners[index].tolist()
        scores = {
            "predicted_iou": float(self.predicted_iou[index]),
            "stability_score": float(self.stability[index]),
        }
        return Mask.from_array(self.pixels[index], x, y, **scores)


_NONE = Candidates(
    np.empty(0, np.int64),
    np.empty(0, np.float32),
    np.empty(0, np.float32),
    np.empty((0, 4), np.float32),
    np.empty((0, 2), np.int64),
    [],
)


@torch.inference_mode()
def select(
    resampler: Resampler,
    logits: Tensor,
    corner: Tensor,
    prompt: Tensor,
    predicted_iou: Tensor,
    threshold: float,
) -> Candidates:
    """Masks whose stability score reaches a threshold.

    A GPU is waited for twice a chunk of masks of like size: which are stable, and their pixels.

    Args:
        resampler: of the picture.
        logits: KxSxS float32, parts of the low-resolution frame.
        corner: Kx2 int64 (x, y) of their top-left in it.
        prompt: K int64, carried along.
        predicted_iou: K float32, carried along.
        threshold: lowest stability score.
    """
    device = logits.device
    # To the host once: indices are worked out there, or every one of them would have to be waited for.
    places = torch.cat([_spans(logits, corner), corner], 1).cpu()
    spans, corner = places[:, :4], places[:, 4:]
    x0, x1 = resampler.x.reach(spans[:, 0], spans[:, 2])
    y0, y1 = resampler.y.reach(spans[:, 1], spans[:, 3])
    boxes = torch.stack([x0, y0, x1, y1], 1)
    chosen, stability, tight = [], [], []
    pixels: list[NDArray[np.bool_]] = []
    for chunk in _chunks(boxes):
        values = resampler(logits[send(chunk, device)], corner[chunk], boxes[chunk])
        found = _evaluate(values, send(boxes[chunk], device))
        score = found.stability.cpu()
        stable = (score >= threshold).nonzero()[:, 0]  # not those without any mask
        chosen.append(chunk[stable])
        stability.append(score[stable])
        tight.append(found.boxes[send(stable, device)])
        pixels += _cropped(found.masks[send(stable, device)], boxes[chunk[stable]])
    if not pixels:
        return Candidates.join([])
    order = torch.cat(chosen)
    return Candidates(
        prompt.cpu()[order].numpy(),
        predicted_iou.cpu()[order].numpy(),
        torch.cat(stability).numpy(),
        torch.cat(tight).float().cpu().numpy(),
        boxes[order, :2].numpy(),
        pixels,
    )


def _cropped(masks: Tensor, boxes: Tensor) -> list[NDArray[np.bool_]]:
    """KxHxW bool -> K arrays of the boxes' own sizes."""
    sizes = (boxes[:, 2:] - boxes[:, :2]).tolist()
    stack = masks.cpu().numpy()
    return [mask[:height, :width].copy() for mask, (width, height) in zip(stack, sizes, strict=True)]


def _spans(logits: Tensor, corner: Tensor) -> Tensor:
    """Kx4 XYXY in the low-resolution frame around all logits over -1, right and bottom excluded."""
    over = logits > -OFFSET
    edges = []
    for axis, offset in ((1, corner[:, 0]), (2, corner[:, 1])):
        line = over.any(axis).int()
        any_at_all = line.any(1)
        first = line.argmax(1)
        last = line.shape[1] - line.flip(1).argmax(1)
        edges.append((offset + first, offset + torch.where(any_at_all, last, first)))
    (x0, x1), (y0, y1) = edges
    return torch.stack([x0, y0, x1, y1], 1)


def _chunks(boxes: Tensor) -> Iterator[Tensor]:
    """Indices of boxes of like size, not too many pixels at once; empty boxes are left out."""
    size = boxes[:, 2:] - boxes[:, :2]
    order = size.amax(1).argsort()
    order = order[(size[order] > 0).all(1)]
    sides = size[order].amax(1).tolist()
    start = 0
    while start < len(sides):
        stop = start + 1
        while (
            stop < len(sides)
            and (stop + 1 - start) * sides[stop] ** 2 <= _PIXELS
            and sides[stop] <= 1.5 * sides[start] + 8
        ):
            stop += 1
        yield order[start:stop]
        start = stop


@dataclass(frozen=True, eq=False)
class _Evaluated:
    stability: Tensor
    boxes: Tensor
    masks: Tensor


def _evaluate(values: Tensor, boxes: Tensor) -> _Evaluated:
    """Stability scores, XYXY boxes (ends included) and bool masks of KxHxW logits in boxes."""
    height, width = values.shape[1:]
    size = boxes[:, 2:] - boxes[:, :2]
    rows = torch.arange(height, device=values.device) < size[:, 1, None]
    columns = torch.arange(width, device=values.device) < size[:, 0, None]
    values = values.masked_fill_(~(rows[:, :, None] & columns[:, None, :]), -torch.inf)
    inner = (values > OFFSET).sum((1, 2))
    outer = (values > -OFFSET).sum((1, 2))
    masks = values > 0
    edges = []
    for axis, offset in ((1, boxes[:, 0]), (2, boxes[:, 1])):
        line = masks.any(axis).int()
        edges.append((offset + line.argmax(1), offset + line.shape[1] - 1 - line.flip(1).argmax(1)))
    (x0, x1), (y0, y1) = edges
    return _Evaluated(inner / outer, torch.stack([x0, y0, x1, y1], 1), masks)
