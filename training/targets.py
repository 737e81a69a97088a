"""What the head should answer for a rendered picture.

Heat is a Gaussian around each centre (as in CenterNet, Zhou et al. 2019), one at the nearest cell. Rays, kind
and expected IoU are learnt at the cells near the centre. See droplets/finding/head.py for cells and rays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from droplets.finding.head import FIRST, HEAD_RAYS, LAYERS, STRIDE
from training.rendering.truth import CORNERS, Outline

HEAT_SIGMA, LEAST_SIGMA = 0.18, 0.7
"""Of the Gaussian: in radii, and at least so many cells."""
NEAR, LEAST_NEAR = 0.36, 0.9
"""Cells within this part of the radius, or at least so many cells, of a centre learn its rays."""
MOST_CELLS = 16
"""Of them, of one object: large ones do not count for more than small ones."""
IGNORED = 0.6
"""Within this part of its radius no heat is judged at an object that does not count."""
LARGEST = 12.0
"""Cells of radius: a larger object is found in a smaller picture, see `droplets.finding.pyramid.Scales`."""
TURNS = 2 * np.pi * np.arange(HEAD_RAYS) / HEAD_RAYS
DIRECTIONS = np.column_stack([np.cos(TURNS), np.sin(TURNS)])

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Targets:
    """For one layer of a frame of HxW cells.

    Attributes:
        heat: HxW float16, 0 to 1; negative where it is not judged.
        cell: K int32, index of a cell that learns an object's rays.
        rays: Kx32 float16, logarithms of their lengths in cells.
        bead: K bool.
    """

    heat: NDArray[np.float16]
    cell: NDArray[np.int32]
    rays: NDArray[np.float16]
    bead: NDArray[np.bool_]

    def part(self, rows: slice, columns: slice) -> Targets:
        """Of a rectangle of the cells."""
        row, column = np.divmod(self.cell, self.heat.shape[1])
        inside = (row >= rows.start) & (row < rows.stop) & (column >= columns.start) & (column < columns.stop)
        width = columns.stop - columns.start
        cell = (row[inside] - rows.start) * width + column[inside] - columns.start
        return Targets(
            self.heat[rows, columns].copy(), cell.astype(np.int32), self.rays[inside], self.bead[inside]
        )


def layer_targets(objects: Sequence[Outline], height: int, width: int, seed: int = 0) -> list[Targets]:
    """Targets of both layers.

    Arguments:
        objects: of the picture.
        height, width: of the answer in cells.
        seed: of the choice of cells.
    """
    return [
        _targets([one for one in objects if one.inner == (layer == "inner")], height, width, seed)
        for layer in LAYERS
    ]


def _targets(objects: Sequence[Outline], height: int, width: int, seed: int) -> Targets:
    random = np.random.default_rng(seed)
    heat = np.zeros((height, width), np.float32)
    judged = np.ones((height, width), bool)
    cells, rays, beads = [], [], []
    for one in objects:
        x, y, radius = (one.x - FIRST) / STRIDE, (one.y - FIRST) / STRIDE, one.radius / STRIDE
        sigma = max(LEAST_SIGMA, HEAT_SIGMA * radius)
        reach = int(np.ceil(max(3 * sigma, IGNORED * radius, 2)))
        left, right = max(0, int(x) - reach), min(width, int(x) + reach + 2)
        top, bottom = max(0, int(y) - reach), min(height, int(y) + reach + 2)
        if left >= right or top >= bottom:
            continue
        columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
        away = (columns - x) ** 2 + (rows - y) ** 2
        window = (slice(top, bottom), slice(left, right))
        if not one.counts or radius > LARGEST:
            judged[window] &= away > max(IGNORED * radius, 1.5) ** 2
            continue
        blob = np.exp(-away / (2 * sigma**2))
        if -0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5:
            blob.flat[np.argmin(away)] = 1.0
        np.maximum(heat[window], blob, out=heat[window])
        near = np.flatnonzero(away.ravel() <= max(NEAR * radius, LEAST_NEAR) ** 2)
        if near.size > MOST_CELLS:
            near = random.choice(near, MOST_CELLS, replace=False)
        if near.size:
            column, row = columns.ravel()[near], rows.ravel()[near]
            cells.append(row * width + column)
            rays.append(
                ray_lengths(one, np.column_stack([column, row]).astype(np.float64) * STRIDE + FIRST) / STRIDE
            )
            beads.append(np.full(near.size, one.bead))
    heat = np.where(judged | (heat >= 1), heat, -1)
    if not cells:
        return Targets(
            heat.astype(np.float16),
            np.zeros(0, np.int32),
            np.zeros((0, HEAD_RAYS), np.float16),
            np.zeros(0, bool),
        )
    lengths = np.log(np.maximum(np.concatenate(rays), 0.1))
    return Targets(
        heat.astype(np.float16),
        np.concatenate(cells).astype(np.int32),
        lengths.astype(np.float16),
        np.concatenate(beads),
    )


def ray_lengths(outline: Outline, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kx32 distances in pixels from Kx2 points (x, y) within an outline to it, along the head's rays."""
    offset = points - (outline.x, outline.y)
    if np.ptp(outline.radii) < 1e-6:
        along = offset @ DIRECTIONS.T
        beyond = outline.radii[0] ** 2 - (offset**2).sum(axis=1, keepdims=True)
        return np.asarray(np.sqrt(np.maximum(along**2 + beyond, 0)) - along)
    low = np.zeros((len(points), HEAD_RAYS))
    high = np.full((len(points), HEAD_RAYS), 2.2 * float(outline.radii.max()) + STRIDE)
    closed = np.append(outline.radii, outline.radii[0])
    for _ in range(14):
        middle = (low + high) / 2
        x = offset[:, :1] + middle * DIRECTIONS[:, 0]
        y = offset[:, 1:] + middle * DIRECTIONS[:, 1]
        turn = (np.arctan2(y, x) % (2 * np.pi)) * (CORNERS / (2 * np.pi))
        first = np.minimum(turn.astype(int), CORNERS - 1)
        edge = closed[first] + (turn - first) * (closed[first + 1] - closed[first])
        outside = np.hypot(x, y) > edge
        high, low = np.where(outside, middle, high), np.where(outside, low, middle)
    return np.asarray((low + high) / 2)
