"""Where a first look found nothing: what is worth another prompt, and masks that are less sure.

A droplet missing from a raft of equal ones, or a bubble in foam, often has a mask just under the
thresholds. It counts if the edges of the picture say the same as the model: a round object of about
this size at this place, and no other object there.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.population import typical_area
from droplets.sam.cells import closed_cells
from droplets.sam.generator import Decoding, Generator
from droplets.sam.projections import Prepared
from droplets.sam.prompts import Proposals, propose_small
from droplets.types import Mask

TEXTURE = 2.5
"""A point is worth a second look where the picture varies this much more than in its calm parts."""
LESS_SURE = Decoding(pred_iou_thresh=0.8, stability_score_thresh=0.87, large=False)
ALIKE = 1.6
"""Radii that differ by less than this factor agree: votes are counted for a series of radii only."""
CENTRED = 0.5
"""Centres agree that are closer than this part of the radius."""
APART = 0.2
"""Objects share less than this part of the smaller one's area."""


def look_again(
    generator: Generator,
    prepared: Prepared,
    pixels: NDArray[np.uint8],
    proposals: Proposals,
    masks: Sequence[Mask],
    largest: float,
) -> list[Mask]:
    """Masks of objects that none of `masks` shows.

    In a monodisperse picture only what has the droplets' size is looked for. In any other, so are
    objects that are too small for the first look, and closed cells that the model has no mask for.

    Arguments:
        generator: of the loaded model.
        prepared: the picture.
        pixels: HxWx3 uint8 RGB, the same.
        proposals: all of them.
        masks: found so far.
        largest: masks of more pixels do not count as found.
    """
    found = [mask for mask in masks if mask.area <= largest]
    typical = typical_area([mask.area for mask in found])
    if typical is not None:
        wanted = np.sqrt(typical / np.pi)
        alike = (proposals.radius > wanted / ALIKE) & (proposals.radius < wanted * ALIKE)
        return _less_sure(generator, prepared, proposals.at(alike), found)
    new = _less_sure(generator, prepared, proposals, found)
    new += _less_sure(generator, prepared, propose_small(pixels), found + new)
    return new + closed_cells(pixels, found + new, largest)


def _less_sure(
    generator: Generator, prepared: Prepared, proposals: Proposals, found: Sequence[Mask]
) -> list[Mask]:
    """Masks over lower thresholds, at proposals in none of `found`, that agree with these proposals."""
    open_ = proposals.at(~covered(found, proposals.points, np.inf))
    masks: list[Mask] = []
    for mask in generator.masks_at(prepared, open_.points, LESS_SURE):
        radius = float(np.sqrt(mask.area / np.pi))
        near = np.hypot(*(open_.points - mask.centroid).T) < CENTRED * radius
        alike = (open_.radius > radius / ALIKE) & (open_.radius < radius * ALIKE)
        if (near & alike).any() and all(
            mask.intersection(other) < APART * min(mask.area, other.area) for other in [*found, *masks]
        ):
            masks.append(mask)
    return masks


def covered(masks: Sequence[Mask], points: NDArray[np.float64], largest: float) -> NDArray[np.bool_]:
    """Whether each of Nx2 (x, y) points lies in one of the masks of at most `largest` pixels."""
    x, y = np.rint(points).astype(np.int64).T
    inside_any = np.zeros(len(points), bool)
    for mask in masks:
        if mask.area > largest:
            continue
        column, row = x - mask.x, y - mask.y
        inside = np.flatnonzero((column >= 0) & (column < mask.width) & (row >= 0) & (row < mask.height))
        inside_any[inside] |= mask.crop[row[inside], column[inside]]
    return inside_any


def textured(pixels: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those of Nx2 (x, y) points around which the picture shows more than its calm parts do."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    side = max(3, round(max(grey.shape) / 48))
    mean = cv2.blur(grey, (side, side))
    deviation = np.sqrt(np.maximum(cv2.blur(grey**2, (side, side)) - mean**2, 0))
    x, y = np.rint(points).astype(np.int64).T
    here = deviation[np.minimum(y, grey.shape[0] - 1), np.minimum(x, grey.shape[1] - 1)]
    return np.asarray(points[here > TEXTURE * np.percentile(deviation, 10)])
