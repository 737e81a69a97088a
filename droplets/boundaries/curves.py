"""Fits closed curves to points found on rays, without being led astray by single rays.

All fits are least squares, weighted again and again by Tukey's biweight of the residuals
(Holland and Welsch, "Robust regression using iteratively reweighted least squares", 1977).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from droplets.boundaries.rays import DIRECTIONS, RAYS, Paths
from droplets.boundaries.settings import EdgeSettings
from droplets.noise import MAD_TO_SIGMA

REWEIGHTED = 4  # times: then the weights change no more
TUKEY = 4.685  # standard deviations, of 95 % efficiency

Floats = NDArray[np.float64]


def fit_circles(points: Floats, weight: Floats, floor: float) -> tuple[Floats, Floats, Floats]:
    """Circles through NxKx2 points (x, y) of NxK weights; residuals are never judged finer than the floor.

    Arguments:
        floor: in radii.

    Returns:
        Nx2 centres, N radii, and N root mean square distances of the points from them, in pixels.

    Source: Kåsa, "A circle fitting procedure and its error analysis", 1976.
    """
    middle = points.mean(axis=1)
    x, y = np.moveaxis(points - middle[:, None, :], 2, 0)
    design = np.stack([x, y, np.ones_like(x)], axis=2)
    target = x**2 + y**2
    robust = np.ones_like(weight)
    for _ in range(REWEIGHTED):
        total = weight * robust
        normal = np.swapaxes(design * total[:, :, None], 1, 2) @ design
        normal += 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(3) + 1e-12 * np.eye(3)
        right = np.swapaxes(design, 1, 2) @ (total * target)[:, :, None]
        a, b, c = np.moveaxis(np.linalg.solve(normal, right)[..., 0], 1, 0)
        radius = np.sqrt(np.maximum(c + (a**2 + b**2) / 4, 1e-6))
        residual = np.hypot(x - a[:, None] / 2, y - b[:, None] / 2) - radius[:, None]
        robust = biweight(residual, weight, radius, floor)
    rms = root_mean_square(residual, weight)
    return middle + np.stack([a, b], axis=1) / 2, radius, rms


def fit_offsets(
    offset: Floats, weight: Floats, size: Floats, order: int, how: EdgeSettings
) -> tuple[Floats, Floats]:
    """Fourier series of harmonics up to `order` through NxRAYS offsets, in pixels, of NxRAYS weights.

    Returns:
        NxRAYS values of the series, and NxRAYS weights: near 0 where a ray was left out.
    """
    basis = _basis(order)
    products = (basis[:, :, None] * basis[:, None, :]).reshape(RAYS, -1)
    harmonic = np.repeat(np.arange(order + 1), 2)[1:]
    pull = how.tie + how.stiffness * harmonic.astype(float) ** 4
    penalty = RAYS * np.diag(np.where(harmonic > 0, pull, 1e-9))
    centre = weighted_median(offset, weight)
    robust = biweight(offset - centre[:, None], weight, size, how.residual_floor)
    for _ in range(REWEIGHTED):
        total = weight * robust
        normal = (total @ products).reshape(-1, *penalty.shape) + penalty
        coefficients = np.linalg.solve(normal, ((total * offset) @ basis)[:, :, None])[..., 0]
        fitted = coefficients @ basis.T
        robust = biweight(offset - fitted, weight, size, how.residual_floor)
    return fitted, weight * robust


def biweight(residual: Floats, weight: Floats, size: Floats, floor: float) -> Floats:
    """Tukey's weights, NxRAYS, from residuals in pixels."""
    sigma = np.maximum(spread(residual, weight), floor * size)
    inside = np.clip(1 - (residual / (TUKEY * sigma[:, None])) ** 2, 0, None)
    return np.asarray(inside**2)


def spread(residual: Floats, weight: Floats) -> Floats:
    """N standard deviations of NxRAYS residuals from their median distance to 0."""
    return np.asarray(MAD_TO_SIGMA * weighted_median(np.abs(residual), weight))


def weighted_median(values: Floats, weight: Floats) -> Floats:
    """N medians of NxK values."""
    order = np.argsort(values, axis=1)
    up_to = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    middle = (up_to < 0.5 * up_to[:, -1:]).sum(axis=1)
    at = np.take_along_axis(order, np.minimum(middle, values.shape[1] - 1)[:, None], axis=1)
    return np.asarray(np.take_along_axis(values, at, axis=1)[:, 0])


def root_mean_square(residual: Floats, weight: Floats) -> Floats:
    """N weighted root mean squares of NxK residuals."""
    return np.asarray(np.sqrt((weight * residual**2).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)))


def low_pass(radius: Floats, order: int) -> Floats:
    """NxRAYS radii without their harmonics above `order`."""
    spectrum = np.fft.rfft(radius, axis=1)
    spectrum[:, order + 1 :] = 0
    return np.asarray(np.fft.irfft(spectrum, RAYS, axis=1))


def upsample(radius: Floats, factor: int) -> Floats:
    """NxRAYS radii on `factor` times as many rays, by Fourier interpolation."""
    return np.asarray(np.fft.irfft(np.fft.rfft(radius, axis=1), factor * RAYS, axis=1) * factor)


def recentred(paths: Paths, which: NDArray[np.bool_]) -> Paths:
    """The same curves, those of `which` around their own middles: without their first harmonic."""
    shift = np.where(which[:, None], 2 / RAYS * paths.radius @ DIRECTIONS, 0.0)
    return Paths(paths.centre + shift, paths.radius - shift @ DIRECTIONS.T, paths.size)


def _basis(order: int) -> Floats:
    """RAYSx(2 order + 1): 1, cos t, sin t, cos 2t, sin 2t, ..."""
    harmonics = np.arange(1, order + 1) * (2 * np.pi / RAYS * np.arange(RAYS))[:, None]
    waves = np.stack([np.cos(harmonics), np.sin(harmonics)], axis=2).reshape(RAYS, -1)
    return np.concatenate([np.ones((RAYS, 1)), waves], axis=1)
