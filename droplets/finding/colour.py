"""What of a picture's colours the network is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ONE_AXIS = 0.98
"""Part of a picture's variation, in RGB, along one axis from which it is a picture of one colour."""
COLOURFUL = 3.0
"""Grey levels between a pixel's brightest and darkest channel, on average, under which a picture is grey."""
SAMPLED = 4
"""Every so many pixels along each side tell."""


def as_seen(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture as the network is shown it: one of a single colour, such as a green dye on black, as grey.

    The encoder has learnt from photographs, in which a picture without red and blue says little. Where all
    colours of a picture lie on one axis (its first principal component), the place along that axis is all
    that it has to say.

    Arguments:
        pixels: HxWx3 uint8 RGB.

    Returns:
        HxWx3 uint8 RGB, as bright as the axis's brightest channel.
    """
    some = pixels[::SAMPLED, ::SAMPLED].reshape(-1, 3).astype(np.float64)
    if len(some) < 2 or np.ptp(some, axis=1).mean() < COLOURFUL:
        return pixels
    variation, axes = np.linalg.eigh(np.cov(some.T))
    axis = axes[:, -1] * np.sign(axes[:, -1].sum())
    if axis.min() < -(1 - ONE_AXIS) or variation[-1] < ONE_AXIS * variation.sum():
        return pixels
    along = pixels.astype(np.float32) @ (axis * axis.max()).astype(np.float32)
    grey = np.clip(np.rint(along), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
