"""What the head should answer."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.finding.head import FIRST, HEAD_RAYS, STRIDE
from training.rendering.truth import ANGLES, Outline, circle
from training.targets import DIRECTIONS, LARGEST, layer_targets, ray_lengths

CELLS = 64


def centre(row: int, column: int) -> tuple[float, float]:
    """(x, y) of a cell's centre in pixels."""
    return STRIDE * column + FIRST, STRIDE * row + FIRST


def exits(x: float, y: float, disc: Outline, points: np.ndarray) -> np.ndarray:
    """Kx32 distances of the rays' ends from (x, y), with the lengths that are claimed for `disc`."""
    ends = points[:, None] + ray_lengths(disc, points)[..., None] * DIRECTIONS
    return np.hypot(ends[..., 0] - x, ends[..., 1] - y)


class TestRays:
    @pytest.mark.parametrize("radius", [3.0, 20.0, 150.0])
    def test_rays_reach_exactly_the_circle(self, radius):
        disc = circle(100.3, 80.7, radius)
        points = np.array([[100.3, 80.7], [100.3 + 0.3 * radius, 80.7 - 0.2 * radius]])
        assert exits(100.3, 80.7, disc, points) == pytest.approx(radius, rel=1e-9)

    def test_a_star_agrees_with_the_closed_form(self):
        points = np.array([[50.0, 40.0], [56.0, 42.0], [47.5, 31.0]])
        nearly = Outline(50.0, 40.0, 20 + 1e-4 * np.cos(ANGLES))
        exact = ray_lengths(circle(50.0, 40.0, 20.0), points)
        assert ray_lengths(nearly, points) == pytest.approx(exact, abs=0.01)

    def test_from_its_centre_a_stars_rays_are_its_radii(self):
        star = Outline(10.0, 20.0, 30 + 6 * np.cos(3 * ANGLES))
        lengths = ray_lengths(star, np.array([[10.0, 20.0]]))[0]
        assert lengths == pytest.approx(star.radii[::2], abs=0.01)


class TestHeat:
    def test_is_one_at_each_centres_nearest_cell(self):
        objects = [circle(41.0, 90.2, 17.0), circle(130.4, 33.3, 5.0), circle(180.0, 200.0, 45.0)]
        outer, inner = layer_targets(objects, CELLS, CELLS)
        nearest = [(round((o.y - FIRST) / STRIDE), round((o.x - FIRST) / STRIDE)) for o in objects]
        assert all(outer.heat[cell] == 1 for cell in nearest)
        assert (outer.heat >= 0.999).sum() == 3
        assert not inner.heat.any()

    def test_falls_with_the_distance_from_the_centre(self):
        outer, _ = layer_targets([circle(*centre(30, 30), 40.0)], CELLS, CELLS)
        along = outer.heat[30, 30:44].astype(float)
        assert (np.diff(along) <= 0).all()
        assert along[0] == 1
        assert along[10] < 0.01

    def test_is_not_judged_at_an_object_that_does_not_count(self):
        disc = circle(*centre(20, 20), 30.0, counts=False)
        outer, _ = layer_targets([disc], CELLS, CELLS)
        assert outer.heat[20, 20] < 0
        assert outer.heat[20, 24] < 0
        assert outer.heat[20, 30] == 0
        assert not len(outer.cell)

    def test_a_droplet_that_counts_keeps_its_centre_beside_one_that_does_not(self):
        objects = [circle(*centre(20, 20), 30.0, counts=False), circle(*centre(20, 22), 8.0)]
        outer, _ = layer_targets(objects, CELLS, CELLS)
        assert outer.heat[20, 22] == 1
        assert outer.heat[20, 20] < 0

    def test_nothing_is_learnt_from_what_lies_outside(self):
        outer, _ = layer_targets([circle(-300.0, 50.0, 20.0)], CELLS, CELLS)
        assert not outer.heat.any()
        assert not len(outer.cell)

    def test_what_is_found_in_a_smaller_picture_is_not_judged(self):
        outer, _ = layer_targets([circle(*centre(30, 30), 4 * LARGEST + 1)], CELLS, CELLS)
        assert outer.heat[30, 30] < 0
        assert not len(outer.cell)

    def test_an_empty_picture_is_cold(self):
        for layer in layer_targets([], CELLS, CELLS):
            assert not layer.heat.any()
            assert layer.rays.shape == (0, HEAD_RAYS)
            assert layer.cell.shape == layer.bead.shape == (0,)


class TestCells:
    def test_rays_at_a_cell_reach_the_circle(self):
        outer, _ = layer_targets([circle(101.0, 77.0, 33.0)], CELLS, CELLS)
        row, column = np.divmod(outer.cell, CELLS)
        points = np.column_stack([column, row]) * float(STRIDE) + FIRST
        lengths = STRIDE * np.exp(outer.rays.astype(float))
        ends = points[:, None] + lengths[..., None] * DIRECTIONS
        assert len(points) > 4
        assert np.hypot(*(ends - (101.0, 77.0)).T) == pytest.approx(33, rel=0.003)

    def test_an_inner_object_is_learnt_in_the_inner_layer_alone(self):
        droplet, bead = circle(100.0, 100.0, 40.0), circle(110.0, 96.0, 6.0, inner=True, bead=True)
        outer, inner = layer_targets([droplet, bead], CELLS, CELLS)
        assert not outer.bead.any()
        assert inner.bead.all()
        assert len(inner.bead) > 0
        assert (outer.heat >= 0.999).sum() == (inner.heat >= 0.999).sum() == 1

    def test_large_objects_do_not_have_more_cells_than_sixteen(self):
        outer, _ = layer_targets([circle(128.0, 128.0, 45.0)], CELLS, CELLS)
        again, _ = layer_targets([circle(128.0, 128.0, 45.0)], CELLS, CELLS)
        assert len(outer.cell) == len(set(outer.cell.tolist())) == 16
        assert np.array_equal(outer.cell, again.cell)

    def test_a_part_keeps_its_own(self):
        objects = [circle(*centre(10, 10), 12.0), circle(*centre(40, 50), 12.0)]
        outer, _ = layer_targets(objects, CELLS, CELLS)
        part = outer.part(slice(32, 64), slice(32, 64))
        assert part.heat.shape == (32, 32)
        assert part.heat[8, 18] == 1
        assert 8 * 32 + 18 in part.cell
        row, column = np.divmod(part.cell, 32)
        assert len(part.rays) == len(part.cell) == len(outer.cell) - len(outer.cell) // 2
        assert np.abs(row - 8).max() <= 2
        assert np.abs(column - 18).max() <= 2
