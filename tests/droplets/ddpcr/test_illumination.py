"""Light is taken from the negatives, and a clean split stays one."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.ddpcr.illumination import evened
from droplets.ddpcr.threshold import find_threshold, separation


def populations(seed: int, positives: float, rise: float = 4.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amplitudes under even light, places and which are positive."""
    random = np.random.default_rng(seed)
    positive = random.random(500) < positives
    amplitudes = np.where(positive, rise * 900, 900) * random.normal(1, 0.06, 500)
    return amplitudes, random.uniform(0, 400, (500, 2)), positive


@pytest.mark.parametrize("positives", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("fall", [0.5, 0.25])
def test_a_fall_of_light_is_taken_out(positives, fall):
    even, places, positive = populations(1, positives)
    light = 1 - (1 - fall) * places[:, 0] / 400
    corrected, threshold = evened(even * light, places, None)
    assert np.array_equal(corrected >= threshold, positive)
    before = separation(even * light, threshold).resolution
    assert separation(corrected, threshold).resolution > 1.1 * before


def test_even_light_and_one_population_stay_as_they_are():
    even, places, _ = populations(2, 0.3)
    assert evened(even, places, None)[0] is even
    one, places, _ = populations(3, 0.0)
    corrected, threshold = evened(one, places, None)
    assert corrected is one
    assert threshold is None
    assert evened(one[:20], places[:20], 1e6)[1] == 1e6


def test_stray_light_of_positives_beside_a_negative_blurs_no_clean_split():
    even, places, positive = populations(4, 0.5, rise=10.0)
    near = np.array([positive[np.hypot(*(places - place).T) < 25].mean() for place in places])
    strayed = even + 900 * near
    corrected, threshold = evened(strayed, places, None)
    assert np.array_equal(corrected >= threshold, positive)
    assert (
        separation(corrected, threshold).resolution >= separation(strayed, find_threshold(strayed)).resolution
    )
