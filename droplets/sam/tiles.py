"""Zoomed parts of a picture, for objects too small in the model's frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from droplets.sam.encoder import FRAME
from droplets.types import Box, Mask

TILED_PIXELS = 2.4e6
OVERLAP = 2.0
"""Tiles overlap by this many diameters of the objects that they are for."""


def zoom_in(
    pixels: NDArray[np.uint8],
    points: NDArray[np.float64],
    radius: NDArray[np.float64],
    diameter: float,
    most: float,
) -> Iterator[tuple[Box, NDArray[np.uint8], NDArray[np.int64]]]:
    """Parts of a picture in which small objects are large enough for the model.

    Arguments:
        pixels: HxWx3 uint8 RGB.
        points: Nx2 (x, y) of the objects in pixels, at least one.
        radius: N, in pixels.
        diameter: that they shall take in the model's frame, in its pixels.
        most: the picture is cut into this many tiles if they are enough, and into as many more as it is
            larger than 2.4 megapixels.

    Yields:
        box of a tile that has objects, its pixels, and the indices of the objects.
    """
    height, width = pixels.shape[:2]
    overlap = round(OVERLAP * float(2 * radius.max()))
    side = max(2 * overlap, round(FRAME * float(np.median(2 * radius)) / diameter))
    most *= max(1.0, width * height / TILED_PIXELS)
    while len(boxes := tile_boxes(width, height, side, overlap)) > most:
        side = round(1.1 * side)
    for box, chosen in assign(points, boxes):
        yield box, cut(pixels, box), chosen


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
        mask.moved(x, y)
        for mask in masks
        if not (
            (mask.x == 0 and x > 0)
            or (mask.y == 0 and y > 0)
            or (mask.x + mask.width == side_x and x + side_x < width)
            or (mask.y + mask.height == side_y and y + side_y < height)
        )
    ]


def cut(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The part of HxWx3 pixels in a box."""
    x, y, width, height = box
    return np.ascontiguousarray(pixels[y : y + height, x : x + width])


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """First pixels of evenly spread tiles along one axis."""
    if length <= side:
        return [0]
    number = math.ceil((length - overlap) / (side - overlap))
    return [round(i * (length - side) / (number - 1)) for i in range(number)]
