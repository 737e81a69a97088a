"""Copies a droplet and a microlitre from the share of positive droplets.

lambda     -ln(1 - p) copies a droplet, with p the share of positives: copies fall into droplets at
           random (Dube et al. 2008, PLoS ONE 3:e2876; dMIQE 2020, Clin. Chem. 66:1012)
interval   the exact 95 % interval of p (Clopper and Pearson 1934, Biometrika 26:404), each end
           turned into lambda; it holds the counting alone, not the volume or the threshold
missed     where negatives may have been missed the lower end is that with all of them
copies/ul  lambda over the mean droplet volume, or a nominal one; its interval adds the squares of how far,
           in logarithms, the ends of lambda's and of the volume's lie from the values (MOVER: Zou and
           Donner 2008, Stat. Med. 27:1693)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv

from droplets.ddpcr.volume import UNKNOWN, Volume

PL_PER_UL = 1e6
NORMAL_95 = 1.959964
"""Standard deviations that a 95 % interval of a normal value reaches to either side."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; None where it is infinite or cannot be told."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Concentration:
    """What the positives tell.

    Attributes:
        p: share of positive droplets.
        copies_per_droplet: lambda.
        copies_per_ul: of the droplets' content; None without a volume.
    """

    p: Estimate = Estimate()
    copies_per_droplet: Estimate = Estimate()
    copies_per_ul: Estimate = Estimate()


def concentration(positives: int | None, n: int, volume: Volume = UNKNOWN, missed: int = 0) -> Concentration:
    """Copies from `positives` of `n` droplets of a mean volume; nothing from None.

    Arguments:
        positives, n: numbers of droplets.
        volume: of a droplet.
        missed: negatives that may not be among them.
    """
    if positives is None or n == 0:
        return Concentration()
    p = Estimate(positives / n, binomial(positives, n + missed).low, binomial(positives, n).high)
    copies = Estimate(_copies(p.value), _copies(p.low), _copies(p.high))
    return Concentration(p, copies, per_microlitre(copies, volume))


def binomial(positives: int, n: int) -> Estimate:
    """Share of `positives` of `n` with its exact interval."""
    low = float(betaincinv(positives, n - positives + 1, 0.025)) if positives else 0.0
    high = float(betaincinv(positives + 1, n - positives, 0.975)) if positives < n else 1.0
    return Estimate(positives / n, low, high)


def per_microlitre(copies: Estimate, volume: Volume) -> Estimate:
    """Copies a microlitre by copies a droplet; nothing without a volume."""
    if not volume.used:
        return Estimate()
    spread = 0.0 if volume.nominal else NORMAL_95 * (volume.uncertainty or 0.0)
    per_ul = PL_PER_UL / volume.used
    low, high = (_end(end, copies.value, spread) for end in (copies.low, copies.high))
    values = (None if value is None else value * per_ul for value in (copies.value, low, high))
    return Estimate(*values)


def _end(end: float | None, value: float | None, spread: float) -> float | None:
    """An end of lambda's interval, moved off by the volume's spread in logarithms.

    Where lambda itself is none or infinite, its whole distance is unknown and the spread is added to the end.
    """
    if not end:
        return end
    if not value:
        return end * math.exp(spread if value == 0 else -spread)
    way = math.log(end / value)
    return value * math.exp(math.copysign(math.hypot(way, spread), way))


def _copies(p: float | None) -> float | None:
    return None if p is None or p >= 1 else abs(math.log1p(-p))
