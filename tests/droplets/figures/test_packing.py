"""Packing of droplets on known lattices, and against scipy's Voronoi cells."""

import json
import math

import numpy as np
import pytest
from scipy.spatial import ConvexHull, Voronoi, cKDTree

from droplets.figures.packing import neighbours
from droplets.types import PixelSize
from tests.droplets.shapes import disc, measured

GREY = np.zeros((600, 600), np.uint8)
FRAME = (0, 0, 400, 400)


def droplets_at(centres, radius=10.0, **more):
    return [measured(disc(x, y, radius), GREY, **more) for x, y in centres]


def lattice(step_x, step_y, shift=0.0, size=400, margin=10.0):
    """(x, y) of rows that are shifted in turn, all discs of radius `margin` within the frame."""
    rows = np.arange(margin, size - margin, step_y)
    places = [(x + shift * (k % 2), y) for k, y in enumerate(rows) for x in np.arange(margin, 400, step_x)]
    return [(x, y) for x, y in places if x <= size - 1 - margin]


TOUCHING = lattice(20, 20 * math.sqrt(0.75), 10)


@pytest.fixture(scope="module")
def hexagonal():
    """Touching discs of radius 10: 20 px apart in a row, rows 17.32 px apart."""
    return neighbours(droplets_at(TOUCHING), FRAME, PixelSize(2.0, "request"))


def random_centres(seed, count=120, closest=24):
    random, centres = np.random.default_rng(seed), []
    while len(centres) < count:
        point = random.uniform(12, 388, 2)
        if all(math.dist(point, other) > closest for other in centres):
            centres.append(point)
    return np.array(centres)


class TestHexagonalPacking:
    def test_every_droplet_has_six_neighbours_in_contact(self, hexagonal):
        assert hexagonal["interior"] > 200
        for name in ("neighbours", "contacts"):
            assert hexagonal[name]["min"] == hexagonal[name]["max"] == 6, name

    def test_order_is_perfect(self, hexagonal):
        assert hexagonal["psi6"]["min"] > 0.98  # discs of pixels: centroids to a few hundredths of a pixel
        assert hexagonal["psi6_global"] > 0.98

    def test_distances_and_cells(self, hexagonal):
        assert hexagonal["nearest_distance"]["mean"] == pytest.approx(20, abs=0.3)
        assert hexagonal["nearest_gap"]["mean"] == pytest.approx(0, abs=0.3)
        assert hexagonal["cell_area"]["mean"] == pytest.approx(400 * math.sqrt(0.75), rel=0.01)

    def test_densities(self, hexagonal):
        assert hexagonal["packing_fraction"] == pytest.approx(math.pi / math.sqrt(12), rel=0.02)
        assert hexagonal["density_per_mm2"] == pytest.approx(1e6 / (400 * math.sqrt(0.75) * 4), rel=0.01)
        covered = len(TOUCHING) * math.pi * 100 / 400**2
        assert hexagonal["covered_fraction"] == pytest.approx(covered, rel=0.02)


class TestOtherArrangements:
    def test_a_loose_lattice_has_no_contacts(self):
        figures = neighbours(droplets_at(lattice(30, 30 * math.sqrt(0.75), 15)), FRAME, None)
        assert figures["contacts"]["max"] == 0
        assert figures["nearest_gap"]["mean"] == pytest.approx(10, abs=0.3)
        assert figures["neighbours"]["mean"] == pytest.approx(6, abs=0.2)
        assert figures["density_per_mm2"] is None

    def test_gaps_are_measured_between_unequal_droplets(self):
        big = droplets_at([(200, 200)], radius=30)
        small = droplets_at(
            [(200 + 60 * math.cos(a), 200 + 60 * math.sin(a)) for a in np.arange(6) * np.pi / 3]
        )
        outer = droplets_at(
            [(200 + 120 * math.cos(a), 200 + 120 * math.sin(a)) for a in np.arange(12) * np.pi / 6]
        )
        centre = next(d for d in neighbours(big + small + outer, FRAME, None)["droplets"] if d["id"] == 0)
        assert centre["nearest_distance"] == pytest.approx(60, abs=0.3)
        assert centre["nearest_gap"] == pytest.approx(20, abs=0.5)
        assert (centre["neighbours"], centre["contacts"]) == (6, 0)

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_random_places_agree_with_voronoi_cells_and_nearest_neighbours(self, seed):
        droplets = droplets_at(random_centres(seed))
        centres = np.array([droplet.mask.centroid for droplet in droplets])
        cells, tree = Voronoi(centres), cKDTree(centres)
        figures = neighbours(droplets, FRAME, None)
        assert figures["interior"] > 20
        for droplet in figures["droplets"]:
            i = droplet["id"]
            corners = cells.vertices[cells.regions[cells.point_region[i]]]
            assert droplet["cell_area"] == pytest.approx(ConvexHull(corners).volume)
            assert droplet["nearest_distance"] == pytest.approx(tree.query(centres[i], 2)[0][1])
            beside = [set(pair) - {i} for pair in cells.ridge_points.tolist() if i in pair]
            assert droplet["neighbours"] == len(beside)
            steps = centres[[other.pop() for other in beside]] - centres[i]
            turns = np.exp(6j * np.arctan2(steps[:, 1], steps[:, 0]))
            assert droplet["psi6"] == pytest.approx(abs(turns.mean()))


class TestBorder:
    def test_no_droplet_outside_the_frame_could_change_an_interior_one(self):
        centres = random_centres(4)
        inner = [(x, y) for x, y in centres if 100 <= x <= 300 and 100 <= y <= 300]
        frame = (90, 90, 221, 221)  # as if the droplets beyond were unseen
        known = {tuple(c): d for c, d in _by_place(droplets_at(centres), FRAME).items()}
        part = _by_place(droplets_at(inner), frame)
        assert part
        for place, droplet in part.items():
            assert droplet == pytest.approx(known[place])

    def test_the_figures_do_not_depend_on_where_the_region_lies(self):
        centres = random_centres(5)
        here = neighbours(droplets_at(centres), FRAME, None)
        there = neighbours(droplets_at(centres + 150), (150, 150, 400, 400), None)
        assert here["interior"] == there["interior"]
        assert here["cell_area"] == pytest.approx(there["cell_area"])


def _by_place(droplets, frame):
    figures = neighbours(droplets, frame, None)["droplets"]
    return {
        tuple(droplets[d["id"]].mask.centroid): {name: d[name] for name in d if name != "id"} for d in figures
    }


class TestFewDroplets:
    @pytest.mark.parametrize(
        "centres",
        [
            [],
            [(50, 50)],
            [(50, 50), (90, 50)],
            [(50, 50), (90, 50), (70, 80)],
            [(50 + 30 * i, 50) for i in range(8)],
        ],
        ids=["none", "one", "two", "three", "eight on a line"],
    )
    def test_nothing_is_known_of_their_neighbours(self, centres):
        figures = neighbours(droplets_at(centres), FRAME, PixelSize(1.0, "request"))
        assert (figures["interior"], figures["droplets"]) == (0, [])
        assert set(figures["nearest_distance"].values()) == {None}
        assert figures["psi6_global"] is figures["packing_fraction"] is figures["density_per_mm2"] is None
        assert figures["covered_fraction"] == pytest.approx(len(centres) * math.pi * 100 / 400**2, rel=0.02)

    @pytest.mark.parametrize("shift", [11.75, 12.0, 13.25])
    def test_flat_triangles_on_the_hull_do_no_harm(self, shift):
        line = np.array([(100 + k * 10 / 3, 100 + k * 20 / 3) for k in range(12)] + [(200, 100)]) + shift
        droplets = droplets_at(np.rint(line))
        for droplet, (x, y) in zip(droplets, line, strict=True):
            vars(droplet.mask)["centroid"] = (x, y)  # as uneven masks have
        assert neighbours(droplets, FRAME, None)["interior"] == 0

    def test_beads_are_no_neighbours(self):
        centres = lattice(40, 40 * math.sqrt(0.75), 20)
        alone = neighbours(droplets_at(centres), FRAME, None)
        beads = [
            measured(disc(x + 3, y + 2, 3), GREY, kind="bead", parent=i) for i, (x, y) in enumerate(centres)
        ]
        assert neighbours(droplets_at(centres) + beads, FRAME, None) == alone

    def test_the_figures_are_plain_json(self, hexagonal):
        assert json.loads(json.dumps(hexagonal, allow_nan=False)) == hexagonal
