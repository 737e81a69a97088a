"""Copies from the share of positives, against figures computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm, poisson

from droplets.ddpcr.concentration import Concentration, concentration
from droplets.ddpcr.settings import DdpcrSettings
from droplets.ddpcr.volume import Volume, volume
from droplets.types import PixelSize
from tests.droplets.shapes import disc, ellipse, measured


def test_lambda_by_hand():
    found = concentration(25, 584)
    assert found.p.value == pytest.approx(0.0428, abs=5e-5)
    assert found.copies_per_droplet.value == pytest.approx(-math.log(559 / 584))
    assert found.copies_per_ul.value is None


def test_the_interval_is_the_exact_one():
    # Clopper and Pearson for 0 of n: 1 - 0.025^(1/n); for 5 of 10 from their tables.
    assert concentration(0, 100).p.high == pytest.approx(1 - 0.025**0.01)
    assert concentration(0, 100).copies_per_droplet.high == pytest.approx(-math.log(0.025) / 100)
    half = concentration(5, 10).p
    assert (half.low, half.high) == pytest.approx((0.1871, 0.8129), abs=1e-4)


@pytest.mark.parametrize(("positives", "n"), [(1, 600), (25, 584), (4801, 20_000), (19_990, 20_000)])
def test_the_interval_of_p_is_scipys_exact_one_and_lambda_follows_from_its_ends(positives, n):
    found, exact = concentration(positives, n), binomtest(positives, n).proportion_ci(method="exact")
    assert (found.p.low, found.p.high) == pytest.approx((exact.low, exact.high), rel=1e-6)
    copies = found.copies_per_droplet
    assert [copies.low, copies.value, copies.high] == pytest.approx(
        [-math.log(1 - one) for one in (exact.low, positives / n, exact.high)], rel=1e-6
    )
    # Poisson counts of this mean leave that share of the partitions without a copy.
    assert poisson.pmf(0, copies.value) == pytest.approx(1 - positives / n)


def test_the_interval_nears_that_of_dube_for_many_partitions():
    # Dube et al. 2008: p -+ 1.96 sqrt(p (1 - p) / n), each end turned into lambda.
    positives, n = 4000, 20_000
    p = positives / n
    reach = norm.ppf(0.975) * math.sqrt(p * (1 - p) / n)
    found = concentration(positives, n).copies_per_droplet
    for end, wald in ((found.low, p - reach), (found.high, p + reach)):
        assert end == pytest.approx(-math.log(1 - wald), rel=0.002)


def test_copies_per_microlitre_by_hand():
    found = concentration(50, 100, Volume(500.0)).copies_per_ul  # ln 2 copies in half a nanolitre
    assert found.value == pytest.approx(math.log(2) * 2000)
    assert found.low < found.value < found.high


def test_none_and_all_positive():
    none, every = concentration(0, 50, Volume(1.0)), concentration(50, 50, Volume(1.0))
    assert (none.copies_per_droplet.value, none.copies_per_droplet.low) == (0, 0)
    assert every.copies_per_droplet.value is None
    assert every.copies_per_droplet.low > 2
    assert every.copies_per_ul.high is None


def test_nothing_from_nothing():
    assert concentration(0, 0, Volume(1.0)) == concentration(None, 50, Volume(1.0)) == Concentration()


@pytest.mark.parametrize("copies", [0.05, 0.7, 2.5])
def test_the_interval_covers_the_truth_as_often_as_it_says(copies):
    random = np.random.default_rng(0)
    covered = []
    for positives in random.binomial(400, 1 - math.exp(-copies), 500).tolist():
        found = concentration(positives, 400).copies_per_droplet
        covered.append(found.low <= copies <= (found.high if found.high is not None else math.inf))
    assert np.mean(covered) >= 0.94


def test_the_volumes_uncertainty_widens_the_interval_of_copies_a_microlitre():
    sure, unsure = (concentration(100, 200, Volume(500.0, uncertainty=u)).copies_per_ul for u in (0.0, 0.1))
    assert unsure.value == sure.value
    for end in ("low", "high"):
        counting = math.log(getattr(sure, end) / sure.value)
        both = math.log(getattr(unsure, end) / unsure.value)
        assert both**2 == pytest.approx(counting**2 + (1.959964 * 0.1) ** 2)
    none, every = (concentration(k, 50, Volume(1.0, uncertainty=0.1)).copies_per_ul for k in (0, 50))
    assert (none.low, every.high) == (0, None)
    assert none.high > concentration(0, 50, Volume(1.0)).copies_per_ul.high
    assert every.low < concentration(50, 50, Volume(1.0)).copies_per_ul.low


def test_the_volumes_uncertainty_by_hand():
    grey, how = np.zeros((100, 100), np.uint8), DdpcrSettings(pixel_size_uncertainty=0.01)
    size = PixelSize(2.0, "request")
    round_, long = measured(disc(50, 50, 30), grey), measured(ellipse(50, 50, 36, 25), grey)
    assert volume([round_], size, how).mean == pytest.approx(math.pi / 6 * 120**3 / 1000, rel=0.01)
    assert volume([round_], size, how).uncertainty == pytest.approx(0.03, abs=0.01)  # the pixels alone
    # The spheroids of axes 36 and 25 differ by half the logarithm of their ratio from the ball.
    wanted = math.hypot(0.03, math.log(36 / 25) / 2 / math.sqrt(3))
    assert volume([long], size, how).uncertainty == pytest.approx(wanted, abs=0.01)
    assert volume([long], None, how).mean is volume([long], None, how).uncertainty is None


def test_negatives_that_may_be_missed_lower_the_lower_end_alone():
    found, bounded = concentration(40, 100), concentration(40, 100, missed=100)
    assert bounded.copies_per_droplet.low == concentration(40, 200).copies_per_droplet.low
    assert bounded.copies_per_droplet.high == found.copies_per_droplet.high
    assert bounded.p.value == found.p.value
