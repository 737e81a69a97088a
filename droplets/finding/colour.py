"""What of a picture's colours and light the network is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ONE_AXIS = 0.98
"""Part of a picture's variation, in RGB, along one axis from which it is a picture of one colour."""
COLOURFUL = 3.0
"""Grey levels between a pixel's brightest and darkest channel, on average, under which a picture is grey."""
SAMPLED = 4
"""Every so many pixels along each side tell."""


TAILS = (0.5, 99.5)
"""Percentiles between which a picture's range of grey levels lies."""
LEAST_RANGE, MOST_GAIN = 96.0, 6.0
"""Grey levels that this range shall have, and the gain at most: beyond it noise is all that there is."""


def as_seen(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture as the network is shown it: one of a single colour as grey, a faint one with more contrast.

    Arguments:
        pixels: HxWx3 uint8 RGB.

    Returns:
        HxWx3 uint8 RGB; the same array where nothing is to be changed.
    """
    return _stretched(_grey_if_single(pixels))


def _stretched(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """With a range of at least `LEAST_RANGE`, about its median as far as there is room."""
    some = pixels[::SAMPLED, ::SAMPLED]
    low, middle, high = np.percentile(some, (TAILS[0], 50, TAILS[1]))
    gain = min(LEAST_RANGE / max(high - low, 1.0), MOST_GAIN)
    if gain <= 1:
        return pixels
    to = float(np.clip(middle, gain * (middle - low), 255 - gain * (high - middle)))
    levels = np.clip(np.rint(gain * (np.arange(256) - middle) + to), 0, 255).astype(np.uint8)
    return np.asarray(levels[pixels], np.uint8)


def _grey_if_single(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One of a single colour, such as a green dye on black, as grey, as bright as its brightest channel.

    The encoder has learnt from photographs, in which a picture without red and blue says little. Where all
    colours of a picture lie on one axis (its first principal component), the place along that axis is all
    that it has to say.
    """
    some = pixels[::SAMPLED, ::SAMPLED].reshape(-1, 3).astype(np.float64)
    if len(some) <= 1 or np.ptp(some, axis=1).mean() < COLOURFUL:
        return pixels
    variation, axes = np.linalg.eigh(np.cov(some.T))
    axis = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
    if axis.min() < -(1 - ONE_AXIS) or variation[-1] < ONE_AXIS * variation.sum():
        return pixels
    along = pixels.astype(np.float32) @ (axis * axis.max()).astype(np.float32)
    grey = np.clip(np.rint(along), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
