"""What COCO tools read from our masks is what the masks are."""

import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask
from scipy.ndimage import binary_fill_holes

from droplets.export.coco import mask_from_rle, polygons, rle
from droplets.types import Mask
from tests.droplets.shapes import disc, in_frame, random_array, rectangle, ring, union

# pycocotools 2.0.11 decodes through an `__array__` of numpy 1's kind.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")


def by_pycocotools(full: np.ndarray) -> dict:
    packed = coco_mask.encode(np.asfortranarray(full.astype(np.uint8)))
    return {"size": packed["size"], "counts": packed["counts"].decode("ascii")}


def filled(outlines: list[list[float]], width: int, height: int) -> np.ndarray:
    canvas = np.zeros((height, width), np.uint8)
    for outline in outlines:
        cv2.fillPoly(canvas, [np.array(outline, np.int32).reshape(-1, 2)], 1)
    return canvas.astype(bool)


def test_rle_equals_that_of_the_full_picture():
    random = np.random.default_rng(18)
    for _ in range(1500):
        full = random_array(random, largest=30)
        height, width = full.shape
        assert rle(Mask.from_array(full), width, height) == by_pycocotools(full)


def test_rle_of_masks_of_runs_that_go_on_in_the_next_column():
    random = np.random.default_rng(19)
    for _ in range(1000):
        height, width = (int(side) for side in random.integers(1, 9, 2))
        full = random.random((height, width)) < 0.8
        full[[0, -1]] |= random.random((2, width)) < 0.7
        mask = Mask.from_array(full)
        if mask:
            assert rle(mask, width, height) == by_pycocotools(full)


@pytest.mark.parametrize(
    "mask",
    [
        pytest.param(rectangle(0, 0, 1, 1), id="first pixel"),
        pytest.param(rectangle(29, 19, 1, 1), id="last pixel"),
        pytest.param(rectangle(0, 19, 1, 1), id="bottom left"),
        pytest.param(rectangle(29, 0, 1, 1), id="top right"),
        pytest.param(rectangle(0, 0, 30, 20), id="whole picture"),
        pytest.param(rectangle(5, 0, 1, 20), id="one column"),
        pytest.param(rectangle(5, 0, 7, 20), id="columns"),
        pytest.param(rectangle(0, 0, 7, 20), id="first columns"),
        pytest.param(rectangle(23, 0, 7, 20), id="last columns"),
        pytest.param(rectangle(0, 9, 30, 1), id="one row"),
        pytest.param(union(rectangle(0, 0, 30, 1), rectangle(0, 19, 30, 1)), id="top and bottom row"),
        pytest.param(union(rectangle(0, 0, 1, 20), rectangle(29, 0, 1, 20)), id="left and right column"),
        pytest.param(union(rectangle(3, 10, 1, 10), rectangle(4, 0, 1, 10)), id="run over two columns"),
        pytest.param(ring(15, 10, 9, 5), id="ring"),
    ],
)
def test_rle_at_the_borders(mask):
    full = in_frame(mask, 30, 20)
    packed = rle(mask, 30, 20)
    assert packed == by_pycocotools(full)
    assert np.array_equal(coco_mask.decode(packed).astype(bool), full)
    assert coco_mask.area(packed) == mask.area
    assert coco_mask.toBbox(packed).tolist() == list(mask.box)


def test_rle_in_a_20_megapixel_picture():
    mask = disc(5400.5, 3590.5, 50)
    packed = rle(mask, 5472, 3648)
    assert coco_mask.area(packed) == mask.area
    assert coco_mask.toBbox(packed).tolist() == list(mask.box)


def test_rle_is_plain_json():
    packed = rle(disc(20, 20, 9), 50, 40)
    assert packed["size"] == [40, 50]
    assert json.loads(json.dumps(packed)) == packed


def test_masks_come_back_from_their_rle():
    random = np.random.default_rng(20)
    for _ in range(300):
        full = random_array(random)
        mask = Mask.from_array(full)
        back = mask_from_rle(json.loads(json.dumps(rle(mask, *full.shape[::-1]))))
        assert back.box == mask.box
        assert np.array_equal(back.crop, mask.crop)
        assert all(type(value) is int for value in back.box)


def test_an_empty_rle_is_no_mask():
    assert mask_from_rle(by_pycocotools(np.zeros((20, 30), bool))) is None


def test_polygons_fill_back_to_the_mask():
    random = np.random.default_rng(21)
    for _ in range(300):
        full = binary_fill_holes(random_array(random))
        outlines = polygons(Mask.from_array(full))
        assert np.array_equal(filled(outlines, *full.shape[::-1]), full)


def test_polygon_of_a_rectangle_runs_through_its_corner_pixels():
    (outline,) = polygons(rectangle(10, 20, 5, 3))
    assert sorted(zip(outline[::2], outline[1::2], strict=True)) == [(10, 20), (10, 22), (14, 20), (14, 22)]
    assert all(type(value) is float for value in outline)


def test_every_part_has_its_polygon():
    mask = union(rectangle(0, 0, 5, 5), rectangle(20, 10, 4, 4))
    assert len(polygons(mask)) == 2


def test_polygons_leave_holes_out():
    outlines = polygons(ring(30, 30, 20, 10))
    assert len(outlines) == 1
    assert np.array_equal(filled(outlines, 60, 60), in_frame(disc(30, 30, 20), 60, 60))


@pytest.mark.parametrize("mask", [rectangle(3, 4, 1, 1), rectangle(3, 4, 1, 9), rectangle(3, 4, 9, 1)])
def test_polygons_of_a_pixel_and_of_lines_fill_back(mask):
    assert np.array_equal(filled(polygons(mask), 20, 20), in_frame(mask, 20, 20))
