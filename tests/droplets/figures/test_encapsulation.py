"""Beads per droplet against hand-made counts and the definitions of the interval and the test."""

import json

import numpy as np
import pytest
from scipy import stats

from droplets.figures.encapsulation import bead_counts, encapsulation
from tests.droplets.shapes import figured


def loaded(*numbers):
    """Number of beads of each droplet, from how many droplets hold 0, 1, 2, ..."""
    return np.repeat(np.arange(len(numbers)), numbers)


class TestCounts:
    def test_beads_count_to_their_droplets_in_order(self):
        droplets = [figured(), figured(), figured(), *(figured(kind="bead", parent=p) for p in (2, 0, 2))]
        assert bead_counts(droplets).tolist() == [1, 0, 2]

    def test_only_beads_within_droplets_count(self):
        droplets = [figured(), figured(kind="other"), figured(kind="other", parent=0), figured(kind="bead")]
        assert bead_counts(droplets).tolist() == [0]

    def test_droplets_that_the_border_cuts_are_left_out_with_their_beads(self):
        droplets = [figured(border=(3, 3, 0, 3)), figured(), figured(kind="bead", parent=0)]
        assert bead_counts(droplets).tolist() == [0]

    def test_nothing_gives_nothing(self):
        assert bead_counts([]).tolist() == []


class TestFigures:
    def test_hand_made_counts(self):
        figures = encapsulation(loaded(4, 3, 2, 0, 1))
        assert (figures["droplets"], figures["beads"]) == (10, 11)
        assert figures["classes"] == [0, 1, 2, 3, 4]
        assert figures["observed"] == [4, 3, 2, 0, 1]
        assert figures["mean"] == 1.1
        assert figures["dispersion_index"] == pytest.approx((4 * 1.21 + 3 * 0.01 + 2 * 0.81 + 8.41) / 9 / 1.1)
        assert (figures["occupied"], figures["single"], figures["single_of_occupied"]) == (0.6, 0.3, 0.5)

    def test_poisson_adds_up_to_the_droplets(self):
        figures = encapsulation(loaded(40, 44, 12, 4))
        mean = figures["mean"]
        assert mean == pytest.approx(0.8)
        assert figures["poisson"][:3] == pytest.approx([100 * np.exp(-0.8) * f for f in (1, 0.8, 0.32)])
        assert sum(figures["poisson"]) == pytest.approx(100)

    @pytest.mark.parametrize("beads", [1, 7, 300])
    def test_the_interval_has_two_and_a_half_per_cent_on_either_side(self, beads):
        low, high = encapsulation(loaded(50, beads))["mean_95"]
        droplets = 50 + beads
        assert stats.poisson.sf(beads - 1, low * droplets) == pytest.approx(0.025)
        assert stats.poisson.cdf(beads, high * droplets) == pytest.approx(0.025)

    def test_without_beads_the_interval_still_has_an_upper_end(self):
        figures = encapsulation(loaded(200))
        assert figures["mean"] == 0
        assert figures["mean_95"] == pytest.approx([0, -np.log(0.025) / 200])
        assert figures["poisson"] == [200, 0, 0, 0]
        assert figures["dispersion_index"] is figures["single_of_occupied"] is None
        assert figures["goodness_of_fit"]["reason"] == "no beads in droplets"

    def test_no_droplets(self):
        figures = encapsulation(loaded())
        assert (figures["droplets"], figures["observed"], figures["poisson"]) == (0, [0] * 4, [0] * 4)
        for name in ("mean", "mean_95", "dispersion_index", "occupied", "single", "single_of_occupied"):
            assert figures[name] is None, name

    @pytest.mark.parametrize("beads", [0, 1, 5])
    def test_one_droplet_is_plain_json(self, beads):
        figures = encapsulation(np.array([beads]))
        assert json.loads(json.dumps(figures, allow_nan=False)) == figures
        assert figures["dispersion_index"] is None


class TestGoodnessOfFit:
    def test_statistic_by_hand(self):
        observed = [50, 30, 16, 4]  # mean 0.74; the classes 2 and more expect 17 droplets, 3 and more 4
        figures = encapsulation(loaded(*observed))
        expected = figures["poisson"]
        assert expected[3] < 5 < expected[2]
        pooled = [*expected[:2], expected[2] + expected[3]]
        fit = figures["goodness_of_fit"]
        assert fit["chi_square"] == pytest.approx(
            sum((o - e) ** 2 / e for o, e in zip([50, 30, 20], pooled, strict=True))
        )
        assert fit["degrees_of_freedom"] == 1
        assert fit["p"] == pytest.approx(stats.chisquare([50, 30, 20], pooled, ddof=1).pvalue)
        assert fit["reason"] is None

    def test_rare_low_counts_are_pooled_too(self):
        counts = np.random.default_rng(1).poisson(9, 80)
        fit = encapsulation(counts)["goodness_of_fit"]
        assert 3 <= fit["degrees_of_freedom"] <= 10
        assert fit["p"] > 0.01

    def test_random_loading_is_rarely_rejected(self):
        random = np.random.default_rng(2)
        p = [encapsulation(random.poisson(1.5, 300))["goodness_of_fit"]["p"] for _ in range(400)]
        assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.03)

    def test_ordered_loading_is_rejected(self):
        figures = encapsulation(loaded(44, 173, 18, 2))
        assert figures["goodness_of_fit"]["p"] < 1e-6
        assert figures["dispersion_index"] < 0.5

    def test_few_droplets_give_a_reason(self):
        fit = encapsulation(loaded(3, 2, 1))["goodness_of_fit"]
        assert fit["p"] is fit["chi_square"] is fit["degrees_of_freedom"] is None
        assert "three classes" in fit["reason"]
