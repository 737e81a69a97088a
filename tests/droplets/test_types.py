"""Masks are tight crops that know where they lie; borders know what touches them."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from droplets.types import BorderDistance, Image, Mask
from tests.droplets.shapes import disc, in_frame, random_array, random_mask, rectangle


def test_from_array_is_tight_and_keeps_every_pixel():
    random = np.random.default_rng(1)
    for _ in range(200):
        full = random_array(random)
        mask = Mask.from_array(full)
        assert np.array_equal(in_frame(mask, *full.shape[::-1]), full)
        assert mask.crop[0].any()
        assert mask.crop[-1].any()
        assert mask.crop[:, 0].any()
        assert mask.crop[:, -1].any()


def test_from_array_of_nothing_is_none():
    assert Mask.from_array(np.zeros((5, 7), bool)) is None


def test_from_array_adds_its_corner_and_keeps_the_scores():
    full = np.zeros((10, 10), bool)
    full[3:5, 6:9] = True
    mask = Mask.from_array(full, 100, 200, predicted_iou=0.7, stability_score=0.8)
    assert mask.box == (106, 203, 3, 2)
    assert (mask.predicted_iou, mask.stability_score) == (0.7, 0.8)
    assert all(type(value) is int for value in mask.box)


def test_from_array_copies():
    full = np.ones((4, 4), bool)
    mask = Mask.from_array(full)
    full[:] = False
    assert mask.area == 16


def test_box_area_and_centroid_of_a_rectangle():
    mask = rectangle(10, 20, 4, 3)
    assert mask.box == (10, 20, 4, 3)
    assert mask.area == 12
    assert mask.centroid == (11.5, 21.0)


def test_centroid_of_one_pixel_is_that_pixel():
    assert rectangle(7, 9, 1, 1).centroid == (7.0, 9.0)


@pytest.mark.parametrize(("radius", "tolerance"), [(5, 0.3), (12, 0.15), (40, 0.1)])
def test_centroid_follows_sub_pixel_centres(radius, tolerance):
    centres = 50 + np.random.default_rng(2).random((100, 2))
    errors = np.array([disc(x, y, radius).centroid for x, y in centres]) - centres
    assert np.abs(errors).max() < tolerance
    assert np.abs(errors.mean(axis=0)).max() < 0.02  # no shift by half a pixel


def test_centroid_is_the_mean_of_the_pixels():
    random = np.random.default_rng(3)
    for _ in range(100):
        mask = random_mask(random)
        rows, columns = np.nonzero(mask.crop)
        assert mask.centroid == pytest.approx((mask.x + columns.mean(), mask.y + rows.mean()))


def test_intersection_and_iou_equal_those_of_full_frames():
    random = np.random.default_rng(4)
    for _ in range(300):
        one, two = random_mask(random), random_mask(random)
        full_one, full_two = in_frame(one, 80, 80), in_frame(two, 80, 80)
        both, either = (full_one & full_two).sum(), (full_one | full_two).sum()
        assert one.intersection(two) == two.intersection(one) == both
        assert one.iou(two) == two.iou(one) == both / either


@pytest.mark.parametrize(("x", "y"), [(4, 0), (-4, 0), (0, 3), (0, -3), (50, 50)])
def test_neighbours_that_only_touch_share_nothing(x, y):
    assert rectangle(0, 0, 4, 3).intersection(rectangle(x, y, 4, 3)) == 0
    assert rectangle(0, 0, 4, 3).iou(rectangle(x, y, 4, 3)) == 0


def test_iou_with_itself_is_one():
    mask = disc(20, 20, 9.5)
    assert mask.iou(mask) == 1


def test_a_moved_mask_forgets_the_old_centroid():
    mask = rectangle(0, 0, 3, 3)
    assert mask.centroid == (1, 1)
    moved = mask.moved(10, 5)
    assert moved.box == (10, 5, 3, 3)
    assert moved.centroid == (11, 6)


def test_a_mask_spans_a_picture_of_its_width_or_height():
    mask = rectangle(0, 2, 30, 4)
    assert mask.spans(30, 20)
    assert mask.spans(40, 4)
    assert not mask.spans(31, 5)


def test_a_mask_is_frozen():
    with pytest.raises(FrozenInstanceError):
        rectangle(0, 0, 2, 2).x = 5


def test_width_and_height_of_an_image():
    image = Image(np.zeros((7, 9, 3), np.uint8), np.zeros((7, 9), np.uint16), 16, "TIFF")
    assert (image.width, image.height) == (9, 7)


@pytest.mark.parametrize(
    ("distances", "nearest", "touching"),
    [
        ((3, 4, 5, 6), 3, []),
        ((0, 4, 5, 6), 0, ["top"]),
        ((3, 0, 5, 6), 0, ["bottom"]),
        ((3, 4, 0, 6), 0, ["left"]),
        ((3, 4, 5, 0), 0, ["right"]),
        ((0, 0, 0, 0), 0, ["top", "bottom", "left", "right"]),
        ((9, 8, 7, 1), 1, []),
    ],
)
def test_border_distance(distances, nearest, touching):
    border = BorderDistance(*distances)
    assert border.nearest == nearest
    assert border.touching == touching
