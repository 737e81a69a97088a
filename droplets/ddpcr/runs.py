"""What several wells tell: replicates pooled, limits from controls without template, ratios.

overdispersion  Pearson's chi-square of the replicates' positives about their common share, over its degrees
                of freedom (McCullagh and Nelder 1989, Generalized Linear Models, 4.5): 1 where they differ by
                counting alone. Over 1 the interval is wider by its root and by Student's t over the normal.
limit of blank  positives that 95 % of blanks do not exceed, a Poisson number of the mean of those measured;
                limit of detection: mean positives that exceed it in 95 % (CLSI EP17-A2; Milbury et al. 2014,
                Biomol. Detect. Quantif. 1:8)
ratio           of two estimates: the ends' distances in logarithms are added in squares (MOVER: Zou and
                Donner 2008, Stat. Med. 27:1693)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincc, gammaincinv, stdtrit

from droplets.ddpcr.concentration import NORMAL_95, Estimate, concentration

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Pooled:
    """Replicates as one.

    Attributes:
        replicates, n, positives: numbers of wells and of droplets.
        copies_per_droplet: lambda of all, with an interval that holds how the replicates differ.
        cv: of the replicates' lambdas.
        overdispersion: 1 by counting alone; None of a single well, and where all or none are positive.
    """

    replicates: int
    n: int
    positives: int
    copies_per_droplet: Estimate
    cv: float | None
    overdispersion: float | None


@dataclass(frozen=True)
class Limits:
    """Positives a well that blanks do not exceed, and mean positives that are seen."""

    blank: int
    detection: float


def pooled(wells: Sequence[tuple[int, int]]) -> Pooled:
    """Of the positives and numbers of droplets of one or more wells that hold the same."""
    positives, n = (int(total) for total in np.sum(wells, axis=0))
    found = concentration(positives, n).copies_per_droplet
    if len(wells) == 1 or positives in {0, n}:
        return Pooled(len(wells), n, positives, found, None, None)
    each = np.array(wells, float)
    p, freedom = positives / n, len(wells) - 1
    chi_square = float(np.sum((each[:, 0] - each[:, 1] * p) ** 2 / (each[:, 1] * p * (1 - p))))
    lambdas = -np.log1p(-np.minimum(each[:, 0], each[:, 1] - 0.5) / each[:, 1])
    spread = chi_square / freedom
    wider = math.sqrt(spread) * float(stdtrit(freedom, 0.975)) / NORMAL_95 if spread > 1 else 1.0
    return Pooled(
        len(wells), n, positives, _widened(found, wider), float(lambdas.std(ddof=1) / lambdas.mean()), spread
    )


def limits(blanks: Sequence[int]) -> Limits:
    """Of the positives in one or more wells without template."""
    mean = float(np.mean(blanks))
    blank = 0
    while float(gammaincc(blank + 1, mean)) < CONFIDENCE:
        blank += 1
    return Limits(blank, float(gammaincinv(blank + 1, CONFIDENCE)))


def ratio(above: Estimate, below: Estimate, factor: float = 1.0) -> Estimate:
    """Of two independent estimates, times a factor: fold change, or copies of a gene by a reference's."""
    if not above.value or not below.value:
        return Estimate()
    value = above.value / below.value
    low = _distance(above.low, above.value, below.high, below.value)
    high = _distance(above.high, above.value, below.low, below.value)
    return Estimate(
        factor * value,
        0.0 if low is None else factor * value * math.exp(-low),
        None if high is None else factor * value * math.exp(high),
    )


def _distance(end: float | None, value: float, other_end: float | None, other: float) -> float | None:
    """Root of the sum of squares of how far two ends lie off their values, in logarithms; None for no end."""
    if not end or not other_end:
        return None
    return math.hypot(math.log(end / value), math.log(other_end / other))


def _widened(found: Estimate, by: float) -> Estimate:
    if not found.value or not found.low or not found.high:
        return found
    low, high = (found.value * (end / found.value) ** by for end in (found.low, found.high))
    return Estimate(found.value, low, high)
