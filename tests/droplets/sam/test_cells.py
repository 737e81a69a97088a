"""Closed cells are found to a few pixels' size; gaps, faint rings and what is known already are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from droplets.sam.cells import closed_cells
from tests.droplets.shapes import disc

LARGEST = 10_000.0


def foam(*circles: tuple[float, float, float], wall: int = 110) -> np.ndarray:
    """240x240x3 uint8: bright, with a dark wall two pixels wide on each circle (x, y, radius)."""
    grey = np.full((960, 960), 240, np.uint8)
    for x, y, radius in circles:
        cv2.circle(grey, (round(4 * x + 1.5), round(4 * y + 1.5)), round(4 * radius), wall, 8, cv2.LINE_AA)
    small = cv2.resize(grey, (240, 240), interpolation=cv2.INTER_AREA).astype(float)
    noisy = small + np.random.default_rng(1).normal(0, 1.5, small.shape)
    return np.repeat(noisy.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("radius", [4, 6, 12, 30, 50])
def test_a_cell_reaches_to_the_middle_of_its_wall(radius):
    (cell,) = closed_cells(foam((120, 110, radius)), [], LARGEST)
    assert cell.iou(disc(120, 110, radius)) > 0.8
    assert (cell.predicted_iou, cell.stability_score) == (0, 0)


def test_cells_of_many_sizes_lie_side_by_side():
    circles = [(50, 50, 35), (120, 40, 20), (100, 90, 12), (160, 90, 6), (60, 130, 4)]
    cells = closed_cells(foam(*circles), [], LARGEST)
    assert len(cells) == len(circles)
    for x, y, radius in circles:
        assert max(cell.iou(disc(x, y, radius)) for cell in cells) > 0.75


def test_what_is_known_is_not_given_again():
    picture = foam((60, 60, 20), (150, 60, 20))
    (cell,) = closed_cells(picture, [disc(60, 60, 19)], LARGEST)
    assert cell.centroid == pytest.approx((150, 60), abs=1)


def test_the_gap_between_three_cells_is_none():
    circles = [(80, 80, 30), (141, 80, 30), (110.5, 132.8, 30)]
    known = [disc(*circle) for circle in circles]
    assert closed_cells(foam(*circles), known, LARGEST) == []


def test_an_open_ring_is_no_cell():
    picture = foam((120, 110, 30))
    picture[100:120, 140:160] = 240
    assert closed_cells(picture, [], LARGEST) == []


def test_a_ring_much_fainter_than_those_of_the_known_cells_is_none():
    picture = np.minimum(foam((60, 60, 20)), foam((160, 160, 8), wall=200))
    assert closed_cells(picture, [disc(60, 60, 20)], LARGEST) == []
    assert len(closed_cells(foam((160, 160, 8), wall=200), [], LARGEST)) == 1


def test_what_is_larger_than_allowed_is_left():
    assert closed_cells(foam((120, 110, 40)), [], 3000) == []


def test_a_calm_picture_has_no_cells():
    assert closed_cells(np.full((64, 80, 3), 128, np.uint8), [], LARGEST) == []
