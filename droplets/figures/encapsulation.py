"""Beads per droplet, and how they compare with loading by chance (Poisson); see docs/labs/measurements.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, gammainc, gammaincinv, gammaln, xlogy

from droplets.figures.sizes import is_whole
from droplets.types import Droplet

LEAST_EXPECTED = 5.0
"""Droplets that the Poisson distribution must expect in a class of the chi-square test (Cochran 1954)."""


def bead_counts(droplets: Sequence[Droplet]) -> NDArray[np.int64]:
    """Number of beads, for each of the droplets proper that the border does not cut, in their order."""
    beads = Counter(droplet.parent for droplet in droplets if droplet.kind == "bead")
    return np.array([beads[i] for i, droplet in enumerate(droplets) if is_whole(droplet)], np.int64)


def encapsulation(counts: NDArray[np.int64]) -> dict[str, Any]:
    """Loading of N droplets with `counts` beads each.

    Returns:
        "droplets" and "beads", their numbers; "classes" 0, 1, 2, ..., the last meaning so many or
        more, with "observed" and "poisson", the droplets found and expected in each;
        "mean" (lambda, beads a droplet) and "mean_95", Garwood's exact interval; "dispersion_index"
        (sample variance / mean, 1 for Poisson); "occupied" and "single", parts of all droplets;
        "single_of_occupied"; "goodness_of_fit". A figure is None where there are too few droplets for it.
    """
    droplets, beads = counts.size, int(counts.sum())
    most = max(3, int(counts.max(initial=0)))
    observed = np.bincount(counts, minlength=most + 1)
    occupied = droplets - int(observed[0])
    mean = beads / droplets if droplets else None
    expected = _poisson(droplets, mean, most) if mean is not None else np.zeros(most + 1)
    return {
        "droplets": droplets,
        "beads": beads,
        "classes": list(range(most + 1)),
        "observed": observed.tolist(),
        "poisson": expected.tolist(),
        "mean": mean,
        "mean_95": _garwood(beads, droplets) if droplets else None,
        "dispersion_index": float(counts.var(ddof=1)) / mean if mean and droplets > 1 else None,
        "occupied": occupied / droplets if droplets else None,
        "single": int(observed[1]) / droplets if droplets else None,
        "single_of_occupied": int(observed[1]) / occupied if occupied else None,
        "goodness_of_fit": _goodness_of_fit(observed, expected),
    }


def _poisson(droplets: int, mean: float, most: int) -> NDArray[np.float64]:
    """Droplets expected with 0, 1, ... beads, the last class open upwards."""
    classes = np.arange(most + 1)
    expected = droplets * np.exp(xlogy(classes, mean) - mean - gammaln(classes + 1))
    expected[most] = droplets * gammainc(most, mean)  # the chance of so many or more
    return np.asarray(expected, np.float64)


def _garwood(beads: int, droplets: int) -> list[float]:
    """Exact 95 % interval of a Poisson mean (Garwood 1936) over the droplets: gamma, half of chi-square."""
    low = float(gammaincinv(beads, 0.025)) if beads else 0.0
    high = float(gammaincinv(beads + 1, 0.975))
    return [low / droplets, high / droplets]


def _goodness_of_fit(observed: NDArray[np.int64], expected: NDArray[np.float64]) -> dict[str, Any]:
    """Pearson's chi-square test against Poisson with the mean estimated from the same droplets."""
    untold = {"chi_square": None, "degrees_of_freedom": None, "p": None}
    if not observed[1:].any():
        return {**untold, "reason": "no beads in droplets"}
    first = _class_starts(expected)
    freedom = len(first) - 2
    if freedom < 1:
        return {**untold, "reason": f"fewer than three classes expect {LEAST_EXPECTED:g} droplets"}
    found, awaited = np.add.reduceat(observed, first), np.add.reduceat(expected, first)
    statistic = float(((found - awaited) ** 2 / awaited).sum())
    p = float(chdtrc(freedom, statistic))
    return {"chi_square": statistic, "degrees_of_freedom": freedom, "p": p, "reason": None}


def _class_starts(expected: NDArray[np.float64]) -> list[int]:
    """First members of the pooled classes: joined from 0 up until each expects enough droplets."""
    starts, gathered = [0], 0.0
    for i, value in enumerate(expected):
        if gathered >= LEAST_EXPECTED and expected[i:].sum() >= LEAST_EXPECTED:
            starts.append(i)
            gathered = 0.0
        gathered += value
    return starts
