"""Figures of a picture as a whole, without any model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from droplets.objects.measure import grey_values
from droplets.types import Image

BINS = 256


def picture_statistics(image: Image) -> dict[str, Any]:
    """Figures of the stored values, and filters that they suggest.

    Returns:
        "overall" (of the grey values) and "channels" (a dict a channel: grey, or red, green and
        blue), each with mean, min, max, std, median and a histogram of 256 bins ("counts" and
        "edges"); and "suggested_filters", fields of `droplets.objects.filters.Filters`.
    """
    grey = grey_values(image)
    planes = _channels(image.original) if image.in_colour else {"grey": grey}
    return {
        "overall": _figures(grey, image.bit_depth),
        "channels": {name: _figures(plane, image.bit_depth) for name, plane in planes.items()},
        "suggested_filters": _suggested(grey),
    }


def _channels(rgb: NDArray[np.generic]) -> dict[str, NDArray[np.generic]]:
    return {name: rgb[..., i] for i, name in enumerate(("red", "green", "blue"))}


def _figures(values: NDArray[np.generic], bit_depth: int) -> dict[str, Any]:
    levels, counts = _levels(values)
    total, up_to = values.size, np.cumsum(counts)
    mean = float(levels @ counts) / total
    middle = levels[np.searchsorted(up_to, [(total - 1) // 2, total // 2], side="right")]
    histogram, edges = np.histogram(levels, bins=BINS, range=_range(values, bit_depth), weights=counts)
    return {
        "mean": mean,
        "min": float(levels[0]),
        "max": float(levels[-1]),
        "std": float(np.sqrt((levels - mean) ** 2 @ counts / total)),
        "median": float(middle.mean()),
        "histogram": {"counts": histogram.astype(int).tolist(), "edges": edges.tolist()},
    }


def _levels(values: NDArray[np.generic]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The values that occur, ascending, and how often each does."""
    if np.issubdtype(values.dtype, np.unsignedinteger):
        often = np.bincount(values.ravel())
        levels = np.flatnonzero(often)
        return levels.astype(np.float64), often[levels]
    found, often = np.unique(values, return_counts=True)
    return found.astype(np.float64), often


def _range(values: NDArray[np.generic], bit_depth: int) -> tuple[float, float]:
    """(low, high) of the histogram: the bit depth's range, or that of the values if they are floats.

    That is widened where it is too narrow for so many bins between numbers of that size, as of a constant.
    """
    if np.issubdtype(values.dtype, np.integer):
        return 0.0, float(2 ** max(bit_depth, 8))
    low, high = float(values.min()), float(values.max())
    least = 2 * BINS * float(np.spacing(max(abs(low), abs(high))))
    if low == high:
        least = max(1.0, least)
    wider = max(0.0, least - (high - low)) / 2
    return low - wider, high + wider


def _suggested(grey: NDArray[np.generic]) -> dict[str, float]:
    """Limits that leave out what is darker or brighter than nearly all of the picture."""
    low, high = np.percentile(grey.astype(np.float64), (0.5, 99.5))
    return {"mean_min": float(low), "mean_max": float(high)}
