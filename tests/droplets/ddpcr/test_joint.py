"""Two dyes: numbers, linkage and crosstalk against what is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from droplets.ddpcr.joint import compensated, crosstalk_column, joint
from droplets.errors import BadRequest


def drawn(a: float, b: float, linked: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which droplets are positive for two targets of these copies a droplet alone, and joined."""
    random = np.random.default_rng(seed)
    both = random.poisson(linked, n) > 0
    return (random.poisson(a, n) > 0) | both, (random.poisson(b, n) > 0) | both


def test_the_table_and_the_linkage_by_hand():
    # ln(400 / 1000 * 1000 * 1000 / (600 * 600)) = ln(10 / 9)
    a = np.repeat([False, True, False, True], [400, 200, 200, 200])
    b = np.repeat([False, False, True, True], [400, 200, 200, 200])
    found = joint(("FAM", "HEX"), a, b)
    assert (found.negative, found.only_a, found.only_b, found.both) == (400, 200, 200, 200)
    assert found.linked.value == pytest.approx(math.log(10 / 9))
    assert found.linked_share == pytest.approx(math.log(10 / 9) / math.log(10 / 6))


@pytest.mark.parametrize("linked", [0.0, 0.1, 0.4])
def test_the_interval_of_linked_copies_covers_the_truth_as_often_as_it_says(linked):
    covered = []
    for seed in range(400):
        interval = joint(("a", "b"), *drawn(0.3, 0.5, linked, 1500, seed)).linked
        covered.append(interval.low <= linked <= interval.high)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_the_variance_of_linked_copies_is_that_of_multinomial_tables():
    random, n = np.random.default_rng(3), 4000
    shares = np.array([0.45, 0.15, 0.2, 0.2])  # neither, the first, the second, both
    values, reaches = [], []
    for counts in random.multinomial(n, shares, 800):
        a = np.repeat([False, True, False, True], counts)
        b = np.repeat([False, False, True, True], counts)
        linked = joint(("a", "b"), a, b).linked
        values.append(linked.value)
        reaches.append((linked.high - linked.low) / 2 / norm.ppf(0.975))
    assert np.mean(values) == pytest.approx(math.log(0.45 / (0.65 * 0.6)), abs=0.001)
    assert np.mean(reaches) == pytest.approx(np.std(values), rel=0.08)


def test_without_double_negatives_nothing_is_told():
    found = joint(("a", "b"), np.array([True, True]), np.array([True, False]))
    assert found.linked.value is found.linked_share is None


def test_crosstalk_is_taken_out():
    true = [np.array([100.0, 0.0, 80.0]), np.array([0.0, 200.0, 160.0])]
    measured = [true[0] + 0.05 * true[1], 0.3 * true[0] + true[1]]
    for found, wanted in zip(compensated(measured, [[1, 0.05], [0.3, 1]]), true, strict=True):
        assert found == pytest.approx(wanted)


def test_the_crosstalk_of_controls_with_one_dye_each_takes_their_light_out():
    random = np.random.default_rng(0)
    crosstalk = np.array([[1, 0.05], [0.3, 1]])
    columns = []
    for own in (0, 1):
        positive = random.random(500) < 0.2
        true = random.normal(100, 5, (2, 500))
        true[own, positive] += random.normal(4000, 300, positive.sum())
        columns.append(crosstalk_column(list(crosstalk @ true), positive, own))
    assert pytest.approx(crosstalk, abs=0.01) == np.array(columns).T
    assert crosstalk_column([np.ones(3), np.ones(3)], np.zeros(3, bool), 0) is None


@pytest.mark.parametrize("matrix", [[[1.0]], [[1.0, 0.1], [1.0]], [[1.0, 1.0], [1.0, 1.0]], []])
def test_a_matrix_that_cannot_be_is_refused(matrix):
    with pytest.raises(BadRequest, match="crosstalk"):
        compensated([np.ones(3), np.ones(3)], matrix)
