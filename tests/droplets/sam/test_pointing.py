"""One mask a point, whatever the size of the object there."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.sam.generator import Generator
from droplets.sam.pointing import Zooming, _parts, find_at
from tests.droplets.shapes import disc
from training.rendering.plain import render_brightfield

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def generator(sam):
    return Generator(sam)


def rgb(grey):
    return np.repeat(grey[..., None], 3, axis=2)


def at(generator, pixels, points, radii=np.inf):
    places = np.array(points, float).reshape(-1, 2)
    sizes = np.broadcast_to(np.asarray(radii, float), len(places))
    return find_at(generator, pixels, generator.encoder.embed(pixels), places, sizes)


def test_objects_too_small_for_the_frame_are_zoomed_in_on(generator):
    rendering = render_brightfield(2048, 2048, count=1200, diameter=28, touching=0.5, seed=5)
    inside = [droplet for droplet in rendering.droplets if not droplet.touches_border][:12]
    places, radii = [(d.x, d.y) for d in inside], [d.radius for d in inside]
    masks = at(generator, rgb(rendering.pixels), places, radii)
    assert len(masks) == len(inside)
    for mask, droplet in zip(masks, inside, strict=True):
        assert mask.iou(disc(droplet.x, droplet.y, droplet.radius)) > 0.5


def test_large_and_small_objects_come_in_the_order_of_their_points(generator):
    grey = np.full((1600, 1600), 120, np.uint8)
    small, large = disc(1300, 1200, 11), disc(420, 500, 180)
    for mask in (small, large):
        mask.paint(grey, 200)
    noisy = np.clip(grey + np.random.default_rng(1).normal(0, 2, grey.shape), 0, 255).astype(np.uint8)
    places = [small.centroid, large.centroid, small.centroid]
    first, second, third = at(generator, rgb(noisy), places, [11, 180, 11])
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


def test_parts_hold_objects_of_one_size_and_end_with_the_picture():
    points = np.array([[10.0, 10], [30, 20], [900, 900], [15, 12]])
    radii = np.array([5.0, 6, 5, 20])
    parts = list(_parts(points, radii, np.arange(4), (1000, 950), Zooming()))
    assert [chosen.tolist() for _, chosen in parts] == [[0, 1], [2], [3]]
    for (x, y, width, height), chosen in parts:
        assert x >= 0
        assert y >= 0
        assert x + width <= 1000
        assert y + height <= 950
        assert (points[chosen] >= (x, y)).all()
        assert (points[chosen] < (x + width, y + height)).all()
    assert parts[0][0][2] == round(10 * 1024 / 28)  # in which a radius of 5 takes 14
