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
_AT_ONCE = 1 << 20  # interpolated at once
_TILE = 256  # pixels along a side of what is interpolated as one
_NOWHERE = 1 << 30  # right of all pixels


@dataclass(frozen=True, eq=False)
class Candidates:
    """Masks that passed both thresholds, of one picture.

    Attributes:
        prompt: K int64, which of the points each comes from.
        predicted_iou, stability: K float32.
        boxes: Kx4 float32 XYXY in pixels, right and bottom included, as stock has them.
        corners: Kx2 int64 (x, y) of the pixels' top-left.
        pixels: K arrays hxceil(w/8) uint8, masks with eight pixels a byte as numpy.packbits writes
            them along rows, not necessarily tight.
    """

    prompt: NDArray[np.int64]
    predicted_iou: NDArray[np.float32]
    stability: NDArray[np.float32]
    boxes: NDArray[np.float32]
    corners: NDArray[np.int64]
    pixels: list[NDArray[np.uint8]]

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
        return Mask.from_array(np.unpackbits(self.pixels[index], axis=1).view(np.bool_), x, y, **scores)


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
    prompt: Tensor,
    predicted_iou: Tensor,
    threshold: float,
) -> Candidates:
    """Masks whose stability score reaches a threshold.

    A GPU is waited for twice a chunk of masks of like size: which are stable, and their pixels.

    Args:
        resampler: of the picture.
        logits: Kx256x256 float32.
        prompt: K int64, carried along, on the host.
        predicted_iou: K float32, carried along, on the host.
        threshold: lowest stability score.
    """
    boxes = _places(resampler, logits)
    chosen, stability, tight = [], [], []
    pixels: list[NDArray[np.uint8]] = []
    for chunk in _chunks(boxes):
        found = _evaluate(resampler, logits, boxes, chunk)
        score = found.stability.cpu()
        stable = score >= threshold  # not those without any mask
        chosen.append(chunk[stable])
        stability.append(score[stable])
        tight.append(found.boxes[send(stable.nonzero()[:, 0], logits.device)])
        pixels += found.packed(boxes[chunk], stable)
    if not pixels:
        return Candidates.join([])
    order = torch.cat(chosen)
    return Candidates(
        prompt[order].numpy(),
        predicted_iou[order].numpy(),
        torch.cat(stability).numpy(),
        torch.cat(tight).float().cpu().numpy(),
        boxes[order, :2].numpy(),
        pixels,
    )


def _places(resampler: Resampler, logits: Tensor) -> Tensor:
    """Kx4 XYXY of the pixels that the masks may reach, on the host.

    To the host once: indices are worked out there, or every one of them would have to be waited for.
    """
    spans = _spans(logits).cpu()
    x0, x1 = resampler.x.reach(spans[:, 0], spans[:, 2])
    y0, y1 = resampler.y.reach(spans[:, 1], spans[:, 3])
    return torch.stack([x0, y0, x1, y1], 1)


def _spans(logits: Tensor) -> Tensor:
    """Kx4 XYXY in the low-resolution frame around all logits over -1, right and bottom excluded."""
    edges = []
    for axis in (1, 2):
        some, first, last = _ends(logits.amax(axis) > -OFFSET)
        edges.append((first, torch.where(some, last + 1, first)))
    (x0, x1), (y0, y1) = edges
    return torch.stack([x0, y0, x1, y1], 1)


def _ends(line: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of KxN flags: whether any is set, and the first and the last that is; each K."""
    first, back = (each.int().argmax(1) for each in (line, line.flip(1)))
    return line.any(1), first, line.shape[1] - 1 - back


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
            and (stop + 1 - start) * sides[stop] ** 2 <= _AT_ONCE
            and sides[stop] <= 1.5 * sides[start] + 8
        ):
            stop += 1
        yield order[start:stop]
        start = stop


@dataclass(frozen=True, eq=False)
class _Tiles:
    """T parts of masks.

    Attributes:
        owner: T int64, which of the masks, on the host.
        boxes: Tx4 int64 XYXY in pixels, right and bottom excluded, on the host.
        masks: TxHxW bool, H and W those of the largest box; False outside the own box.
    """

    owner: Tensor
    boxes: Tensor
    masks: Tensor

    def paste(self, crops: list[NDArray[np.bool_]], boxes: Tensor, wanted: Tensor) -> None:
        """Write the tiles of the wanted masks (K bool) into the masks' crops, which lie at Kx4 boxes."""
        chosen = wanted[self.owner].nonzero()[:, 0]
        tiles = self.masks[send(chosen, self.masks.device)].cpu().numpy()
        corners = boxes[self.owner, :2].repeat(1, 2)
        places = (self.boxes - corners)[chosen].tolist()
        for tile, k, (x0, y0, x1, y1) in zip(tiles, self.owner[chosen].tolist(), places, strict=True):
            crops[k][y0:y1, x0:x1] = tile[: y1 - y0, : x1 - x0]


@dataclass(frozen=True, eq=False)
class _Evaluated:
    """K masks in pixels: stability K float32, boxes Kx4 int64 XYXY (ends included), and their tiles."""

    stability: Tensor
    boxes: Tensor
    tiles: list[_Tiles]

    def packed(self, boxes: Tensor, wanted: Tensor) -> list[NDArray[np.uint8]]:
        """The pixels in Kx4 boxes of the wanted masks (K bool), see `Candidates.pixels`."""
        sizes = (boxes[:, 2:] - boxes[:, :2]).tolist()
        keep = wanted.tolist()
        crops = [np.zeros((h, w) if kept else 0, bool) for (w, h), kept in zip(sizes, keep, strict=True)]
        for tiles in self.tiles:
            tiles.paste(crops, boxes, wanted)
        return [np.packbits(crop, axis=1) for crop, kept in zip(crops, keep, strict=True) if kept]


def _evaluate(resampler: Resampler, logits: Tensor, boxes: Tensor, chunk: Tensor) -> _Evaluated:
    """Stability scores, tight boxes and pixels of the masks whose indices a chunk holds.

    A large mask is worked on in tiles, whose arrays stay in the cache and whose interpolation
    takes the few logits that each depends on.
    """
    device = logits.device
    owner, tiles = _tiles(boxes[chunk])
    at_once = max(1, _AT_ONCE // int((tiles[:, 2:] - tiles[:, :2]).max()) ** 2)
    parts, edges, counts = [], [], []
    for which in torch.split(torch.arange(len(owner)), at_once):
        mine, own = owner[which], tiles[which]
        values = resampler(logits, chunk[mine], own)
        masks, ends, numbers = _measured(values, send(own, device))
        parts.append(_Tiles(mine, own, masks))
        edges.append(ends)
        counts.append(numbers)
    pairs = send(owner, device)[:, None].expand(-1, 2)
    low, high = torch.cat(edges).chunk(2, 1)
    shape = (len(chunk), 2)
    inner, outer = low.new_zeros(shape).scatter_add(0, pairs, torch.cat(counts)).unbind(1)
    tight = torch.cat(
        [
            low.new_full(shape, _NOWHERE).scatter_reduce(0, pairs, low, "amin"),
            low.new_full(shape, -1).scatter_reduce(0, pairs, high, "amax"),
        ],
        1,
    )
    return _Evaluated(inner / outer, tight, parts)


def _tiles(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Kx4 XYXY boxes cut into tiles of at most _TILE along a side: their owners, T, and Tx4."""
    columns, rows = ((boxes[:, 2:] - boxes[:, :2] + _TILE - 1) // _TILE).unbind(1)
    owner = torch.arange(len(boxes)).repeat_interleave(rows * columns)
    place = torch.arange(len(owner)) - ((rows * columns).cumsum(0) - rows * columns)[owner]
    across, down = place % columns[owner], place // columns[owner]
    start = boxes[owner, :2] + _TILE * torch.stack([across, down], 1)
    return owner, torch.cat([start, torch.minimum(start + _TILE, boxes[owner, 2:])], 1)


def _measured(values: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What TxHxW logits hold that are 0 outside their Tx4 boxes.

    Returns:
        TxHxW bool masks; their edges, Tx4 XYXY with ends included, of an empty mask turned inside out; the
        numbers of logits over 1 and over -1, Tx2.
    """
    edges = []
    for axis, start in ((1, boxes[:, 0]), (2, boxes[:, 1])):
        some, first, last = _ends(values.amax(axis) > 0)
        edges.append((torch.where(some, start + first, _NOWHERE), torch.where(some, start + last, -1)))
    (x0, x1), (y0, y1) = edges
    over = torch.empty_like(values)  # numbers: flags take torch ten times as long to count
    inner, outer = (torch.gt(values, limit, out=over).sum((1, 2)).long() for limit in (OFFSET, -OFFSET))
    outside = values[0].numel() - (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return values > 0, torch.stack([x0, y0, x1, y1], 1), torch.stack([inner, outer - outside], 1)
