"""Copies from the share of positives, against figures computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from droplets.ddpcr.concentration import Concentration, concentration


def test_lambda_by_hand():
    found = concentration(25, 584, None)
    assert found.p.value == pytest.approx(0.0428, abs=5e-5)
    assert found.copies_per_droplet.value == pytest.approx(-math.log(559 / 584))
    assert found.copies_per_ul.value is None


def test_the_interval_is_the_exact_one():
    # Clopper and Pearson for 0 of n: 1 - 0.025^(1/n); for 5 of 10 from their tables.
    assert concentration(0, 100, None).p.high == pytest.approx(1 - 0.025**0.01)
    assert concentration(0, 100, None).copies_per_droplet.high == pytest.approx(-math.log(0.025) / 100)
    half = concentration(5, 10, None).p
    assert (half.low, half.high) == pytest.approx((0.1871, 0.8129), abs=1e-4)


def test_copies_per_microlitre_by_hand():
    found = concentration(50, 100, 500.0).copies_per_ul  # ln 2 copies in half a nanolitre
    assert found.value == pytest.approx(math.log(2) * 2000)
    assert found.low < found.value < found.high


def test_none_and_all_positive():
    none, every = concentration(0, 50, 1.0), concentration(50, 50, 1.0)
    assert (none.copies_per_droplet.value, none.copies_per_droplet.low) == (0, 0)
    assert every.copies_per_droplet.value is None
    assert every.copies_per_droplet.low > 2
    assert every.copies_per_ul.high is None


def test_nothing_from_nothing():
    assert concentration(0, 0, 1.0) == concentration(None, 50, 1.0) == Concentration()


@pytest.mark.parametrize("copies", [0.05, 0.7, 2.5])
def test_the_interval_covers_the_truth_as_often_as_it_says(copies):
    random = np.random.default_rng(0)
    covered = []
    for positives in random.binomial(400, 1 - math.exp(-copies), 500).tolist():
        found = concentration(positives, 400, None).copies_per_droplet
        covered.append(found.low <= copies <= (found.high if found.high is not None else math.inf))
    assert np.mean(covered) >= 0.94
