"""What limits leave of rendered pictures: droplets with all their beads, and large beads alone."""

import numpy as np
import pytest

from droplets.analysis import Analysis
from droplets.figures.encapsulation import bead_counts, encapsulation
from droplets.objects.filters import Filters
from droplets.options import AnalysisOptions
from droplets.pipeline import analyze
from droplets.types import Droplet, Generation
from tests.droplets.shapes import disc, masks_of, picture
from training.rendering.plain import Rendering, render_brightfield


def drawn(rendering: Rendering, **limits: float) -> Analysis:
    """The analysis of a picture whose droplets the model finds just where they were drawn."""
    generation = Generation(masks_of(rendering), {"queue": 0.0, "encode": 0.0, "generate": 0.0})
    wanted = AnalysisOptions(filters=Filters(**limits))
    return analyze(picture(rendering.pixels), lambda *_: generation, wanted)


def beads_by_place(analysis: Analysis) -> dict[tuple[int, int, int, int], int]:
    """Number of beads by the box of the droplet that they lie in."""
    droplets = analysis.droplets
    return {
        one.mask.box: sum(bead.parent == i for bead in droplets)
        for i, one in enumerate(droplets)
        if one.kind == "droplet"
    }


def of_kind(analysis: Analysis, kind: str) -> list[Droplet]:
    return [one for one in analysis.droplets if one.kind == kind]


@pytest.fixture(scope="module")
def mixed() -> Rendering:
    """Droplets of 24 to 56 pixels with 0.8 beads each."""
    return render_brightfield(
        640, 480, count=130, diameter=40, diameter_cv=0.15, beads_per_droplet=0.8, touching=0.3, seed=5
    )


@pytest.fixture(scope="module")
def unfiltered(mixed) -> Analysis:
    return drawn(mixed)


LIMITS = [
    {"diameter_min": 20},
    {"diameter_min": 40},
    {"diameter_max": 40},
    {"area_min": 1200},
    {"area_max": 1200, "circularity_min": 0.9},
    {"mean_max": 130},
    {"std_min": 10},
    {"min_edge_distance": 30},
]


@pytest.mark.parametrize("limits", LIMITS)
def test_droplets_that_stay_keep_all_their_beads(mixed, unfiltered, limits):
    before, after = beads_by_place(unfiltered), beads_by_place(drawn(mixed, **limits))
    assert 0 < len(after) <= len(before)
    assert after == {place: before[place] for place in after}


def test_lambda_of_the_large_droplets_is_theirs_when_the_small_ones_are_left_out(mixed, unfiltered):
    found = encapsulation(bead_counts(drawn(mixed, diameter_min=40).droplets))
    large = [len(each.beads) for each in mixed.droplets if 2 * each.radius > 40 and not each.touches_border]
    assert found["droplets"] == pytest.approx(len(large), abs=3)
    assert found["mean"] == pytest.approx(np.mean(large), rel=0.1)
    assert encapsulation(bead_counts(drawn(mixed, diameter_min=20).droplets)) == encapsulation(
        bead_counts(unfiltered.droplets)
    )


def test_beads_alone_are_filtered_by_their_size():
    pixels = np.random.default_rng(3).normal(12, 2, (600, 600))
    for i, radius in enumerate([2, 2.5, 3, 3.5, 4] * 5):
        disc(60 + 120 * (i // 5), 60 + 120 * (i % 5), radius).paint(pixels, 190)
    rendering = Rendering(np.clip(pixels, 0, 255).astype(np.uint8), ())
    sizes = [bead.shape.equivalent_diameter for bead in of_kind(drawn(rendering), "bead")]
    assert len(sizes) == 25
    larger = of_kind(drawn(rendering, diameter_min=5.5), "bead")
    assert len(larger) == sum(size >= 5.5 for size in sizes) == 15
