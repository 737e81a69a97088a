"""Uneven light, taken from the negatives' own smooth trend.

Negatives hold the same dye everywhere, so that what varies slowly in them is the light. The ground between
wells says nothing of it: stray light of the positives around lies there. A correction is kept only if the
populations are clearly better apart with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from droplets.ddpcr.settings import DdpcrSettings
from droplets.ddpcr.threshold import find_threshold, separation

Values = NDArray[np.float64]
TERMS = 6  # of a polynomial of the second degree in the place


def evened(
    amplitudes: Values, places: Values, given: float | None, how: DdpcrSettings = DdpcrSettings()
) -> tuple[Values, float | None]:
    """N amplitudes as they would be under even light, and the threshold; unchanged where that is no better.

    Arguments:
        amplitudes: N, above a local ground.
        places: Nx2 (x, y) in pixels.
        given: threshold that the client gives; None to find one.
        how: the stage's settings.
    """
    threshold = find_threshold(amplitudes, how) if given is None else given
    negative = np.ones(amplitudes.size, bool) if threshold is None else amplitudes < threshold
    if negative.sum() < TERMS * how.negatives_a_term:
        return amplitudes, threshold
    trend = _trend(amplitudes, places, negative)
    typical = float(np.median(trend[negative]))
    if typical <= 0:
        return amplitudes, threshold
    most = how.most_correction
    corrected = amplitudes * typical / np.clip(trend, typical / most, typical * most)
    found = find_threshold(corrected, how) if given is None else given
    if _resolution(corrected, found, how) <= how.clearly_apart * _resolution(amplitudes, threshold, how):
        return amplitudes, threshold
    return corrected, found


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
