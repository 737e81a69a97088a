"""Objects at points are measured as among all the others."""

import pytest

from droplets.boundaries.refine import find_boundaries
from droplets.contents.beads import Bead
from droplets.context import Around, beads_within, masks_around
from droplets.options import AnalysisOptions, Options
from droplets.pipeline import analyze
from droplets.types import Generation
from tests.droplets.shapes import disc, picture
from training.rendering.plain import render_brightfield

ONE, TOUCHING, NEAR, FAR = disc(50, 50, 10), disc(70.5, 50, 10), disc(50, 90, 10), disc(150, 150, 10)


def test_around_a_mask_are_the_others_nearest_first():
    assert masks_around([ONE], [FAR, NEAR, TOUCHING]) == [TOUCHING, NEAR, FAR]


def test_around_a_mask_are_only_so_many_as_its_edge_needs():
    assert masks_around([ONE], [FAR, NEAR, TOUCHING], Around(telling=2)) == [TOUCHING, NEAR]


def test_what_shows_the_same_pixels_is_not_around():
    assert masks_around([ONE], [disc(51, 50, 9), disc(60, 50, 25), FAR]) == [FAR]


def test_nothing_is_around_nothing():
    assert masks_around([], [ONE]) == masks_around([ONE], []) == []


def test_beads_within_masks_are_those_whose_centres_lie_there():
    inside, outside = Bead(disc(53, 50, 3), 1.0, glows=True), Bead(disc(90, 50, 3), 1.0, glows=True)
    assert beads_within([inside, outside], [ONE], 200, 200) == [inside]
    assert beads_within([], [ONE], 200, 200) == []


@pytest.fixture(scope="module")
def rendered():
    """A picture of dense droplets, and the masks that a model gives: of their bright interiors."""
    rendering = render_brightfield(400, 300, count=60, diameter=34, beads_per_droplet=0.3, seed=3)
    masks = [disc(d.x, d.y, 0.8 * d.radius) for d in rendering.droplets if not d.touches_border]
    return picture(rendering.pixels), masks


def test_the_edges_of_the_first_masks_are_those_found_among_all(rendered):
    image, masks = rendered
    among_all = find_boundaries(image.original, masks)
    first = find_boundaries(image.original, masks, 5)
    assert len(first) == 5
    for alone, boundary in zip(first, among_all, strict=False):
        assert alone.mask.area == pytest.approx(boundary.mask.area, rel=0.02)


@pytest.mark.parametrize("which", [0, 7, 20])
def test_a_droplet_at_a_point_has_the_figures_and_beads_that_it_has_among_all(rendered, which):
    image, masks = rendered
    timing = {"queue": 0.0, "encode": 0.0, "generate": 0.0}

    def generate(request):
        if request.points is None:
            return Generation(masks, timing)
        return Generation([masks[which]], timing, masks)

    point = [float(value) for value in masks[which].centroid]
    among_all = analyze(image, generate, AnalysisOptions()).droplets
    (expected,) = [d for d in among_all if d.kind == "droplet" and d.mask.covers(tuple(point))]
    beads = sum(d.parent == among_all.index(expected) for d in among_all)
    alone = analyze(image, generate, AnalysisOptions(Options.parse({"points": [point]}, "options"))).droplets
    assert [d.kind for d in alone] == ["droplet", *["bead"] * beads]
    assert alone[0].shape.equivalent_diameter == pytest.approx(expected.shape.equivalent_diameter, rel=0.01)
    assert alone[0].mask.centroid == pytest.approx(expected.mask.centroid, abs=0.3)
