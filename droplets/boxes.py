"""Boxes of masks, and which of many overlap one: the cheap question before the pixels are compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from droplets.types import Box, Mask

Boxes = NDArray[np.int64]
"""4xN: left, top, right and bottom in pixels, right and bottom excluded."""


def corners(mask: Mask) -> Box:
    """Left, top, right, bottom."""
    return mask.x, mask.y, mask.x + mask.width, mask.y + mask.height


def boxes_of(masks: Sequence[Mask]) -> Boxes:
    """4xN boxes of N masks."""
    return np.array([corners(mask) for mask in masks], np.int64).reshape(-1, 4).T


def surroundings(masks: Sequence[Mask], width: int, height: int) -> Box:
    """XYWH of the part of a picture of `width` x `height` pixels that holds masks, at least one.

    Around them it leaves as much room as the largest of them takes.
    """
    left, top, right, bottom = boxes_of(masks)
    room = int(max((right - left).max(), (bottom - top).max()))
    x, y = max(0, int(left.min()) - room), max(0, int(top.min()) - room)
    return x, y, min(width, int(right.max()) + room) - x, min(height, int(bottom.max()) + room) - y


def overlapping(boxes: Boxes, mask: Mask) -> list[int]:
    """Indices of the boxes that overlap the mask's, in order."""
    left, top, right, bottom = corners(mask)
    lefts, tops, rights, bottoms = boxes
    hits = (lefts < right) & (rights > left) & (tops < bottom) & (bottoms > top)
    return [int(i) for i in np.flatnonzero(hits)]
