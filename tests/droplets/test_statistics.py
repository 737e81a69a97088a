"""Figures over the droplets of a picture against hand-made ones."""

import json
import math

import pytest

from droplets.statistics import summary
from droplets.types import PixelSize
from tests.droplets.shapes import figured

FIGURES = ("mean", "median", "std", "cv", "min", "max")
UNKNOWN = dict.fromkeys(FIGURES)


def test_no_droplet_gives_counts_and_nulls():
    assert summary([], PixelSize(0.5, "request")) == {
        "count": {"droplet": 0, "bead": 0, "other": 0},
        "diameter": UNKNOWN,
        "diameter_um": UNKNOWN,
        "area": UNKNOWN,
        "circularity": UNKNOWN,
        "mean_intensity": UNKNOWN,
    }


def test_one_droplet_has_no_spread():
    figures = summary([figured(area=314, diameter=20, circularity=0.98, grey=(90, 1, 200, 5, 91))], None)
    one = {"std": None, "cv": None}
    assert figures["diameter"] == {"mean": 20, "median": 20, "min": 20, "max": 20, **one}
    assert figures["area"] == {"mean": 314, "median": 314, "min": 314, "max": 314, **one}
    assert figures["circularity"]["mean"] == 0.98
    assert figures["mean_intensity"]["mean"] == 90


def test_spread_of_several_is_that_of_the_sample():
    diameters = [10, 12, 14, 20]
    spread = summary([figured(diameter=d) for d in diameters], None)["diameter"]
    deviation = math.sqrt((16 + 4 + 0 + 36) / 3)
    assert spread == pytest.approx(
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
    assert figures["diameter"] == figures["diameter_um"] == UNKNOWN


@pytest.mark.parametrize("pixel_size", [0.32, 1, 6.5])
def test_micrometres_scale_all_but_the_variation(pixel_size):
    figures = summary([figured(diameter=d) for d in (10, 11, 15)], PixelSize(pixel_size, "request"))
    for name in ("mean", "median", "std", "min", "max"):
        assert figures["diameter_um"][name] == pytest.approx(pixel_size * figures["diameter"][name])
    assert figures["diameter_um"]["cv"] == pytest.approx(figures["diameter"]["cv"])


def test_without_a_pixel_size_there_are_no_micrometres():
    assert summary([figured(), figured()], None)["diameter_um"] is None


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_the_figures_are_plain_json(count):
    figures = summary([figured(diameter=10 + i) for i in range(count)], PixelSize(0.5, "request"))
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
