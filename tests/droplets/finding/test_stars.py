"""Star-shaped objects: their figures, their place in the picture and their pixels."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.finding.stars import INNER, Stars
from tests.droplets.finding.answers import Circle
from tests.droplets.finding.test_decode import stars_of
from tests.droplets.shapes import disc


def test_pixels_are_those_whose_centres_lie_within():
    circles = [Circle(50.3, 40.8, 4.2), Circle(100, 60, 33.7), Circle(30, 90, 11)]
    masks = stars_of(circles).masks(200, 150)
    for mask, circle in zip(masks, circles, strict=True):
        true = disc(circle.x, circle.y, circle.radius)
        assert mask.iou(true) > 0.97
        assert mask.area == pytest.approx(np.pi * circle.radius**2, rel=0.03)
        assert mask.crop[0].any()
        assert mask.crop[:, -1].any()


@pytest.mark.parametrize("radius", [60, 400])
def test_masks_end_at_the_picture_s_border(radius):
    stars = stars_of([Circle(10, 300, radius)])
    (mask,) = stars.masks(1000, 700)
    assert (mask.x, mask.y) == (0, pytest.approx(max(0, 300 - radius), abs=1))
    y, x = np.mgrid[:700, :1000]
    inside = np.hypot(x - 10, y - 300) <= radius
    assert mask.area == pytest.approx(inside.sum(), rel=0.02)


def test_what_lies_outside_has_no_mask_and_the_order_stays():
    stars = stars_of([Circle(50, 50, 5), Circle(-50, 50, 5), Circle(300, 2000, 400), Circle(20, 20, 9)])
    assert [mask.width for mask in stars.masks(100, 100)] == [11, 19]


def test_masks_say_what_the_head_says():
    stars = stars_of([Circle(50, 50, 12, layer=INNER, bead=0.8, expected_iou=0.75), Circle(20, 20, 8)])
    bead, droplet = stars.masks(100, 100)
    assert (bead.inner, bead.bead_probability, bead.predicted_iou) == (True, 0.8, 0.75)
    assert (droplet.inner, droplet.found_by) == (False, "head")


def test_a_frame_s_objects_are_placed_in_the_picture():
    # Frame of 100x50 that shows the picture's 200x100 at (300, 20): its pixel 0 covers pixels 300 and 301.
    stars = stars_of([Circle(0, 0, 4), Circle(99, 49, 4)]).placed((300, 20, 200, 100), (50, 100))
    assert stars.centre == pytest.approx(np.array([[300.5, 20.5], [498.5, 118.5]]))
    assert stars.diameter == pytest.approx([16, 16], rel=0.01)


def test_a_square_has_the_area_and_the_centroid_of_a_square():
    angles = 2 * np.pi * np.arange(32) / 32
    rays = 10 / np.maximum(np.abs(np.cos(angles)), np.abs(np.sin(angles)))
    one = np.ones(1)
    square = Stars(np.array([[5.0, 7]]), rays[None], np.zeros(1, np.int64), one, one, one)
    assert square.area == pytest.approx([400], rel=1e-6)
    assert square.centroid == pytest.approx(np.array([[5, 7]]))
    assert square.longest == pytest.approx([10 * np.sqrt(2)])
    assert square.hold(np.array([0]), np.array([[[14.5, 16.5], [16, 7]]])).tolist() == [[True, False]]


def test_stars_are_taken_and_joined():
    stars = stars_of([Circle(10, 10, 3), Circle(20, 20, 4), Circle(30, 30, 5)])
    again = Stars.join([stars.take(np.array([2])), stars.take(stars.diameter < 9), Stars.none()])
    assert again.centre[:, 0].tolist() == [30, 10, 20]
    assert len(Stars.join([])) == len(Stars.none()) == 0
