"""One mask a point, whatever the size of the object there."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.sam.generator import Generator
from droplets.sam.pointing import find_at
from droplets.synthetic import render_brightfield
from tests.droplets.shapes import disc

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def generator(sam):
    return Generator(sam)


def rgb(grey):
    return np.repeat(grey[..., None], 3, axis=2)


def at(generator, pixels, points):
    return find_at(generator, pixels, generator.encoder.embed(pixels), np.array(points, float).reshape(-1, 2))


def test_objects_too_small_for_the_frame_are_zoomed_in_on(generator):
    rendering = render_brightfield(2048, 2048, count=1200, diameter=28, touching=0.5, seed=5)
    inside = [droplet for droplet in rendering.droplets if not droplet.touches_border][:12]
    masks = at(generator, rgb(rendering.pixels), [(d.x, d.y) for d in inside])
    assert len(masks) == len(inside)
    for mask, droplet in zip(masks, inside, strict=True):
        assert mask.iou(disc(droplet.x, droplet.y, droplet.radius)) > 0.5


def test_large_and_small_objects_come_in_the_order_of_their_points(generator):
    grey = np.full((1600, 1600), 120, np.uint8)
    small, large = disc(1300, 1200, 11), disc(420, 500, 180)
    for mask in (small, large):
        mask.paint(grey, 200)
    noisy = np.clip(grey + np.random.default_rng(1).normal(0, 2, grey.shape), 0, 255).astype(np.uint8)
    first, second, third = at(generator, rgb(noisy), [small.centroid, large.centroid, small.centroid])
    assert first.iou(small) > 0.6
    assert second.iou(large) > 0.8
    assert third.box == first.box


def test_the_background_is_no_object(generator, picture):
    height, width = picture.shape[:2]
    points = [(x, y) for x in range(5, width, 40) for y in range(5, height, 40)]
    assert not any(mask.spans(width, height) for mask in at(generator, picture, points))


def test_nothing_lies_at_no_points_and_little_in_an_empty_picture(generator, picture):
    assert at(generator, picture, []) == []
    assert len(at(generator, np.full((64, 64, 3), 90, np.uint8), [(30, 30)])) <= 1
