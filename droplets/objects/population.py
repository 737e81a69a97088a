"""The size that the droplets of a picture share, if they share one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALIKE = 1.25
"""Droplets whose diameters differ by less than this factor are of one size."""
SHARE = 0.75
"""A picture is monodisperse if at least this part of the droplets' area belongs to those of one size."""


def typical_area(areas: ArrayLike) -> float | None:
    """Area of the droplets of a monodisperse picture; None for a polydisperse one.

    The median is weighted by area, so that specks do not count however many they are. A picture of one
    droplet is monodisperse: what is much smaller is as much a speck there as among thousands.

    Arguments:
        areas: of the droplets, N in pixels.
    """
    ordered = np.sort(np.asarray(areas, np.float64))
    if not ordered.size:
        return None
    total = float(ordered.sum())
    middle = float(ordered[np.searchsorted(np.cumsum(ordered), total / 2)])
    return middle if ordered[are_alike(ordered, middle)].sum() >= SHARE * total else None


def are_alike(areas: NDArray[np.number], area: float) -> NDArray[np.bool_]:
    """N: which of N areas are of the size of one."""
    return np.asarray((areas > area / ALIKE**2) & (areas < area * ALIKE**2))


def means_among_alike(diameters: ArrayLike, values: ArrayLike) -> NDArray[np.float64]:
    """N: for each object the mean of the values of those whose diameters differ by less than `ALIKE`.

    Arguments:
        diameters: N, over 0.
        values: N of any unit.
    """
    sizes, given = np.asarray(diameters, np.float64), np.asarray(values, np.float64)
    order = np.argsort(sizes, kind="stable")
    rising, sums = sizes[order], np.concatenate([[0.0], np.cumsum(given[order])])
    first = np.searchsorted(rising, sizes / ALIKE, side="right")
    last = np.searchsorted(rising, sizes * ALIKE, side="left")
    return np.asarray((sums[last] - sums[first]) / (last - first))
