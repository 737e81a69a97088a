"""Figures over all droplets of a picture; docs/labs/measurements.md defines each one.

D32, D43          ratios of moments, ISO 9276-2: sum d^3 / sum d^2, sum d^4 / sum d^3
histogram         bins of 2 IQR / n^(1/3), Freedman and Diaconis 1981
monodisperse      90 % of the droplets within 5 % of the median diameter, NIST SP 960-1 (2001)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from droplets.objects.measure import volume_pl
from droplets.types import Droplet, PixelSize

Values = NDArray[np.float64]

NEAR_MEDIAN = 0.05
MONODISPERSE = 0.9
"""Part of the droplets that must lie within `NEAR_MEDIAN` of the median diameter,"""
MONODISPERSE_FROM = 10
"""told from this number of droplets on: of fewer, 90 % is all of them."""
MOST_BINS = 50
EQUAL_WITHIN = 1e-9
"""Figures that differ by less than this part are equal but for the rounding of sums."""


def summary(droplets: Sequence[Droplet], size: PixelSize | None) -> dict[str, Any]:
    """Counts by kind, and the distribution of the figures of the droplets proper that no border cuts.

    Arguments:
        droplets: what the filters left.
        size: of a pixel, None if not known.

    Returns:
        "count" a kind; "measured", the number of droplets that the other figures are about; "diameter"
        (pixels) and "diameter_um" as `size_distribution` gives them; "area" (pixels), "circularity" and
        "mean_intensity" (stored grey values) as `spread` does; "near_median", "monodisperse" and
        "total_volume_pl". A figure is None where there are too few droplets for it, what is in
        micrometres or picolitres without a pixel size.
    """
    whole = [droplet for droplet in droplets if is_whole(droplet)]
    diameters = np.array([droplet.shape.equivalent_diameter for droplet in whole])
    off = np.array([droplet.uncertainty or 0.0 for droplet in whole])
    near = _near_median(diameters)
    return {
        "count": {kind: sum(d.kind == kind for d in droplets) for kind in ("droplet", "bead", "other")},
        "measured": len(whole),
        "diameter": size_distribution(diameters, off),
        "diameter_um": size_distribution(diameters * size.um, off * size.um) if size else None,
        "area": spread(np.array([droplet.mask.area for droplet in whole])),
        "circularity": spread(np.array([droplet.shape.circularity for droplet in whole])),
        "mean_intensity": spread(np.array([droplet.intensity.mean for droplet in whole])),
        "near_median": near,
        "monodisperse": near >= MONODISPERSE if near is not None else None,
        "total_volume_pl": volume_pl(float(np.cbrt((diameters**3).sum())), size),
    }


def is_whole(droplet: Droplet) -> bool:
    """Whether it is a droplet proper that no border cuts: only such a one has a size and contents."""
    return droplet.kind == "droplet" and not droplet.border.touching


def spread(values: NDArray[Any]) -> dict[str, float | None]:
    """Mean, median, std (of the sample), cv (std / mean), min and max; None each where it has no value."""
    if not values.size:
        return dict.fromkeys(("mean", "median", "std", "cv", "min", "max"))
    mean = float(values.mean())
    std = float(values.std(ddof=1)) if values.size > 1 else None
    return {
        "mean": mean,
        "median": float(np.median(values)),
        "std": std,
        "cv": std / mean if std is not None and mean else None,
        "min": float(values.min()),
        "max": float(values.max()),
    }


def size_distribution(diameters: Values, uncertainties: Values | None = None) -> dict[str, Any]:
    """The spread of N diameters over 0, and what the field says of a distribution of sizes.

    Arguments:
        diameters: N in any unit.
        uncertainties: N, their standard uncertainties, 0 where none is known; None for none at all.

    Returns:
        What `spread` gives; "uncertainty" of each of these sizes, the mean of those of the droplets: they err
        together; "standard_error" and "mean_95" (Student's t) of the mean; "d10", "d50", "d90" by
        number and "span" = (d90 - d10) / d50; "dv10", "dv50", "dv90" by volume; the mean diameters "d30"
        (of the mean volume), "d32" (Sauter) and "d43" (De Brouckere); "pdi" = (std / mean)^2; "histogram".
        All in the unit of the diameters but for cv, span and pdi.
    """
    figures = spread(diameters)
    cv = figures["cv"]
    return {
        **figures,
        "uncertainty": float(uncertainties.mean())
        if uncertainties is not None and uncertainties.any()
        else None,
        **_mean_interval(diameters),
        **_percentiles(diameters),
        **_moment_means(diameters),
        "pdi": cv**2 if cv is not None else None,
        "histogram": histogram(diameters),
    }


def histogram(values: Values) -> dict[str, list[float] | list[int]]:
    """ "edges" (one more than bins, none without values) and "counts" of bins of values over 0.

    All are of Freedman and Diaconis' width, of Sturges' number where the middle half of the values is
    equal; at most `MOST_BINS`. Equal values get one bin, 5 % of the value to each side.
    """
    if not values.size:
        return {"edges": [], "counts": []}
    low, high = float(values.min()), float(values.max())
    if high - low <= EQUAL_WITHIN * high:
        return {"edges": [0.95 * low, 1.05 * low], "counts": [values.size]}
    lower, upper = np.percentile(values, (25, 75))
    width = 2 * float(upper - lower) / values.size ** (1 / 3)
    bins = (high - low) / width if width else math.log2(values.size) + 1
    counts, edges = np.histogram(values, max(1, min(MOST_BINS, math.ceil(bins))))
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _mean_interval(values: Values) -> dict[str, Any]:
    if values.size <= 1:
        return {"standard_error": None, "mean_95": None}
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    reach = float(stdtrit(values.size - 1, 0.975)) * error
    mean = float(values.mean())
    return {"standard_error": error, "mean_95": [mean - reach, mean + reach]}


def _percentiles(diameters: Values) -> dict[str, float | None]:
    """By number between the two nearest values; by volume the smallest that reaches the part."""
    if not diameters.size:
        return dict.fromkeys(("d10", "d50", "d90", "span", "dv10", "dv50", "dv90"))
    parts = (0.1, 0.5, 0.9)
    d10, d50, d90 = np.quantile(diameters, parts).tolist()
    dv10, dv50, dv90 = np.quantile(diameters, parts, weights=diameters**3, method="inverted_cdf").tolist()
    return {
        **{"d10": d10, "d50": d50, "d90": d90, "span": (d90 - d10) / d50},
        **{"dv10": dv10, "dv50": dv50, "dv90": dv90},
    }


def _moment_means(diameters: Values) -> dict[str, float | None]:
    if not diameters.size:
        return dict.fromkeys(("d30", "d32", "d43"))
    second, third, fourth = (float((diameters**power).sum()) for power in (2, 3, 4))
    return {"d30": (third / diameters.size) ** (1 / 3), "d32": third / second, "d43": fourth / third}


def _near_median(diameters: Values) -> float | None:
    """Part of the droplets within 5 % of the median diameter."""
    if diameters.size < MONODISPERSE_FROM:
        return None
    median = float(np.median(diameters))
    return float((np.abs(diameters - median) <= NEAR_MEDIAN * median).mean())
