"""Polygons around a centre: the pixels in them, and their part within a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from droplets.types import HALF_PIXEL, Mask

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def rasterise(centre: Floats, contour: Floats, width: int, height: int) -> list[Mask | None]:
    """The pixels whose centres lie in each polygon.

    Arguments:
        centre: Nx2 (x, y).
        contour: NxKx2 (x, y): corner k lies on the ray at 2 pi k / K from the x axis around the centre.
        width, height: of the picture, in pixels.

    Returns:
        N masks cut to the picture; None for a polygon that covers no pixel centre.
    """
    relative = contour - centre[:, None, :]
    radius = np.hypot(relative[..., 0], relative[..., 1])
    inner, outer = radius.min(axis=1) * np.cos(np.pi / contour.shape[1]), radius.max(axis=1)
    corner = np.floor(centre - outer[:, None]).astype(np.int64)
    side = int(2 * np.ceil(outer.max())) + 2
    steps = np.arange(side)
    across = corner[:, 0, None] + steps - centre[:, 0, None]
    down = corner[:, 1, None] + steps - centre[:, 1, None]
    squared = across[:, None, :] ** 2 + down[:, :, None] ** 2
    filled: Bools = np.asarray(squared < inner[:, None, None] ** 2)
    # Only what lies between the inscribed and the circumscribed circle needs a closer look.
    which, row, column = np.nonzero(~filled & (squared <= outer[:, None, None] ** 2))
    filled[which, row, column] = _within(relative, which, across[which, column], down[which, row])
    filled &= ((corner[:, 0, None] + steps >= 0) & (corner[:, 0, None] + steps < width))[:, None, :]
    filled &= ((corner[:, 1, None] + steps >= 0) & (corner[:, 1, None] + steps < height))[:, :, None]
    return _tight(filled, corner)


def _tight(filled: Bools, corner: NDArray[np.int64]) -> list[Mask | None]:
    """Masks of the True pixels of NxSxS `filled`, whose corners are Nx2 (x, y); None without any."""
    side = filled.shape[1]
    columns, rows = np.any(filled, axis=1), np.any(filled, axis=2)
    first = np.stack([columns.argmax(axis=1), rows.argmax(axis=1)], axis=1)
    last = side - np.stack([columns[:, ::-1].argmax(axis=1), rows[:, ::-1].argmax(axis=1)], axis=1)
    return [
        Mask(x + left, y + top, full[top:bottom, left:right].copy()) if present else None
        for full, present, (x, y), (left, top), (right, bottom) in zip(
            filled, np.any(columns, axis=1), corner.tolist(), first.tolist(), last.tolist(), strict=True
        )
    ]


def _within(relative: Floats, which: NDArray[np.intp], x: Floats, y: Floats) -> Bools:
    """Whether the points lie on the centre's side of the polygon's edge in their sector."""
    count = relative.shape[1]
    sector = np.floor(np.arctan2(y, x) * (count / (2 * np.pi))).astype(np.intp) % count
    first, second = relative[which, sector], relative[which, (sector + 1) % count]
    edge = second - first
    inside: Bools = edge[:, 0] * (y - first[:, 1]) - edge[:, 1] * (x - first[:, 0]) >= 0
    return inside


def clip(contour: Floats, width: int, height: int) -> Floats:
    """The part of the Kx2 polygon within the picture's pixels taken as unit squares.

    Source: Sutherland and Hodgman, "Reentrant polygon clipping", CACM 17 (1974).
    """
    (left, top), (right, bottom) = contour.min(axis=0).tolist(), contour.max(axis=0).tolist()
    first, last_x, last_y = -HALF_PIXEL, width - HALF_PIXEL, height - HALF_PIXEL
    if min(left, top) >= first and right <= last_x and bottom <= last_y:
        return contour
    for axis, bound, sign in ((0, first, 1), (0, last_x, -1), (1, first, 1), (1, last_y, -1)):
        depth = sign * (contour[:, axis] - bound)
        after, depth_after = np.roll(contour, -1, axis=0), np.roll(depth, -1)
        crosses = (depth >= 0) != (depth_after >= 0)
        share = np.where(crosses, depth / np.where(crosses, depth - depth_after, 1), 0)
        crossing = contour + share[:, None] * (after - contour)
        pairs = np.stack([contour, crossing], axis=1).reshape(-1, 2)
        contour = pairs[np.stack([depth >= 0, crosses], axis=1).ravel()]
    return contour
