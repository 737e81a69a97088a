"""The size that the droplets of a picture share, if they share one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from droplets.objects.settings import ObjectSettings


def typical_area(areas: ArrayLike, how: ObjectSettings) -> float | None:
    """Area of the droplets of a monodisperse picture; None for a polydisperse one.

    The median is weighted by area, so that specks do not count however many they are. A picture of one
    droplet is monodisperse: what is much smaller is as much a speck there as among thousands.

    Arguments:
        areas: of the droplets, N in pixels.
        how: the stage's settings.
    """
    ordered = np.sort(np.asarray(areas, np.float64))
    if not ordered.size:
        return None
    total = float(ordered.sum())
    middle = float(ordered[np.searchsorted(np.cumsum(ordered), total / 2)])
    return middle if ordered[are_alike(ordered, middle, how)].sum() >= how.share * total else None


def are_alike(areas: NDArray[np.number], area: float, how: ObjectSettings) -> NDArray[np.bool_]:
    """N: which of N areas are of the size of one."""
    return np.asarray((areas > area / how.alike**2) & (areas < area * how.alike**2))


def means_among_alike(diameters: ArrayLike, values: ArrayLike, how: ObjectSettings) -> NDArray[np.float64]:
    """N: for each object the mean of the values of those whose diameters differ by less than `how.alike`.

    Arguments:
        diameters: N, over 0.
        values: N of any unit.
        how: the stage's settings.
    """
    sizes, given = np.asarray(diameters, np.float64), np.asarray(values, np.float64)
    order = np.argsort(sizes, kind="stable")
    rising, sums = sizes[order], np.concatenate([[0.0], np.cumsum(given[order])])
    first = np.searchsorted(rising, sizes / how.alike, side="right")
    last = np.searchsorted(rising, sizes * how.alike, side="left")
    return np.asarray((sums[last] - sums[first]) / (last - first))
