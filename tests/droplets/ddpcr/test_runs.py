"""Several wells: against figures by hand, scipy's distributions and simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2, chi2_contingency, norm, poisson

from droplets.ddpcr.concentration import Estimate, concentration
from droplets.ddpcr.runs import limits, pooled, ratio


def test_one_well_is_itself_and_wells_add_up():
    assert pooled([(40, 100)]).copies_per_droplet == concentration(40, 100).copies_per_droplet
    three = pooled([(40, 100), (42, 100), (38, 100)])
    assert (three.replicates, three.n, three.positives) == (3, 300, 120)
    assert three.copies_per_droplet == concentration(120, 300).copies_per_droplet
    assert three.overdispersion < 1


def test_overdispersion_is_the_contingency_tables_chi_square():
    wells = [(30, 100), (60, 120), (70, 110)]
    table = np.array([(k, n - k) for k, n in wells])
    found = pooled(wells)
    assert found.overdispersion == pytest.approx(chi2_contingency(table, correction=False).statistic / 2)
    counted = concentration(160, 330).copies_per_droplet
    assert found.copies_per_droplet.low < counted.low < counted.high < found.copies_per_droplet.high


def test_the_interval_covers_the_truth_also_where_wells_differ():
    random, covered = np.random.default_rng(0), []
    for _ in range(400):
        copies = 0.4 * np.exp(random.normal(0, 0.1, 4))
        wells = [(int(random.binomial(1000, 1 - math.exp(-one))), 1000) for one in copies]
        found = pooled(wells).copies_per_droplet
        covered.append(found.low <= 0.402 <= found.high)
    assert np.mean(covered) >= 0.92


@pytest.mark.parametrize(
    ("blanks", "blank", "detection"), [([0, 0, 0], 0, 2.996), ([1, 0, 2], 3, 7.754), ([10, 12, 8], 15, 23.1)]
)
def test_limits_are_those_of_poisson_numbers(blanks, blank, detection):
    found = limits(blanks)
    assert found.blank == blank == poisson.ppf(0.95, max(np.mean(blanks), 1e-12))
    assert found.detection == pytest.approx(detection, abs=0.02)
    assert poisson.sf(found.blank, found.detection) == pytest.approx(0.95)


def test_the_interval_of_a_ratio_covers_the_truth_as_often_as_it_says():
    random, covered = np.random.default_rng(1), []
    for _ in range(500):
        a, b = (int(random.binomial(2000, 1 - math.exp(-one))) for one in (0.3, 0.2))
        found = ratio(*(concentration(k, 2000).copies_per_droplet for k in (a, b)), factor=2.0)
        covered.append(found.low <= 3.0 <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.99


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.2), (1.2, 1.0), (0.05, 0.5)])
def test_the_interval_of_a_ratio_nears_fiellers_for_many_partitions(a, b):
    n = 20_000
    counts = [round(n * -math.expm1(-one)) for one in (a, b)]
    over, under = (concentration(k, n).copies_per_droplet for k in counts)
    # Of independent means x, y with variances u, v: the r for which |x - r y| <= z sqrt(u + r^2 v).
    x, y = over.value, under.value
    u, v = (math.expm1(one) / n for one in (x, y))  # the delta method's, of -ln(1 - p)
    z = norm.ppf(0.975)
    wanted = np.sort(np.roots([y**2 - z**2 * v, -2 * x * y, x**2 - z**2 * u]))
    found = ratio(over, under)
    assert [found.low, found.high] == pytest.approx(wanted, rel=0.004)


def test_replicates_of_one_sample_are_overdispersed_as_often_as_chi_square_says():
    random, freedom = np.random.default_rng(2), 7
    found = [
        pooled([(int(k), 5000) for k in random.binomial(5000, 0.25, freedom + 1)]).overdispersion
        for _ in range(600)
    ]
    over = np.mean([one > chi2.ppf(0.95, freedom) / freedom for one in found])
    assert 0.03 <= over <= 0.07


def test_a_ratio_to_nothing_is_none():
    some, none = concentration(40, 100).copies_per_droplet, concentration(0, 100).copies_per_droplet
    assert ratio(some, none) == ratio(none, some) == Estimate()
