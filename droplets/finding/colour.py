"""What of a picture's colours and light the network is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from droplets.tuning import tuned

SHOWN = "the head was trained on pictures so shown, training/frames.py"
SAMPLED = 4
"""Every so many pixels along each side tell."""


@dataclass(frozen=True)
class Showing:
    """When a picture's colours are taken away and its contrast is raised."""

    one_axis: float = tuned(
        0.98, "", "part of the variation in RGB along one axis, from which on a picture has one colour", SHOWN
    )
    colourful: float = tuned(
        3.0, "grey levels", "mean difference of a pixel's channels, under which a picture is grey", SHOWN
    )
    tail: float = tuned(0.5, "%", "of the pixels at either end, that its range leaves out", SHOWN)
    least_range: float = tuned(96.0, "grey levels", "that this range shall have", SHOWN)
    most_gain: float = tuned(6.0, "", "that it is raised by; beyond it noise is all that there is", SHOWN)


def as_seen(pixels: NDArray[np.uint8], how: Showing = Showing()) -> NDArray[np.uint8]:
    """The picture as the network is shown it: one of a single colour as grey, a faint one with more contrast.

    Arguments:
        pixels: HxWx3 uint8 RGB.
        how: when it is changed.

    Returns:
        HxWx3 uint8 RGB; the same array where nothing is to be changed.
    """
    return _stretched(_grey_if_single(pixels, how), how)


def _stretched(pixels: NDArray[np.uint8], how: Showing) -> NDArray[np.uint8]:
    """With a range of at least `least_range`, about its median as far as there is room."""
    some = pixels[::SAMPLED, ::SAMPLED]
    low, middle, high = np.percentile(some, (how.tail, 50, 100 - how.tail))
    gain = min(how.least_range / max(high - low, 1.0), how.most_gain)
    if gain <= 1:
        return pixels
    to = float(np.clip(middle, gain * (middle - low), 255 - gain * (high - middle)))
    levels = np.clip(np.rint(gain * (np.arange(256) - middle) + to), 0, 255).astype(np.uint8)
    return np.asarray(levels[pixels], np.uint8)


def _grey_if_single(pixels: NDArray[np.uint8], how: Showing) -> NDArray[np.uint8]:
    """One of a single colour, such as a green dye on black, as grey, as bright as its brightest channel.

    The encoder has learnt from photographs, in which a picture without red and blue says little. Where all
    colours of a picture lie on one axis (its first principal component), the place along that axis is all
    that it has to say.
    """
    some = pixels[::SAMPLED, ::SAMPLED].reshape(-1, 3).astype(np.float64)
    if len(some) <= 1 or np.ptp(some, axis=1).mean() < how.colourful:
        return pixels
    variation, axes = np.linalg.eigh(np.cov(some.T))
    axis = axes[:, -1] * np.sign(axes[np.abs(axes[:, -1]).argmax(), -1])
    if axis.min() < -(1 - how.one_axis) or variation[-1] < how.one_axis * variation.sum():
        return pixels
    along = pixels.astype(np.float32) @ (axis * axis.max()).astype(np.float32)
    grey = np.clip(np.rint(along), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
