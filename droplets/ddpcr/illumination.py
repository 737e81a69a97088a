"""Uneven light, taken from the negatives' own smooth trend.

Negatives hold the same dye everywhere, so that what varies slowly in them is the light. The ground around
droplets shows it too, but for stray light of the positives there. A correction is kept only if the
populations are clearly better apart with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from droplets.ddpcr.settings import DdpcrSettings
from droplets.ddpcr.threshold import find_threshold, separation

Values = NDArray[np.float64]
TERMS = 6  # of a polynomial of the second degree in the place


def evened(
    amplitudes: Values,
    places: Values,
    given: float | None,
    how: DdpcrSettings = DdpcrSettings(),
    ground: Values | None = None,
) -> tuple[Values, float | None]:
    """N amplitudes as they would be under even light, and the threshold; unchanged where that is no better.

    Arguments:
        amplitudes: N, above a local ground.
        places: Nx2 (x, y) in pixels.
        given: threshold that the client gives; None to find one.
        how: the stage's settings.
        ground: N stored values around them, where they are known.
    """
    threshold = find_threshold(amplitudes, how) if given is None else given
    best = amplitudes, threshold
    for light in _lights(amplitudes, places, threshold, ground, how):
        typical = float(np.median(light))
        if typical <= 0:
            continue
        most = how.most_correction
        corrected = amplitudes * typical / np.clip(light, typical / most, typical * most)
        found = find_threshold(corrected, how) if given is None else given
        if _resolution(corrected, found, how) > how.clearly_apart * _resolution(*best, how):
            best = corrected, found
    return best


def _lights(
    amplitudes: Values, places: Values, threshold: float | None, ground: Values | None, how: DdpcrSettings
) -> Iterator[Values]:
    """N each: what may show the light at the droplets."""
    negative = np.ones(amplitudes.size, bool) if threshold is None else amplitudes < threshold
    if negative.sum() >= TERMS * how.negatives_a_term:
        yield _trend(amplitudes, places, negative)
    if ground is not None and np.isfinite(ground).any():
        yield np.nan_to_num(ground, nan=float(np.nanmedian(ground)))


def _trend(amplitudes: Values, places: Values, chosen: NDArray[np.bool_]) -> Values:
    """N: a polynomial of the second degree, fitted to the chosen ones with Cauchy weights."""
    x, y = ((places - places.mean(axis=0)) / np.maximum(np.ptp(places, axis=0), 1.0)).T
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    weights = np.ones(int(chosen.sum()))
    coefficients = np.zeros(TERMS)
    for _ in range(15):
        root = np.sqrt(weights)
        coefficients = np.linalg.lstsq(terms[chosen] * root[:, None], amplitudes[chosen] * root, rcond=None)[
            0
        ]
        off = np.abs(amplitudes[chosen] - terms[chosen] @ coefficients)
        weights = 1 / (1 + (off / max(float(np.median(off)), 1e-9)) ** 2)
    return np.asarray(terms @ coefficients)


def _resolution(amplitudes: Values, threshold: float | None, how: DdpcrSettings) -> float:
    """0 where there are not two populations."""
    return 0.0 if threshold is None else separation(amplitudes, threshold, how).resolution or 0.0
