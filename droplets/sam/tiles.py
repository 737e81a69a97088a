"""Zoomed parts of a picture, for objects too small in the model's frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from droplets.types import Box, Mask


def tile_boxes(width: int, height: int, side: int, overlap: int) -> list[Box]:
    """Boxes of at most `side` x `side` pixels that cover a picture and overlap by at least `overlap`."""
    columns, rows = _starts(width, side, overlap), _starts(height, side, overlap)
    return [(x, y, min(side, width), min(side, height)) for y in rows for x in columns]


def assign(points: NDArray[np.float64], boxes: Sequence[Box]) -> Iterator[tuple[Box, NDArray[np.int64]]]:
    """Each box that has any of Nx2 (x, y) points, with the indices of those that lie deepest within it."""
    corners = np.array(boxes, np.float64)
    low, high = corners[:, :2], corners[:, :2] + corners[:, 2:] - 1
    depth = np.minimum(points[:, None] - low, high - points[:, None]).min(axis=2)
    home = depth.argmax(axis=1)
    for i, box in enumerate(boxes):
        own = np.flatnonzero(home == i)
        if own.size:
            yield box, own


def whole_masks(masks: Sequence[Mask], box: Box, width: int, height: int) -> list[Mask]:
    """Masks of the tile at `box` in the frame of the picture, without those that the tile's seams cut."""
    x, y, side_x, side_y = box
    return [
        replace(mask, x=mask.x + x, y=mask.y + y)
        for mask in masks
        if not (
            (mask.x == 0 and x > 0)
            or (mask.y == 0 and y > 0)
            or (mask.x + mask.width == side_x and x + side_x < width)
            or (mask.y + mask.height == side_y and y + side_y < height)
        )
    ]


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """First pixels of evenly spread tiles along one axis."""
    if length <= side:
        return [0]
    number = math.ceil((length - overlap) / (side - overlap))
    return [round(i * (length - side) / (number - 1)) for i in range(number)]
