"""Droplets are found again in a second picture of another kind."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.ddpcr.registration import Registration, register
from tests.droplets.pairs import Pair, pair


def errors(found: Registration, truth: Pair) -> np.ndarray:
    """Distance in pixels between where each counted droplet went and where the mapping puts it."""
    off = np.hypot(*(found.map_points(truth.centres) - truth.moved).T)
    return off[truth.counted]


@pytest.mark.parametrize("lattice", [False, True])
@pytest.mark.parametrize("negative", [900.0, 150.0])
def test_shift_and_drift_are_recovered(lattice, negative):
    truth = pair(
        size=384, lattice=lattice, negative=negative, positives=0.04, shift=(38, -42), drift=4, seed=3
    )
    found = register(truth.masks, truth.fluorescence)
    way = (truth.moved - truth.centres).mean(axis=0)
    assert found.shift == pytest.approx(way, abs=1)
    assert np.median(errors(found, truth)) < 1
    assert np.percentile(errors(found, truth), 95) < 1.5
    assert found.confidence > 0.9
    assert found.matched > 0.6
    assert found.residual < 3


@pytest.mark.parametrize("lattice", [False, True])
def test_what_is_aligned_stays(lattice):
    truth = pair(lattice=lattice, positives=0.1, seed=4)
    found = register(truth.masks, truth.fluorescence)
    assert np.median(errors(found, truth)) < 0.5
    assert errors(found, truth).max() < 1.5


def test_the_shift_leads_from_the_picture_to_the_second_one():
    truth = pair(positives=0.3, shift=(20, -30), size=384, seed=5)
    found = register(truth.masks, truth.fluorescence)
    assert found.shift == pytest.approx((20, -30), abs=1)
    assert found.map_points(np.array([[100.0, 200.0]])) == pytest.approx(np.array([[120.0, 170.0]]), abs=1)


@pytest.mark.parametrize(("radius", "size"), [(6.0, 360), (20.0, 640)])
def test_any_size_of_droplets(radius, size):
    truth = pair(radius=radius, size=size, positives=0.2, shift=(-25, 31), drift=2, seed=6)
    found = register(truth.masks, truth.fluorescence)
    assert np.median(errors(found, truth)) < 0.08 * radius


def test_aligned_positives_are_enough_to_stay_in_a_lattice_without_visible_negatives():
    truth = pair(size=384, lattice=True, negative=0, positives=0.04, seed=3)
    found = register(truth.masks, truth.fluorescence)
    assert errors(found, truth).max() < 1
    assert found.confidence < 0.9  # any step of the lattice would do


@pytest.mark.parametrize("fill", [0.1, 0.75])
def test_an_aligned_pair_with_dark_negatives_is_not_without_confidence(fill):
    truth = pair(size=384, negative=0, positives=0.1, fill=fill, seed=5)
    found = register(truth.masks, truth.fluorescence)
    assert errors(found, truth).max() < 1
    assert found.confidence > 0.5


def test_noise_is_one_frame_without_confidence():
    truth = pair(size=256, seed=7)
    noise = np.random.default_rng(7).normal(1000, 30, (256, 256)).astype(np.uint16)
    found = register(truth.masks, noise)
    assert found.shift == (0, 0)
    assert found.confidence < 0.5


@pytest.mark.parametrize("droplets", [0, 1])
def test_flat_pictures_and_few_droplets_do_no_harm(droplets):
    truth = pair(size=256, seed=8)
    flat = register(truth.masks[:droplets], np.full((256, 256), 7, np.uint8))
    assert flat.confidence == 0
    assert flat.map_points(truth.centres) == pytest.approx(truth.centres)
    assert register(truth.masks[:droplets], truth.fluorescence).confidence < 0.9
