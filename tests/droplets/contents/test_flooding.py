"""Floods from markers, against scikit-image's watershed."""

import cv2
import numpy as np
import pytest
from skimage.segmentation import watershed

from droplets.contents.flooding import flood


@pytest.fixture
def random():
    return np.random.default_rng(4)


def test_the_ridge_goes_to_the_flood_that_is_there_first():
    heights = np.array([[0.0, 1, 2, 5, 1, 0, 3]])
    markers = np.array([[1, 0, 0, 0, 0, 2, 0]], np.int32)
    within = np.ones((1, 7), bool)
    assert flood(heights, markers, within).tolist() == [[1, 1, 1, 2, 2, 2, 2]]


def test_what_no_flood_reaches_has_no_label():
    markers = np.zeros((3, 5), np.int32)
    markers[1, 0] = 7
    within = np.ones((3, 5), bool)
    within[:, 2] = False
    labels = flood(np.zeros((3, 5)), markers, within)
    assert (labels[:, :2] == 7).all()
    assert not labels[:, 2:].any()
    assert not flood(np.zeros((3, 5)), np.zeros((3, 5), np.int32), within).any()


def test_a_marker_of_several_pixels_is_one_flood():
    markers = np.array([[3, 3, 0, 0, 0, 1]], np.int32)
    assert flood(np.array([[0.0, 0, 1, 2, 1, 0]]), markers, np.ones((1, 6), bool)).tolist() == [
        [3, 3, 3, 3, 1, 1]
    ]


def test_basins_are_those_of_scikit_image(random):
    heights = cv2.GaussianBlur(random.normal(0, 1, (300, 400)), (0, 0), 3)
    lowest = (heights == cv2.erode(heights, np.ones((9, 9)))) & (heights < 0)
    _, markers = cv2.connectedComponents(lowest.astype(np.uint8))
    within = heights < 0.1
    expected = watershed(heights, markers, mask=within)
    assert (flood(heights, markers, within) != expected).mean() < 0.002
    assert markers.max() > 100
