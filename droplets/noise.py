"""Noise of pictures, and what a spread tells of it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

MAD_TO_SIGMA = 1.4826
"""Standard deviation of normal values over the median of their distances from the middle."""


def white_noise(plane: NDArray[np.float32]) -> float:
    """Standard deviation of a pixel's noise in an HxW plane, in its own units.

    Source: Immerkaer 1996, Computer Vision and Image Understanding 64:300, by the median over every other
    pixel along each side. Edges and smooth light cancel in the second differences that it takes.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    return MAD_TO_SIGMA * float(np.median(np.abs(cv2.filter2D(plane, -1, kernel)[::2, ::2])))
