"""How two band-passed pictures lie against each other around single places."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.ddpcr.settings import DdpcrSettings
from droplets.noise import white_noise

WINDOW = 64  # pixels
NOISE_GAIN = 0.9  # over the radius: standard deviation of white noise after the band-pass
Points = NDArray[np.float64]
Plane = NDArray[np.float32]


def band_pass(plane: Plane, radius: float, how: DdpcrSettings) -> Plane:
    """Band-passed to the size of a droplet and brought to one local contrast, so that no light dominates."""
    narrow, wide = how.narrow_band * radius, how.wide_band * radius
    band = cv2.GaussianBlur(plane, (0, 0), narrow) - cv2.GaussianBlur(plane, (0, 0), wide)
    contrast = np.sqrt(cv2.GaussianBlur(band * band, (0, 0), how.contrast_window * radius))
    noise = how.noise_floor * NOISE_GAIN / radius * white_noise(plane)
    floor = max(how.contrast_floor * float(np.median(contrast)), noise) + 1e-6
    return np.asarray(np.clip(band / (contrast + floor), -how.most_contrast, how.most_contrast))


def windows_around(plane: Plane, centres: Points) -> Plane:
    """NxWINDOWxWINDOW around the pixels nearest to Nx2 (x, y), faded out, zero beyond the border."""
    padded = np.pad(plane, WINDOW // 2)
    columns, rows = np.rint(centres).astype(int).T
    views = np.lib.stride_tricks.sliding_window_view(padded, (WINDOW, WINDOW))
    taper = np.hanning(WINDOW).astype(np.float32)[:, None] * np.hanning(WINDOW).astype(np.float32)
    windows = views[rows, columns]
    mean = (windows * taper).sum(axis=(1, 2), keepdims=True) / taper.sum()
    return np.asarray((windows - mean) * taper)


def shown(seen: Plane, how: DdpcrSettings) -> NDArray[np.bool_]:
    """N: whether anything is seen in a window, for what the brightest one shows.

    Negatives as dark as the ground can neither match nor fail to.
    """
    energy = (seen**2).sum(axis=(1, 2))
    return np.asarray(energy >= how.least_shown * energy.max(initial=0.0))


def local_shifts(
    seen: Plane, expected: Plane, reach: int, how: DdpcrSettings
) -> tuple[Points, NDArray[np.float64], NDArray[np.float64]]:
    """Nx2 (x, y) from what is expected to what is seen, and N correlation coefficients with and without.

    A best match at the limit of the reach is none: it scores 0.
    """
    spectrum = np.fft.rfft2(seen) * np.conj(np.fft.rfft2(expected))
    surface = np.fft.fftshift(np.fft.irfft2(spectrum, s=(WINDOW, WINDOW)), axes=(1, 2))
    near = slice(WINDOW // 2 - reach, WINDOW // 2 + reach + 1)
    wanted, there = ((windows**2).sum(axis=(1, 2)) for windows in (expected, seen))
    energy = np.sqrt(wanted * np.maximum(there, how.least_energy * there.mean())) + 1e-6
    surface = surface[:, near, near] / energy[:, None, None]
    n = np.arange(len(surface))
    row, column = np.divmod(surface.reshape(len(n), -1).argmax(axis=1), 2 * reach + 1)
    scores = np.maximum(surface[n, row, column], 0)
    inner_row, inner_column = np.clip((row, column), 1, 2 * reach - 1)
    scores[(inner_row != row) | (inner_column != column)] = 0.0
    across = surface[n[:, None], inner_row[:, None], inner_column[:, None] + (-1, 0, 1)]
    down = surface[n[:, None], inner_row[:, None] + (-1, 0, 1), inner_column[:, None]]
    shifts = np.stack([inner_column + _vertex(across), inner_row + _vertex(down)], axis=1) - reach
    return shifts, scores, surface[:, reach, reach]


def _vertex(three: Points) -> Points:
    """N: where the parabola through Nx3 values at -1, 0 and 1 has its top, within half a step."""
    left, middle, right = three.T
    bend = np.minimum(left - 2 * middle + right, -1e-9)
    return np.asarray(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))
