"""Classical methods find what they should in simple pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.classical import contours, distance_watershed, hough, hough_told, refined
from benchmarks.pictures import disc

RADIUS = 15.0
CENTRES = [(x, y) for y in (30.0, 75.0, 120.0) for x in (32.5, 80.0, 127.5, 175.0)]


@pytest.fixture(scope="module")
def rings() -> np.ndarray:
    """160x208 uint8: bright droplets in dark rings whose outer edge is at RADIUS."""
    picture = np.full((160, 208), 140, np.uint8)
    for x, y in CENTRES:
        centre = (round(16 * x), round(16 * y))
        cv2.circle(picture, centre, round(16 * RADIUS), 40, cv2.FILLED, cv2.LINE_AA, shift=4)
        cv2.circle(picture, centre, round(16 * (RADIUS - 4)), 160, cv2.FILLED, cv2.LINE_AA, shift=4)
    return picture


def found(masks):
    """How many of the true discs have a mask of their own."""
    truth = [disc(x, y, RADIUS) for x, y in CENTRES]
    return sum(any(one.iou(mask) > 0.6 for mask in masks) for one in truth)


@pytest.mark.parametrize(
    "method", [lambda grey: hough_told(grey, RADIUS, RADIUS), contours, distance_watershed]
)
def test_rings_are_found_once_each(rings, method):
    masks = method(rings)

    assert found(masks) == len(CENTRES)
    assert len(masks) == len(CENTRES)


def test_circles_told_the_radius_keep_to_it(rings):
    radii = [(mask.area / np.pi) ** 0.5 for mask in hough_told(rings, RADIUS, RADIUS)]

    assert radii == pytest.approx([RADIUS] * len(CENTRES), abs=1.5)


def test_refined_circles_lie_on_the_edge(rings):
    masks = refined(rings, hough_told(rings, RADIUS, RADIUS))

    assert all(any(disc(x, y, RADIUS).iou(mask) > 0.9 for mask in masks) for x, y in CENTRES)


@pytest.mark.parametrize("method", [hough, lambda grey: hough_told(grey, 10, 20), contours])
def test_nothing_is_found_where_nothing_is(method):
    assert method(np.full((64, 96), 128, np.uint8)) == []


def test_circles_over_the_border_are_cut_off_there():
    picture = np.full((100, 100), 140, np.uint8)
    cv2.circle(picture, (4, 50), 20, 40, 4, cv2.LINE_AA)

    for mask in hough_told(picture, 18, 22):
        assert mask.x >= 0
        assert mask.x + mask.width <= 100
        assert mask.crop.any(axis=0).all()
