"""The threshold between negative and positive partitions, and how well the two are apart.

The split is the minimum error threshold (Kittler and Illingworth 1986, Pattern Recognition 19:41):
two normal populations of any size and spread. Every sample has such an optimum, so that it counts only where
few values lie around the split for what lies around the medians of its two sides, and where these
are further apart than the halves of one population. Of a few droplets that cannot be seen: they are split at
their widest gap, where that is wider than either side, so that no one population of any shape is cut in more
than a sample of ten.

resolution  (m2 - m1) / (2 (s1 + s2)) with mean m and standard deviation s of the negatives and the
            positives (Lievens et al. 2016, PLoS ONE 11:e0153317)
rain        share of the partitions that are nearly as probable in the other population
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from droplets.ddpcr.settings import DdpcrSettings

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Separation:
    """How well the two sides of a threshold are apart; None where a side holds fewer than two values."""

    resolution: float | None = None
    rain: float | None = None


def find_threshold(amplitudes: Values, how: DdpcrSettings = DdpcrSettings()) -> float | None:
    """Threshold of N amplitudes above a local ground; None if they are one population.

    The split is looked for on the scale asinh(a / s), straight up to s and logarithmic above, since
    positives spread in proportion to their light; s is the median |a|, or a part of the highest
    amplitude where the median one is next to nothing.
    """
    if amplitudes.size < how.fewest_of_gap:
        return None
    light = np.abs(amplitudes)
    scale = max(float(np.median(light)), how.least_scale * float(light.max()))
    if scale == 0.0:
        return None
    values = np.sort(np.arcsinh(amplitudes / scale))
    few = amplitudes.size < how.fewest_values
    split = _widest_gap(values, how) if few else _minimum_error_split(values, how)
    if split is None or not (few or _has_valley(values, split, how)):
        return None
    threshold = float(np.sinh(split) * scale)
    return threshold if _are_apart(amplitudes, threshold, how) else None


def separation(amplitudes: Values, threshold: float, how: DdpcrSettings = DdpcrSettings()) -> Separation:
    """Resolution and rain of N amplitudes that are split at `threshold`."""
    positive = amplitudes >= threshold
    sides = amplitudes[~positive], amplitudes[positive]
    if min(side.size for side in sides) <= 1:
        return Separation()
    low, high = (side.mean() for side in sides)
    spread = [max(float(side.std(ddof=1)), 1e-9 * float(high - low)) for side in sides]
    densities = np.array(
        [
            side.size / deviation * np.exp(-(((amplitudes - side.mean()) / deviation) ** 2) / 2)
            for side, deviation in zip(sides, spread, strict=True)
        ]
    )
    own, other = np.where(positive, densities[::-1], densities)
    return Separation(
        resolution=float((high - low) / (2 * sum(spread))),
        rain=float(np.mean(other > how.doubtful * (own + other))),
    )


def _widest_gap(values: Values, how: DdpcrSettings) -> float | None:
    """Middle of the widest gap between N sorted values, if it is plain: wider than either side."""
    gaps = np.diff(values)
    widest = int(gaps.argmax())
    sides = values[widest] - values[0], values[-1] - values[widest + 1]
    if gaps[widest] <= how.plain_gap * max(sides):
        return None
    return float(values[widest] + values[widest + 1]) / 2


def _minimum_error_split(values: Values, how: DdpcrSettings) -> float | None:
    """Middle of the gap between two of N sorted values at which the criterion is least."""
    extent = values[-1] - values[0]
    if extent == 0:
        return None
    n = np.arange(1, values.size)
    sums, squares = np.cumsum(values)[:-1], np.cumsum(values**2)[:-1]
    rest = values.size - n
    share = n / values.size
    floor = (how.narrowest * extent) ** 2
    low = np.maximum(squares / n - (sums / n) ** 2, floor)
    high = np.maximum((np.sum(values**2) - squares) / rest - ((values.sum() - sums) / rest) ** 2, floor)
    criterion = (
        share * np.log(low)
        + (1 - share) * np.log(high)
        - 2 * (share * np.log(share) + (1 - share) * np.log(1 - share))
    )
    best = int(criterion.argmin())
    return float(values[best] + values[best + 1]) / 2


def _has_valley(values: Values, split: float, how: DdpcrSettings) -> bool:
    """Whether few of the sorted values lie around the split."""
    low, high = np.median(values[values < split]), np.median(values[values >= split])
    half = (high - low) / 8
    around = [np.sum(np.abs(values - place) <= half) for place in (low, split, high)]
    return bool(around[1] <= how.valley * min(around[0], around[2]))


def _are_apart(amplitudes: Values, threshold: float, how: DdpcrSettings) -> bool:
    """Whether the sides are further apart than the halves of one population.

    Few values tell little about their spread: that of the larger side stands in for it.
    """
    low, high = amplitudes[amplitudes < threshold], amplitudes[amplitudes >= threshold]
    small, large = sorted((low, high), key=len)
    variance = (small.size * small.var() + how.prior * large.var()) / (small.size + how.prior)
    apart = high.mean() - low.mean()
    resolved = apart >= how.least_apart * 2 * (np.sqrt(variance) + large.std())
    return bool(resolved and high.mean() >= how.least_rise * low.mean())
