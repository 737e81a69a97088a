"""What MobileSAM's own decoder adds to the one pass: surer outlines, and objects where that saw none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from droplets.objects.boxes import boxes_of, overlapping
from droplets.sam.generator import Generator, point_grid
from droplets.sam.pointing import ANY_MASK
from droplets.sam.projections import Prepared
from droplets.tuning import tuned
from droplets.types import Mask


@dataclass(frozen=True)
class Asking:
    """What the decoder is asked for, and which of its masks are taken."""

    same: float = tuned(
        0.5,
        "IoU",
        "from which on two masks show one object",
        "the usual limit of a match; droplets lie apart",
    )
    most: int = tuned(
        1024, "masks", "asked for again, the least sure ones", "bounds time: stock has as many prompts in all"
    )
    apart: float = tuned(
        0.2, "area of the smaller", "that two objects share less of", "clicks and grids on rendered emulsions"
    )


def surer(
    generator: Generator,
    prepared: Prepared,
    masks: Sequence[Mask],
    below: float,
    how: Asking = Asking(),
) -> list[Mask]:
    """The masks, with the decoder's in the place of those that it knows better.

    Arguments:
        generator: of the loaded model.
        prepared: the picture.
        masks: found by the head.
        below: the decoder is asked where a mask's expected IoU is lower than this; its mask is taken if
            it shows the same object and its own predicted IoU is higher.
        how: which masks, and what is the same object.
    """
    unsure = sorted(
        (i for i, mask in enumerate(masks) if mask.predicted_iou < below),
        key=lambda i: masks[i].predicted_iou,
    )[: how.most]
    if not unsure:
        return list(masks)
    points = np.array([masks[i].centroid for i in unsure])
    candidates = generator.candidates_at(prepared, points, ANY_MASK)
    best = list(masks)
    for i in np.argsort(candidates.predicted_iou, kind="stable"):  # so that the best comes last
        which = unsure[int(candidates.prompt[i])]
        own = masks[which]
        if candidates.predicted_iou[i] <= own.predicted_iou:
            continue
        mask = candidates.mask(int(i))
        if mask is not None and mask.iou(own) > how.same:
            best[which] = replace(mask, bead_probability=own.bead_probability, inner=own.inner)
    return best


def missed(
    generator: Generator,
    prepared: Prepared,
    masks: Sequence[Mask],
    points_per_side: int,
    how: Asking = Asking(),
) -> list[Mask]:
    """Masks of what none of `masks` shows, prompted on stock's grid where they leave it open.

    Among themselves they may show parts, clumps and the background, as stock's do.
    """
    height, width = prepared.embedding.size
    points = point_grid(points_per_side, (height, width))
    found = generator.masks_at(prepared, points[~_covered(masks, points, width, height)])
    boxes = boxes_of(masks)
    return [mask for mask in found if _is_apart(mask, [masks[i] for i in overlapping(boxes, mask)], how)]


def _is_apart(mask: Mask, others: Sequence[Mask], how: Asking) -> bool:
    """Whether a mask shows none of the others."""
    return all(mask.intersection(other) < how.apart * min(mask.area, other.area) for other in others)


def _covered(
    masks: Sequence[Mask], points: NDArray[np.float64], width: int, height: int
) -> NDArray[np.bool_]:
    """N: whether Nx2 (x, y) points of a picture lie in any of the masks."""
    canvas = np.zeros((height, width), np.bool_)
    for mask in masks:
        mask.paint(canvas, 1)
    x, y = np.clip(np.rint(points), 0, (width - 1, height - 1)).astype(np.intp).T
    covered: NDArray[np.bool_] = canvas[y, x]
    return covered
