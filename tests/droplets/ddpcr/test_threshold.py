"""Two populations are told apart, and one is left whole."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.ddpcr.threshold import find_threshold, separation

ONE = {
    "normal": lambda random: random.normal(10, 2, 600),
    "noise around nothing": lambda random: random.normal(0, 2, 600),
    "uniform": lambda random: random.uniform(5, 15, 600),
    "exponential": lambda random: random.exponential(5, 600),
    "skewed": lambda random: random.gamma(2, 4, 600),
    "wide": lambda random: random.lognormal(2, 0.6, 600),
}


@pytest.mark.parametrize("draw", ONE.values(), ids=ONE.keys())
def test_one_population_is_not_cut(draw):
    cut = [find_threshold(draw(np.random.default_rng(seed))) is not None for seed in range(40)]
    assert np.mean(cut) <= 0.1  # a lone value far out may look like a rare positive


@pytest.mark.parametrize("positives", [3, 6, 25, 120, 300, 480, 570, 595])
def test_any_share_of_positives_is_found(positives):
    for seed in range(10):
        random = np.random.default_rng(seed)
        amplitudes = np.append(random.normal(9, 3, 600 - positives), random.normal(90, 9, positives))
        threshold = find_threshold(random.permutation(amplitudes))
        assert threshold is not None
        assert np.sum(amplitudes >= threshold) == positives


@pytest.mark.parametrize("size", [8, 10, 14, 19])
def test_of_a_few_one_population_is_hardly_cut_and_a_plain_gap_is_seen(size):
    for draw in ONE.values():
        samples = (draw(np.random.default_rng(seed))[:size] for seed in range(200))
        assert np.mean([find_threshold(one) is not None for one in samples]) <= 0.1
    for positives in (1, size // 2, size - 1):
        for seed in range(20):
            random = np.random.default_rng(seed)
            amplitudes = np.append(random.normal(90, 7, positives), random.normal(9, 0.7, size - positives))
            threshold = find_threshold(random.permutation(amplitudes))
            assert threshold is not None
            assert np.sum(amplitudes >= threshold) == positives


def test_positives_that_spread_widely_are_found():
    random = np.random.default_rng(1)
    amplitudes = np.append(np.abs(random.normal(9, 5, 559)), random.uniform(40, 150, 25))
    assert np.sum(amplitudes >= find_threshold(amplitudes)) == 25


def test_negatives_without_any_light():
    random = np.random.default_rng(2)
    amplitudes = np.append(random.normal(0, 1, 500), random.normal(9000, 800, 20))
    assert np.sum(amplitudes >= find_threshold(amplitudes)) == 20


@pytest.mark.parametrize("amplitudes", [[], [5.0], [1.0, 9.0] * 3, [7.0] * 50, [0.0] * 50])
def test_too_few_or_equal_values_have_none(amplitudes):
    assert find_threshold(np.array(amplitudes)) is None


def test_resolution_by_hand():
    # Means 2 and 12, sample standard deviations sqrt(2) each.
    found = separation(np.array([1.0, 3.0, 11.0, 13.0]), 7.0)
    assert found.resolution == pytest.approx(10 / (2 * 2 * np.sqrt(2)))
    assert found.rain == 0


def test_rain_is_what_could_be_either():
    random = np.random.default_rng(3)
    clean = np.append(random.normal(0, 1, 500), random.normal(20, 1, 500))
    rain = np.append(clean, random.uniform(4, 16, 100))
    assert separation(clean, 10).rain == 0
    assert 0 < separation(rain, 10).rain < 0.1


def test_an_empty_side_has_no_separation():
    assert separation(np.array([1.0, 2.0, 3.0]), 10).resolution is None
