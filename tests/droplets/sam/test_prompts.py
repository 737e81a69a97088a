"""One proposal an object, whatever its size, its brightness and its neighbours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from droplets.sam.prompts import Proposals, propose, propose_small
from droplets.synthetic import render_brightfield


def rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


def nearest(found: Proposals, x: float, y: float) -> int:
    return int(np.hypot(*(found.points - (x, y)).T).argmin())


@pytest.mark.parametrize("diameter", [16, 30, 60, 110])
@pytest.mark.parametrize("level", [40, 220])
def test_a_disc_gets_one_proposal_of_its_size(diameter, level):
    picture = np.full((400, 500), 130, np.uint8)
    cv2.circle(picture, (260, 190), diameter // 2, level, -1, cv2.LINE_AA)
    found = propose(rgb(picture))
    assert (found.support[1:] < 0.1 * found.support[0]).all()
    assert np.hypot(*(found.points[0] - (260, 190))) < 0.15 * diameter
    assert found.radius[0] == pytest.approx(diameter / 2, rel=0.25)


def test_every_droplet_of_a_dense_picture_and_little_else():
    rendering = render_brightfield(512, 512, count=150, diameter=36, touching=0.8, seed=5)
    found = propose(rgb(rendering.pixels))
    inside = [droplet for droplet in rendering.droplets if not droplet.touches_border]
    for droplet in inside:
        i = nearest(found, droplet.x, droplet.y)
        assert np.hypot(*(found.points[i] - (droplet.x, droplet.y))) < 0.3 * droplet.radius
        assert found.radius[i] == pytest.approx(droplet.radius, rel=0.3)
    assert len(found.points) < 1.25 * len(rendering.droplets)


def test_beads_within_droplets_are_proposed_too():
    rendering = render_brightfield(600, 500, count=30, diameter=80, beads_per_droplet=1.0, seed=6)
    found = propose(rgb(rendering.pixels))
    beads = [bead for d in rendering.droplets if not d.touches_border for bead in d.beads]
    assert len(beads) > 10
    hits = [np.hypot(*(found.points[nearest(found, x, y)] - (x, y))) < radius for x, y, radius in beads]
    assert np.mean(hits) > 0.95


def test_an_empty_picture_has_nothing_to_propose():
    assert len(propose(np.full((100, 100, 3), 128, np.uint8)).points) == 0


def test_noise_proposes_little():
    noise = np.random.default_rng(0).normal(128, 8, (400, 400)).clip(0, 255).astype(np.uint8)
    assert len(propose(rgb(noise)).points) < 60


def test_a_tiny_picture():
    picture = np.full((12, 9, 3), 128, np.uint8)
    picture[4:8, 3:6] = 255
    assert propose(picture).points.shape[1] == 2


def test_the_best_supported_comes_first():
    rendering = render_brightfield(400, 400, count=40, diameter=36, seed=7)
    support = propose(rgb(rendering.pixels)).support
    assert (np.diff(support) <= 0).all()


def test_small_objects_are_proposed_in_an_enlarged_picture():
    large = np.full((800, 800), 130, np.uint8)
    places = [(x, y) for x in (40, 100, 160) for y in (50, 120)]
    for x, y in places:
        cv2.circle(large, (4 * x + 2, 4 * y + 2), 12, 60, 5, cv2.LINE_AA)  # a ring of radius 3
    picture = cv2.resize(large, (200, 200), interpolation=cv2.INTER_AREA)
    found = propose_small(rgb(picture))
    for x, y in places:
        i = nearest(found, x, y)
        assert np.hypot(*(found.points[i] - (x, y))) < 1
        assert found.radius[i] == pytest.approx(3, rel=0.5)


def test_a_large_picture_is_not_enlarged():
    picture = np.zeros((300, 1300, 3), np.uint8)
    cv2.circle(picture, (100, 100), 4, (200, 200, 200), -1)
    assert len(propose_small(picture).points) == 0


def test_faint_structures_beside_strong_ones_propose_little():
    grey = np.random.default_rng(5).normal(120, 2, (600, 600))
    waves = cv2.GaussianBlur(np.random.default_rng(6).normal(0, 60, grey.shape), (0, 0), 8)
    faint = rgb((grey + waves).clip(0, 255).astype(np.uint8))
    strong = faint.copy()
    for x in range(60, 600, 80):
        cv2.circle(strong, (x, 300), 25, (10, 10, 10), 4, cv2.LINE_AA)
    assert len(propose(strong).points) < 0.7 * len(propose(faint).points)


@pytest.mark.parametrize("shape", [(8, 8), (8, 300), (200, 240)])
def test_noise_and_the_smallest_pictures_give_no_error(shape):
    noise = rgb(np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8))
    for found in (propose(noise), propose_small(noise), propose(np.zeros_like(noise))):
        assert len(found.points) == len(found.radius) == len(found.support)
