"""Copies a droplet and a microlitre from the share of positive droplets.

lambda     -ln(1 - p) copies a droplet, with p the share of positives: copies fall into droplets at
           random (Dube et al. 2008, PLoS ONE 3:e2876; dMIQE 2020, Clin. Chem. 66:1012)
interval   the exact 95 % interval of p (Clopper and Pearson 1934, Biometrika 26:404), each end
           turned into lambda; it holds the counting alone, not the volume or the threshold
copies/ul  lambda over the mean droplet volume
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import betaincinv

PL_PER_UL = 1e6


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


def concentration(positives: int | None, n: int, volume_pl: float | None) -> Concentration:
    """Copies from `positives` of `n` droplets of `volume_pl` mean picolitres; nothing from None."""
    if positives is None or n == 0:
        return Concentration()
    low = float(betaincinv(positives, n - positives + 1, 0.025)) if positives else 0.0
    high = float(betaincinv(positives + 1, n - positives, 0.975)) if positives < n else 1.0
    p = Estimate(positives / n, low, high)
    copies = Estimate(_copies(p.value), _copies(p.low), _copies(p.high))
    if not volume_pl:
        return Concentration(p, copies)
    per_ul = PL_PER_UL / volume_pl
    values = (None if value is None else value * per_ul for value in (copies.value, copies.low, copies.high))
    return Concentration(p, copies, Estimate(*values))


def _copies(p: float | None) -> float | None:
    return None if p is None or p >= 1 else abs(math.log1p(-p))
