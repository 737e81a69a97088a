"""What is known of the droplets of a series before they are followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Edge = tuple[int, int]
"""Indices of a detection and of a later one that is linked to it."""


@dataclass(frozen=True, eq=False)
class Detections:
    """N droplets of all frames of a series, frame after frame.

    Attributes:
        frame: N, number of the frame in its file, ascending.
        position: Nx2 (x, y) of the centroid in pixels.
        diameter: N, equivalent diameter in pixels.
        step: frames of the file from one frame of the series to the next.
    """

    frame: Ints
    position: Floats
    diameter: Floats
    step: int = 1

    @property
    def rows(self) -> list[Ints]:
        """Indices of the droplets of each frame, from the first one with any to the last."""
        if not self.frame.size:
            return []
        numbers = range(int(self.frame[0]), int(self.frame[-1]) + 1, self.step)
        return [np.flatnonzero(self.frame == number) for number in numbers]

    @property
    def volume(self) -> Floats:
        """N, of balls of the diameter, in cubic pixels."""
        return np.pi / 6 * self.diameter**3
