"""Answers that a perfect head would give for circles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from droplets.finding.head import FIRST, HEAT, KIND, LAYER_CHANNELS, QUALITY, RAY, STRIDE
from droplets.finding.stars import DIRECTIONS, OUTER


@dataclass(frozen=True)
class Circle:
    """In pixels of the frame."""

    x: float
    y: float
    radius: float
    layer: int = OUTER
    bead: float = 0.1
    heat: float = 0.9
    expected_iou: float = 0.9


def logit(probability):
    return np.log(probability / (1 - probability))


def answer_of(circles, height: int, width: int) -> np.ndarray:
    """70x(height/4)x(width/4): each circle's heat at the cell nearest to its centre, and its rays there."""
    rows, columns = height // STRIDE, width // STRIDE
    maps = np.zeros((2, LAYER_CHANNELS, rows, columns), np.float32)
    maps[:, [HEAT, QUALITY, KIND]] = -8
    for circle in circles:
        column, row = (round((at - FIRST) / STRIDE) for at in (circle.x, circle.y))
        cell = maps[circle.layer, :, row, column]
        cell[HEAT] = max(cell[HEAT], logit(circle.heat))
        cell[QUALITY], cell[KIND] = logit(circle.expected_iou), logit(circle.bead)
        cell[RAY:] = np.log(rays_to(circle, STRIDE * column + FIRST, STRIDE * row + FIRST) / STRIDE)
    return maps.reshape(2 * LAYER_CHANNELS, rows, columns)


def rays_to(circle: Circle, x: float, y: float) -> np.ndarray:
    """32 distances in pixels from a point in the circle to it, along the rays."""
    off = np.array([x - circle.x, y - circle.y])
    along = DIRECTIONS @ off
    # A cell's nearest point may lie beside a tiny circle.
    return np.maximum(-along + np.sqrt(np.maximum(along**2 + circle.radius**2 - off @ off, 0)), 0.1)
