"""What the page computes agrees with what the service computes."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special, stats

from droplets.ddpcr.concentration import concentration
from droplets.ddpcr.settings import DdpcrSettings
from droplets.ddpcr.volume import Volume, volume
from droplets.figures.encapsulation import encapsulation
from droplets.figures.sizes import histogram, size_distribution
from droplets.types import PixelSize

CALL = "async ([file, name, given]) => (await import(`/static/js/${file}.js`))[name](...given)"


@pytest.fixture
def call(page):
    page.goto("/")
    return lambda file, name, *given: page.evaluate(CALL, [file, name, list(given)])


@pytest.mark.parametrize("count", [1, 2, 7, 400])
def test_the_size_distribution_is_the_services(call, count):
    diameters = np.random.default_rng(count).normal(40, 3, count).round(3)
    expected = size_distribution(diameters)
    shown = call("statistics", "sizes", diameters.tolist())
    for name in ("mean", "std", "cv", "d10", "d50", "d90", "span", "d32"):
        assert shown[name] == pytest.approx(expected[name]), name
    assert shown["mean95"] == (expected["mean_95"] and pytest.approx(expected["mean_95"]))
    edges = call("statistics", "binEdges", diameters.tolist())
    assert edges == pytest.approx(histogram(diameters)["edges"])
    assert call("statistics", "counts", diameters.tolist(), edges) == histogram(diameters)["counts"]


@pytest.mark.parametrize(
    "counts", [[0, 0, 1, 2, 1, 0, 5], [0, 0, 0], [3] * 20, [0] * 60 + [1] * 30 + [2] * 14]
)
def test_the_loading_is_the_services(call, counts):
    expected = encapsulation(np.array(counts))
    shown = call("statistics", "loading", counts)
    assert shown["observed"] == expected["observed"]
    assert shown["expected"] == pytest.approx(expected["poisson"], abs=1e-9)
    assert shown["lambda"] == pytest.approx(expected["mean"])
    fit = expected["goodness_of_fit"]
    assert (shown["fit"] and shown["fit"]["p"]) == (fit["p"] and pytest.approx(fit["p"]))
    assert shown["singleOfOccupied"] == pytest.approx(expected["single_of_occupied"])


@pytest.mark.parametrize(("positives", "n"), [(0, 20), (20, 20), (3, 20), (400, 3000), (2999, 3000)])
def test_the_concentration_and_its_interval_are_the_services(call, positives, n):
    expected = concentration(positives, n, Volume(mean=40.0, uncertainty=0.06))
    shown = call("pcr", "concentration", positives, n, [30.0, 50.0], 0.06)
    assert shown["part"] == pytest.approx(expected.p.value)
    for number, wanted in (
        (shown["lambda"], expected.copies_per_droplet),
        (shown["copies"], expected.copies_per_ul),
    ):
        for value, want in zip(number, (wanted.value, wanted.low, wanted.high), strict=True):
            assert math.isinf(value) if want is None else value == pytest.approx(want, rel=1e-6, abs=1e-9)


def test_the_uncertainty_of_the_volume_is_the_services(call):
    droplets = [droplet(uncertainty=0.4 + 0.1 * i, diameter=30 + i, feret=31 + 1.2 * i) for i in range(7)]
    expected = volume(droplets, PixelSize(1.1, "request"), DdpcrSettings())
    shown = call("pcr", "volumeUncertainty", [
        {"mask": {
            "equivalent_diameter": one.shape.equivalent_diameter,
            "max_feret_diameter": one.shape.max_feret_diameter,
            "boundary": {"uncertainty_px": one.uncertainty},
        }}
        for one in droplets
    ])  # fmt: skip
    assert shown == pytest.approx(expected.uncertainty)


def droplet(uncertainty: float, diameter: float, feret: float) -> SimpleNamespace:
    """What of a droplet the uncertainty is made of."""
    shape = SimpleNamespace(equivalent_diameter=diameter, max_feret_diameter=feret)
    return SimpleNamespace(uncertainty=uncertainty, shape=shape)


def test_the_special_functions_are_those_of_scipy(call):
    for x in (0.5, 1, 3.2, 50, 3000):
        assert call("special", "logGamma", x) == pytest.approx(special.gammaln(x), rel=1e-10, abs=1e-12)
    for a, b, x in ((2, 3, 0.4), (50, 2000, 0.03), (0.5, 0.5, 0.9)):
        assert call("special", "betaPart", a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-9)
    for a, x in ((0.5, 0.1), (1, 3.8), (2.5, 11), (40, 35), (40, 60)):
        assert call("special", "gammaAbove", a, x) == pytest.approx(special.gammaincc(a, x), rel=1e-9)


@pytest.mark.parametrize(("n", "m", "step"), [(8, 5, 1.0), (400, 250, 0.01), (3000, 2, 0.5)])
def test_the_comparison_of_two_groups_is_that_of_scipy(call, n, m, step):
    random = np.random.default_rng(n)
    one, other = (np.round(random.normal(40 + i, 3 + i, size) / step) * step for i, size in enumerate((n, m)))
    shown = call("comparison", "mannWhitney", one.tolist(), other.tolist())
    ranks = stats.mannwhitneyu(one, other, method="asymptotic")
    assert (shown["u"], shown["p"]) == pytest.approx((ranks.statistic, ranks.pvalue), rel=1e-9)
    above = (np.sign(one[:, None] - other)).mean()
    assert shown["delta"] == pytest.approx(above, abs=1e-12)
    shown = call("comparison", "welch", one.tolist(), other.tolist())
    means = stats.ttest_ind(one, other, equal_var=False)
    assert (shown["t"], shown["p"]) == pytest.approx((means.statistic, means.pvalue), rel=1e-7)
    assert shown["interval"] == pytest.approx(means.confidence_interval(), rel=1e-7)
    pooled = np.sqrt(((n - 1) * one.var(ddof=1) + (m - 1) * other.var(ddof=1)) / (n + m - 2))
    assert shown["g"] == pytest.approx((one.mean() - other.mean()) / pooled * (1 - 3 / (4 * (n + m) - 9)))


def test_groups_that_are_equal_do_not_differ(call):
    assert call("comparison", "mannWhitney", [1, 2], [1, 2]) == {"u": 2, "p": 1, "delta": 0}
    assert call("comparison", "welch", [3, 3], [3, 3]) is None


def test_outlines_keep_to_the_mask_within_half_a_pixel(call):
    square = [10, 10, 10, 20, 20, 20, 20, 10]
    smooth = np.array(call("outline", "halfway", square)).reshape(-1, 2)
    assert len(smooth) == 8
    assert smooth.min() == 10
    assert smooth.max() == 20
