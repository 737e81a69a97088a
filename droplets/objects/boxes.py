"""Boxes of masks, and which of many overlap one: the cheap question before the pixels are compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from droplets.types import Box, Mask

Boxes = NDArray[np.int64]
"""4xN: left, top, right and bottom in pixels, right and bottom excluded."""
Pairs = NDArray[np.int64]
"""Px2: indices, the smaller one first, in order."""


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


def overlapping_pairs(boxes: Boxes) -> Pairs:
    """All pairs of boxes that overlap.

    From left to right: a box can only overlap those after it that begin before it ends.
    """
    order = np.argsort(boxes[0])
    lefts, tops, rights, bottoms = boxes[:, order]
    after = np.searchsorted(lefts, rights) - np.arange(1, order.size + 1)
    first = np.repeat(np.arange(order.size), after)
    second = first + 1 + np.arange(first.size) - np.repeat(np.cumsum(after) - after, after)
    hits = (tops[first] < bottoms[second]) & (bottoms[first] > tops[second])
    pairs = np.sort(order[np.stack([first[hits], second[hits]], axis=1)], axis=1)
    return np.asarray(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


def overlapping(boxes: Boxes, mask: Mask) -> list[int]:
    """Indices of the boxes that overlap the mask's, in order."""
    left, top, right, bottom = corners(mask)
    lefts, tops, rights, bottoms = boxes
    hits = (lefts < right) & (rights > left) & (tops < bottom) & (bottoms > top)
    return [int(i) for i in np.flatnonzero(hits)]
