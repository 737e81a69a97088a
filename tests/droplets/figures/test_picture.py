"""Figures of a picture as a whole equal numpy's, in the units of the file."""

import json

import numpy as np
import pytest

from droplets.figures.picture import picture_statistics
from droplets.objects.filters import Filters
from tests.droplets.shapes import picture


def values(dtype: type, highest: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(15).integers(0, highest + 1, shape).astype(dtype)


def assert_figures(figures: dict, of: np.ndarray) -> None:
    exact = of.astype(np.float64)
    assert figures["mean"] == pytest.approx(exact.mean())
    assert figures["std"] == pytest.approx(exact.std())
    assert figures["median"] == pytest.approx(np.median(exact))
    assert (figures["min"], figures["max"]) == (exact.min(), exact.max())
    histogram = figures["histogram"]
    assert len(histogram["counts"]) == 256
    assert len(histogram["edges"]) == 257
    assert sum(histogram["counts"]) == of.size  # no value is left out


@pytest.mark.parametrize(
    ("dtype", "depth"), [(np.uint8, 1), (np.uint8, 8), (np.uint16, 10), (np.uint16, 12), (np.uint16, 16)]
)
def test_grey_pictures(dtype, depth):
    original = values(dtype, 2 ** max(depth, 8) - 1, 40, 50)
    figures = picture_statistics(picture(original, max(depth, 8)))
    assert list(figures["channels"]) == ["grey"]
    assert figures["channels"]["grey"] == figures["overall"]
    assert_figures(figures["overall"], original)
    edges = figures["overall"]["histogram"]["edges"]
    assert (edges[0], edges[-1]) == (0, 2 ** max(depth, 8))


@pytest.mark.parametrize(("dtype", "depth"), [(np.uint8, 8), (np.uint16, 16)])
def test_colour_pictures(dtype, depth):
    original = values(dtype, 2**depth - 1, 40, 50, 3)
    figures = picture_statistics(picture(original, depth))
    assert list(figures["channels"]) == ["red", "green", "blue"]
    for i, name in enumerate(("red", "green", "blue")):
        assert_figures(figures["channels"][name], original[..., i])
    assert sum(figures["overall"]["histogram"]["counts"]) == 2000
    assert figures["overall"]["mean"] == pytest.approx(
        original.mean(axis=(0, 1)) @ (0.299, 0.587, 0.114), abs=1
    )


def test_every_8_bit_value_has_its_own_bin():
    original = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(-1, 16)
    assert picture_statistics(picture(original))["overall"]["histogram"]["counts"] == [3] * 256


def test_white_and_black_fall_into_the_outer_bins():
    original = np.zeros((10, 10), np.uint16)
    original[:3] = 65535
    counts = picture_statistics(picture(original, 16))["overall"]["histogram"]["counts"]
    assert (counts[0], counts[-1]) == (70, 30)


@pytest.mark.parametrize("depth", [16, 32])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-300, 300), (0, 1e6)])
def test_histograms_of_floats_range_over_the_values(depth, low, high):
    original = np.random.default_rng(16).uniform(low, high, (40, 50)).astype(np.float32)
    figures = picture_statistics(picture(original, depth))
    assert_figures(figures["overall"], original)
    edges = figures["overall"]["histogram"]["edges"]
    assert (edges[0], edges[-1]) == pytest.approx((original.min(), original.max()))
    assert max(figures["overall"]["histogram"]["counts"]) < 50


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_constant_picture(dtype):
    figures = picture_statistics(picture(np.full((20, 20), 7, dtype), 32 if dtype == np.float32 else 8))
    assert figures["overall"]["std"] == 0
    assert sum(figures["overall"]["histogram"]["counts"]) == 400
    assert figures["suggested_filters"] == {"mean_min": 7, "mean_max": 7}


def test_suggested_filters_leave_out_the_extremes():
    original = np.full((100, 100), 500, np.uint16)
    original[:50] = 1000
    original[0, :20], original[1, :20] = 0, 65535
    assert picture_statistics(picture(original, 16))["suggested_filters"] == {
        "mean_min": 500,
        "mean_max": 1000,
    }


def test_suggested_filters_are_filters():
    original = values(np.uint8, 255, 30, 30, 3)
    suggested = picture_statistics(picture(original))["suggested_filters"]
    assert Filters.parse(suggested, "filters").mean_min == suggested["mean_min"]


@pytest.mark.parametrize("shape", [(30, 30), (30, 30, 3)])
def test_the_figures_are_plain_json(shape):
    figures = picture_statistics(picture(values(np.uint8, 255, *shape)))
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
