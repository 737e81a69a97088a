"""A size that most droplets share is told from a spread of sizes, whatever lies beside them."""

import numpy as np
import pytest

from droplets.objects.population import means_among_alike, typical_area
from droplets.objects.settings import ObjectSettings

HOW = ObjectSettings()


def areas(radii) -> np.ndarray:
    return np.pi * np.asarray(radii, float) ** 2


def test_droplets_of_one_size_have_it():
    radii = np.random.default_rng(1).normal(20, 0.6, 100)
    assert typical_area(areas(radii), HOW) == pytest.approx(np.pi * 400, rel=0.03)


def test_specks_do_not_count_however_many_they_are():
    assert typical_area(areas([20.0] * 30 + [3.0] * 300), HOW) == pytest.approx(np.pi * 400)


def test_a_few_merged_droplets_do_not_count():
    assert typical_area(areas([20.0] * 30 + [40.0] * 2), HOW) == pytest.approx(np.pi * 400)


def test_foam_has_no_size():
    assert typical_area(areas(np.geomspace(3, 40, 200)), HOW) is None


def test_two_sizes_are_none():
    assert typical_area(areas([20.0] * 30 + [30.0] * 30), HOW) is None


def test_one_droplet_is_of_one_size_and_none_has_none():
    assert typical_area([], HOW) is None
    assert typical_area([100.0], HOW) == 100
    assert typical_area(areas([60.0, *[3.0] * 20]), HOW) == pytest.approx(np.pi * 3600)


def test_the_share_is_one_of_area():
    alike, other = [100.0] * 30, 100.0 * HOW.alike**2
    least = round(30 * (1 - HOW.share) / HOW.share / HOW.alike**2)
    assert typical_area(alike + [other] * (least - 1), HOW) == 100
    assert typical_area(alike + [other] * (least + 1), HOW) is None


def test_those_of_one_size_share_what_they_are():
    diameters, beads = [8.0, 8.5, 9.0, 30.0, 31.0, 33.0], [0.9, 0.8, 0.1, 0.0, 0.7, 0.2]
    assert means_among_alike(diameters, beads, HOW) == pytest.approx([0.6] * 3 + [0.3] * 3)
    assert means_among_alike([], [], HOW).size == 0


def test_means_are_over_those_within_the_factor():
    random = np.random.default_rng(4)
    diameters, values = np.exp(random.normal(3, 0.5, 200)), random.uniform(size=200)
    expected = [values[np.abs(np.log(diameters / d)) < np.log(HOW.alike)].mean() for d in diameters]
    assert means_among_alike(diameters, values, HOW) == pytest.approx(expected)
