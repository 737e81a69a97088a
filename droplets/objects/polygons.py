"""Polygons of any form: the pixels in them, which points they hold, and whether they cross themselves.

What lies inside is told by the even-odd rule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from droplets.types import Box, Mask

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def holds(polygon: Floats, points: Floats) -> Bools:
    """Which of Nx2 (x, y) points lie in the Kx2 polygon."""
    x, y = points[:, 0], points[:, 1]
    odd = np.zeros(len(points), bool)
    for (x1, y1), (x2, y2) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y1 != y2:
            odd ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) * ((x2 - x1) / (y2 - y1)))
    return odd


def distance(polygon: Floats, points: Floats) -> Floats:
    """How far each of Nx2 (x, y) points is from the line of the Kx2 polygon, in pixels."""
    nearest = np.full(len(points), np.inf)
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        along, to = end - start, points - start
        part = np.clip(to @ along / max(float(along @ along), np.finfo(float).tiny), 0, 1)
        away = to - part[:, None] * along
        nearest = np.minimum(nearest, np.hypot(away[:, 0], away[:, 1]))
    return nearest


def box_within(polygon: Floats, width: int, height: int) -> Box:
    """XYWH of the pixels of a picture of `width` x `height` whose centres lie in the polygon's box."""
    edges = np.clip(np.stack([polygon.min(axis=0), polygon.max(axis=0)]), -1, (width, height))
    left, top = np.maximum(np.ceil(edges[0]), 0).astype(int).tolist()
    right, bottom = np.minimum(np.floor(edges[1]), (width - 1, height - 1)).astype(int).tolist()
    return left, top, max(0, right + 1 - left), max(0, bottom + 1 - top)


def filled(polygon: Floats, width: int, height: int) -> Mask | None:
    """The pixels of a picture of `width` x `height` whose centres lie in the Kx2 polygon; None if none do."""
    left, top, across, down = box_within(polygon, width, height)
    if not across or not down:
        return None
    (x1, y1), (x2, y2) = polygon.T, np.roll(polygon, -1, axis=0).T
    first = np.clip(np.ceil(np.minimum(y1, y2)), top, top + down).astype(int)
    count = np.clip(np.ceil(np.maximum(y1, y2)), top, top + down).astype(int) - first
    edge = np.repeat(np.arange(len(polygon)), count)
    row = first[edge] + np.arange(edge.size) - np.repeat(np.cumsum(count) - count, count)
    x = x1[edge] + (row - y1[edge]) * ((x2 - x1)[edge] / (y2 - y1)[edge])
    turns = np.zeros((down, across + 1), np.uint8)
    np.add.at(turns, (row - top, np.clip(np.ceil(x), left, left + across).astype(int) - left), 1)
    odd = np.cumsum(turns, axis=1, dtype=np.uint8)[:, :-1] & 1  # a sum beyond 255 keeps its last bit
    return Mask.from_array(odd.astype(bool), left, top)


def crosses_itself(polygon: Floats) -> bool:
    """Whether two edges of the Kx2 polygon cross; that they only touch is no crossing."""
    start, end = polygon[:, None], np.roll(polygon, -1, axis=0)[:, None]
    other_start, other_end = polygon[None], np.roll(polygon, -1, axis=0)[None]
    apart = _side(start, end, other_start) * _side(start, end, other_end) < 0
    return bool((apart & apart.T).any())


def _side(start: Floats, end: Floats, point: Floats) -> Floats:
    """-1, 0 or 1: on which side of the line from `start` to `end` the point lies."""
    along, to = end - start, point - start
    return np.asarray(np.sign(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0]))
