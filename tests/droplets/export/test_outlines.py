"""Outlines are valid polygons along the pixels' edges and fill back to the mask."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from droplets.export.outlines import outlines
from droplets.types import Mask
from tests.droplets.export.filling import HEIGHT, WIDTH, every_mask, filled, random_masks, shapes
from tests.droplets.shapes import in_frame


def signed_area(ring: np.ndarray) -> float:
    x, y = ring.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


@pytest.mark.parametrize("mask", shapes().values(), ids=shapes())
def test_every_shape_fills_back(mask):
    rings = [ring for part in outlines(mask) for ring in part]
    assert np.array_equal(filled(rings), in_frame(mask, WIDTH, HEIGHT))


def test_random_masks_fill_back():
    for mask in random_masks(300, seed=1):
        rings = [ring for part in outlines(mask) for ring in part]
        assert np.array_equal(filled(rings), in_frame(mask, WIDTH, HEIGHT))


def test_parts_are_valid_polygons_whose_areas_add_up():
    for mask in every_mask(300):
        parts = [shapely.Polygon(part[0], part[1:]) for part in outlines(mask)]
        for part in parts:
            assert part.is_valid, shapely.is_valid_reason(part)
        whole = shapely.MultiPolygon(parts)
        assert whole.is_valid, shapely.is_valid_reason(whole)
        assert whole.area == mask.area


def test_outer_rings_come_first_and_run_against_their_holes():
    for mask in every_mask():
        for outer, *holes in outlines(mask):
            assert signed_area(outer) > 0
            assert all(signed_area(hole) < 0 for hole in holes)


def test_corners_only_edges_in_turn():
    for mask in every_mask():
        for ring in (ring for part in outlines(mask) for ring in part):
            horizontal = (np.roll(ring, -1, axis=0) - ring)[:, 1] == 0
            vertical = (np.roll(ring, -1, axis=0) - ring)[:, 0] == 0
            assert (horizontal ^ vertical).all()
            assert (horizontal != np.roll(horizontal, 1)).all()


def test_a_pixel_is_a_square_from_corner_to_corner():
    (((ring,)),) = outlines(Mask(3, 4, np.ones((1, 1), bool)))
    assert ring.tolist() == [[4, 4], [4, 5], [3, 5], [3, 4]]


def test_pixels_that_meet_in_a_corner_are_two_parts():
    assert len(outlines(shapes()["pixels that meet in a corner"])) == 2


def test_a_hole_belongs_to_the_part_around_it():
    parts = outlines(shapes()["disc in a ring"])
    assert sorted(len(part) for part in parts) == [1, 2]
