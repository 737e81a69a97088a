"""Which places of a picture are accounted for by masks, and which are worth another look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.boxes import boxes_of, corners, overlapping
from droplets.types import Mask

TEXTURE = 2.5
"""A point is worth a second look where the picture varies this much more than in its calm parts."""
APART = 0.2
"""Two objects share less than this part of the smaller one's area."""
VACANT = (0.8, 1.4)
"""A droplet missing from a raft leaves room for a circle of its radius times this, at least and at most."""


class Found:
    """Masks of objects, of which those near another mask are quick to find."""

    def __init__(self, masks: Iterable[Mask] = ()) -> None:
        self.masks = list(masks)
        self._boxes = boxes_of(self.masks)

    def add(self, mask: Mask) -> None:
        """One more."""
        self.masks.append(mask)
        self._boxes = np.column_stack([self._boxes, corners(mask)])

    def is_apart(self, mask: Mask) -> bool:
        """Whether a mask shows none of the objects."""
        others = (self.masks[i] for i in overlapping(self._boxes, mask))
        return all(mask.intersection(other) < APART * min(mask.area, other.area) for other in others)


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


def vacancies(droplets: Sequence[Mask], size: tuple[int, int], radius: float) -> NDArray[np.float64]:
    """Where in an (H, W) picture the droplets leave room for just one more of that radius.

    Returns:
        Nx2 (x, y), the points furthest from all droplets and from the border, in pixels.
    """
    free = np.zeros((size[0] + 2, size[1] + 2), np.uint8)
    free[1:-1, 1:-1] = 1
    for mask in droplets:
        free[mask.y + 1 : mask.y + 1 + mask.height, mask.x + 1 : mask.x + 1 + mask.width][mask.crop] = 0
    room = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    around = 2 * round(radius) + 1
    furthest = room == cv2.dilate(room, np.ones((around, around), np.uint8))
    y, x = np.nonzero(furthest & (room >= VACANT[0] * radius) & (room <= VACANT[1] * radius))
    return np.column_stack([x, y]).astype(np.float64)
