"""Figures over the droplets of a picture against hand-made ones."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from droplets.figures.sizes import histogram, summary
from droplets.types import Boundary, PixelSize
from tests.droplets.shapes import figured

SPREAD = ("mean", "median", "std", "cv", "min", "max")
LENGTHS = ("standard_error", "d10", "d50", "d90", "dv10", "dv50", "dv90", "d30", "d32", "d43")
UNKNOWN = dict.fromkeys(SPREAD)
NO_SIZES = {
    **UNKNOWN,
    **dict.fromkeys((*LENGTHS, "mean_95", "span", "pdi", "uncertainty")),
    "histogram": {"edges": [], "counts": []},
}


def test_sizes_of_a_picture_err_together():
    """Their uncertainty is that of one droplet, however many there are."""
    sure = [replace(figured(), boundary=Boundary(figured().mask, uncertainty=u)) for u in (1.0, 2.0, 3.0)]
    figures = summary(sure * 100, PixelSize(0.5, "request"))
    assert figures["diameter"]["uncertainty"] == pytest.approx(2)
    assert figures["diameter_um"]["uncertainty"] == pytest.approx(1)


def sizes(*diameters):
    return summary([figured(diameter=d) for d in diameters], None)["diameter"]


def test_no_droplet_gives_counts_and_nulls():
    assert summary([], PixelSize(0.5, "request")) == {
        "count": {"droplet": 0, "bead": 0, "other": 0},
        "measured": 0,
        "diameter": NO_SIZES,
        "diameter_um": NO_SIZES,
        "area": UNKNOWN,
        "circularity": UNKNOWN,
        "mean_intensity": UNKNOWN,
        "near_median": None,
        "monodisperse": None,
        "total_volume_pl": 0,
    }


def test_one_droplet_has_no_spread():
    figures = summary([figured(area=314, diameter=20, circularity=0.98, grey=(90, 1, 200, 5, 91))], None)
    one = {"std": None, "cv": None}
    unknown = dict.fromkeys(("standard_error", "mean_95", "pdi", "uncertainty"))
    same = dict.fromkeys(("mean", "median", "min", "max", *LENGTHS[1:]), pytest.approx(20))
    only = {"edges": [19, 21], "counts": [1]}
    assert figures["diameter"] == {**one, **unknown, **same, "span": 0, "histogram": only}
    assert figures["area"] == {"mean": 314, "median": 314, "min": 314, "max": 314, **one}
    assert figures["circularity"]["mean"] == 0.98
    assert figures["mean_intensity"]["mean"] == 90


def test_spread_of_several_is_that_of_the_sample():
    diameters = [10, 12, 14, 20]
    spread = sizes(*diameters)
    deviation = math.sqrt((16 + 4 + 0 + 36) / 3)
    assert {name: spread[name] for name in SPREAD} == pytest.approx(
        {"mean": 14, "median": 13, "std": deviation, "cv": deviation / 14, "min": 10, "max": 20}
    )


def test_equal_droplets_have_no_variation():
    spread = summary([figured(diameter=15)] * 5, None)["diameter"]
    assert (spread["std"], spread["cv"]) == (0, 0)


def test_black_droplets_have_no_coefficient_of_variation():
    spread = summary([figured(grey=(0, 0, 0, 0, 0))] * 3, None)["mean_intensity"]
    assert (spread["mean"], spread["std"], spread["cv"]) == (0, 0, None)


def test_only_droplets_proper_count_into_the_figures():
    droplets = [
        figured(diameter=10),
        figured(diameter=20),
        figured(kind="bead", parent=0, diameter=1),
        figured(kind="bead", parent=0, diameter=1),
        figured(kind="other", diameter=500),
    ]
    figures = summary(droplets, None)
    assert figures["count"] == {"droplet": 2, "bead": 2, "other": 1}
    assert figures["diameter"]["mean"] == 15
    assert figures["diameter"]["max"] == 20


def test_beads_alone_give_no_figures():
    figures = summary([figured(kind="bead")], PixelSize(1.0, "request"))
    assert figures["count"]["bead"] == 1
    assert figures["diameter"] == figures["diameter_um"] == NO_SIZES


@pytest.mark.parametrize("pixel_size", [0.32, 1, 6.5])
def test_micrometres_scale_all_but_the_variation(pixel_size):
    figures = summary([figured(diameter=d) for d in (10, 11, 15)], PixelSize(pixel_size, "request"))
    for name in ("mean", "median", "std", "min", "max", *LENGTHS):
        assert figures["diameter_um"][name] == pytest.approx(pixel_size * figures["diameter"][name])
    for name in ("cv", "span", "pdi"):
        assert figures["diameter_um"][name] == pytest.approx(figures["diameter"][name])
    pixels, micrometres = figures["diameter"]["histogram"], figures["diameter_um"]["histogram"]
    assert micrometres["edges"] == pytest.approx([pixel_size * edge for edge in pixels["edges"]])
    assert micrometres["counts"] == pixels["counts"]


def test_without_a_pixel_size_there_are_no_micrometres():
    figures = summary([figured(), figured()], None)
    assert figures["diameter_um"] is figures["total_volume_pl"] is None


def test_droplets_that_the_border_cuts_are_counted_but_not_measured():
    droplets = [figured(diameter=10), figured(diameter=12), figured(diameter=99, border=(0, 5, 5, 5))]
    figures = summary(droplets, PixelSize(1.0, "request"))
    assert figures["count"]["droplet"] == 3
    assert figures["measured"] == 2
    assert figures["diameter"]["max"] == figures["diameter_um"]["max"] == 12


def test_moment_means_of_two_sizes():
    figures = sizes(1, 3)
    assert figures["d30"] == pytest.approx(14 ** (1 / 3))
    assert figures["d32"] == pytest.approx(28 / 10)
    assert figures["d43"] == pytest.approx(82 / 28)


def test_moment_means_of_a_lognormal_distribution():
    """Hatch and Choate: ln D(p, q) = mu + (p + q) sigma^2 / 2."""
    mu, sigma = math.log(40), 0.1
    figures = sizes(*stats.lognorm.ppf((np.arange(4000) + 0.5) / 4000, sigma, scale=math.exp(mu)))
    for name, orders in (("mean", 1), ("d30", 3), ("d32", 5), ("d43", 7)):
        assert figures[name] == pytest.approx(math.exp(mu + orders * sigma**2 / 2), rel=1e-4), name


def test_percentiles_by_number_lie_between_the_nearest_values():
    figures = sizes(*range(10, 21))
    assert [figures[name] for name in ("d10", "d50", "d90")] == [11, 15, 19]
    assert figures["span"] == pytest.approx(8 / 15)
    assert figures["d50"] == figures["median"]


def test_percentiles_by_volume_belong_to_the_large():
    figures = sizes(*[1] * 800, *[10] * 9, 2)  # 800, 9000 and 8 of volume: the small ones are 8.2 %
    assert [figures[name] for name in ("dv10", "dv50", "dv90")] == [10, 10, 10]
    assert figures["d90"] == 1
    assert sizes(*[1] * 1000, *[10] * 9)["dv10"] == 1


def test_the_interval_of_the_mean_is_students():
    diameters = [31.0, 33.5, 32.2, 30.9, 34.0]
    figures = sizes(*diameters)
    assert figures["standard_error"] == pytest.approx(stats.sem(diameters))
    interval = stats.ttest_1samp(diameters, 0).confidence_interval(0.95)
    assert figures["mean_95"] == pytest.approx([interval.low, interval.high])


def test_polydispersity_is_the_squared_variation():
    figures = sizes(8, 12)
    assert figures["pdi"] == pytest.approx(8 / 100)


class TestHistogram:
    def test_bins_are_those_of_freedman_and_diaconis(self):
        values = np.random.default_rng(1).normal(50, 3, 500)
        ours = histogram(values)
        counts, edges = np.histogram(values, "fd")
        assert ours == {"edges": pytest.approx(edges.tolist()), "counts": counts.tolist()}

    def test_an_outlier_does_not_make_thousands_of_bins(self):
        values = np.append(np.random.default_rng(1).normal(50, 0.1, 500), 5000)
        assert len(histogram(values)["counts"]) == 50

    def test_a_middle_of_equal_values_still_gives_bins(self):
        assert histogram(np.array([10.0] + [20.0] * 14 + [30.0]))["counts"] == [1, 0, 14, 0, 1]

    @pytest.mark.parametrize("count", [1, 2, 3, 40])
    def test_every_droplet_is_in_a_bin(self, count):
        values = np.random.default_rng(count).uniform(1, 100, count)
        bins = histogram(values)
        assert sum(bins["counts"]) == count
        assert len(bins["edges"]) == len(bins["counts"]) + 1


class TestMonodisperse:
    def test_ninety_per_cent_within_five_per_cent_of_the_median(self):
        figures = summary([figured(diameter=d) for d in [100] * 16 + [95.1, 104.9, 94.8, 105.2]], None)
        assert figures["near_median"] == 0.9
        assert figures["monodisperse"] is True

    def test_one_fewer_is_not_enough(self):
        figures = summary([figured(diameter=d) for d in [100] * 17 + [94.8, 105.2, 80]], None)
        assert figures["near_median"] == 0.85
        assert figures["monodisperse"] is False

    def test_few_droplets_tell_nothing(self):
        figures = summary([figured(diameter=100)] * 9, None)
        assert figures["near_median"] is figures["monodisperse"] is None


def test_the_total_volume_is_that_of_all_balls():
    figures = summary([figured(diameter=d) for d in (10, 20)], PixelSize(2.0, "request"))
    assert figures["total_volume_pl"] == pytest.approx(math.pi / 6 * (20**3 + 40**3) / 1000)


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_the_figures_are_plain_json(count):
    figures = summary([figured(diameter=10 + i) for i in range(count)], PixelSize(0.5, "request"))
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_sizes_that_differ_by_rounding_get_one_bin():
    almost = [30.0] * 9 + [math.nextafter(30.0, 31.0)]
    assert histogram(np.array(almost))["counts"] == [10]
    assert sizes(*almost)["histogram"]["counts"] == [10]


@pytest.mark.parametrize("um", [0.001, 1000])
def test_every_pixel_size_that_may_be_sent_gives_figures(um):
    droplets = [figured(diameter=d) for d in (3, 40, 40, 41)]
    found = summary(droplets, PixelSize(um, "request"))["diameter_um"]
    json.dumps(found, allow_nan=False)
    assert found["d32"] == pytest.approx(um * summary(droplets, None)["diameter"]["d32"])
