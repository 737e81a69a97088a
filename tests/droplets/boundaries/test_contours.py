"""Polygons to pixels."""

import numpy as np
import pytest
from skimage.measure import points_in_poly

from droplets.boundaries.contours import clip, rasterise
from tests.droplets.shapes import disc, in_frame

WIDTH, HEIGHT = 60, 50


def star(random: np.random.Generator, x: float, y: float, corners: int = 36) -> np.ndarray:
    radius = random.uniform(4, 16, corners)
    turn = 2 * np.pi * np.arange(corners) / corners
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], 1)


@pytest.mark.parametrize("seed", range(5))
def test_pixels_are_those_whose_centres_lie_in_the_polygon(seed):
    random = np.random.default_rng(seed)
    centres = random.uniform((0, 0), (WIDTH, HEIGHT), (6, 2))
    polygons = np.stack([star(random, x, y) for x, y in centres])
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    points = np.stack([columns.ravel(), rows.ravel()], 1)
    for mask, polygon in zip(rasterise(centres, polygons, WIDTH, HEIGHT), polygons, strict=True):
        expected = points_in_poly(points, polygon).reshape(HEIGHT, WIDTH)
        assert np.array_equal(in_frame(mask, WIDTH, HEIGHT), expected)


def test_a_fine_polygon_gives_the_disc():
    turn = 2 * np.pi * np.arange(720) / 720
    circle = np.stack([30.3 + 12.4 * np.cos(turn), 25.1 + 12.4 * np.sin(turn)], 1)
    (mask,) = rasterise(np.array([[30.3, 25.1]]), circle[None], WIDTH, HEIGHT)
    assert np.array_equal(in_frame(mask, WIDTH, HEIGHT), in_frame(disc(30.3, 25.1, 12.4), WIDTH, HEIGHT))


def test_a_polygon_that_covers_no_pixel_gives_none():
    square = np.array([[[0.2, 0], [0, 0.2], [-0.2, 0], [0, -0.2]]]) + 10.5
    assert rasterise(np.array([[10.5, 10.5]]), square, WIDTH, HEIGHT) == [None]


def test_clipping_keeps_what_lies_in_the_picture():
    square = np.array([[-5.0, -5.0], [9.5, -5.0], [9.5, 9.5], [-5.0, 9.5]])
    assert sorted(map(tuple, np.unique(clip(square, WIDTH, HEIGHT), axis=0))) == [
        (-0.5, -0.5),
        (-0.5, 9.5),
        (9.5, -0.5),
        (9.5, 9.5),
    ]
    inside = square + 10
    assert clip(inside, WIDTH, HEIGHT) is inside
