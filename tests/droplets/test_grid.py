"""The whole pipeline with the real checkpoint over grids of rendered pictures.

Every cell has the same limits. A cell that misses one is a known fault: it is marked as failing, with what
it misses, so that the mark goes when the fault does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import numpy as np
import pytest

from droplets.analysis import Analysis
from droplets.options import AnalysisOptions
from droplets.pipeline import GenerateMasks, analyze
from droplets.types import Droplet
from tests.droplets.images import decode, tiff
from tests.droplets.pairs import pair
from tests.droplets.scenes import LOOKS, Scene, packed
from tests.droplets.shapes import picture
from training.rendering.contents import Beads
from training.rendering.plain import TrueDroplet, render_fluorescence
from training.rendering.truth import Outline

pytestmark = pytest.mark.model

SIZE_ERROR = 0.02
"""Of the median diameter."""
MISSED, FALSE = 0.01, 0.02
"""Parts of the droplets that are there, in whole droplets, rounded up."""
BEADS_MISSED, BEADS_FALSE = 0.1, 0.1
"""The same of beads."""


def cells(faults: Mapping[tuple, str], *axes: Iterable, one_in: int = 1) -> list:
    """Combinations of the axes' values, and all known faults, which are marked as failing.

    One in so many, as in a Latin square: each value is there as often as others, and of three axes, none
    shorter than that, any two values meet.
    """
    values = [tuple(axis) for axis in axes]
    places = product(*(range(len(axis)) for axis in values))
    square = (place for place in places if sum(place) % one_in == 0)
    chosen = {tuple(axis[i] for axis, i in zip(values, place, strict=True)): None for place in square}
    return [
        pytest.param(
            *cell, marks=pytest.mark.xfail(strict=True, reason=faults[cell]) if cell in faults else ()
        )
        for cell in chosen | dict.fromkeys(faults)
    ]


def analysed(generate: GenerateMasks, pixels: np.ndarray) -> Analysis:
    return analyze(picture(pixels), generate, AnalysisOptions())


def paired(truth: Sequence[Outline], found: Sequence[Droplet], reach: float) -> int:
    """How many true objects have a found one of their own whose middle is within `reach` radii of theirs."""
    if not truth or not found:
        return 0
    there, seen = (
        np.array(points) for points in ([(o.x, o.y) for o in truth], [f.mask.centroid for f in found])
    )
    near = np.hypot(*(there[:, None] - seen).transpose(2, 0, 1)) <= reach * np.array(
        [[o.radius] for o in truth]
    )
    return int(min(near.any(axis=0).sum(), near.any(axis=1).sum()))


def of_kind(analysis: Analysis, kind: str) -> list[Droplet]:
    return [one for one in analysis.droplets if one.kind == kind]


def assert_found(analysis: Analysis, scene: Scene) -> None:
    """Each whole droplet once, of its size, and hardly anything else."""
    truth, found = scene.whole, of_kind(analysis, "droplet")
    right, most = paired(truth, found, 0.5), math.ceil(FALSE * len(truth))
    assert len(truth) - right <= math.ceil(MISSED * len(truth)), "missed"
    assert len(found) - right <= most, "false droplets"
    diameters = [one.shape.equivalent_diameter for one in found]
    wanted = float(np.median([2 * one.radius for one in truth]))
    assert float(np.median(diameters)) == pytest.approx(wanted, rel=SIZE_ERROR)
    if not scene.beads:
        assert len(analysis.droplets) - len(found) <= most, "contents where there are none"


def assert_told(analysis: Analysis, truth: Sequence[TrueDroplet]) -> None:
    """Each droplet that counts and was drawn is positive if it was drawn so."""
    at = np.array([(one.x, one.y) for one in truth])
    told = []
    for one in analysis.droplets:
        away = np.hypot(*(at - one.mask.centroid).T)
        true = truth[int(away.argmin())]
        if one.fluorescence and away.min() < true.radius / 2:
            told.append((one.fluorescence.positive, true.positive))
    assert len(told) >= 0.95 * analysis.ddpcr.n
    assert [found for found, _ in told] == [drawn for _, drawn in told]


FRAMES = {
    (128, 128): (12, 24, 40),
    (320, 240): (8, 12, 24, 48, 80),
    (640, 480): (12, 24, 48, 96, 160),
    (1024, 768): (24, 48, 96, 200, 300),
}
"""Diameters that fit into frames of (width, height)."""
PICTURES = [(*size, diameter) for size, diameters in FRAMES.items() for diameter in diameters]
SIZE_FAULTS = {
    ("dark rims", (320, 240, 8)): "diameters are 3.6 % too small",
    ("broad rims", (320, 240, 8)): "diameters are 3.4 % too small",
    ("dark field", (320, 240, 8)): "13 of 502 droplets are none",
    (
        "dark field",
        (1024, 768, 300),
    ): "the rim of a droplet that the border cuts, and nobody found, is 47 beads",
}


@pytest.mark.parametrize(("look", "shown"), cells(SIZE_FAULTS, LOOKS, PICTURES, one_in=2), ids=str)
def test_droplets_of_any_look_and_size_in_any_frame(generate, look, shown):
    *size, diameter = shown
    random = np.random.default_rng([1, *size, diameter])
    scene = LOOKS[look].draw(packed(diameter, 0.35, size, random), size, random)
    assert_found(analysed(generate, scene.pixels), scene)


DENSITIES = {"apart": (0.05, 0.0), "beside each other": (0.4, 0.3), "packed": (0.7, 1.0)}
"""Part of the picture that droplets cover, and part of them that touch."""


@pytest.mark.parametrize(
    ("look", "density", "contrast"), cells({}, LOOKS, DENSITIES, [0.2, 0.4, 0.7], one_in=3), ids=str
)
def test_droplets_of_any_density_and_contrast(generate, look, density, contrast):
    cover, touching = DENSITIES[density]
    random, size = np.random.default_rng([2, round(100 * cover)]), (480, 360)
    scene = LOOKS[look].draw(packed(38, cover, size, random, touching), size, random, contrast=contrast)
    assert_found(analysed(generate, scene.pixels), scene)


@pytest.mark.parametrize("diameter", [64, 128])
def test_curves_of_broad_rims_do_not_jump_between_their_edges(generate, diameter):
    random, size = np.random.default_rng([3, diameter]), (640, 480)
    scene = LOOKS["broad rims"].draw(packed(diameter, 0.4, size, random), size, random)
    found = of_kind(analysed(generate, scene.pixels), "droplet")
    assert found
    for droplet in found:
        away = np.hypot(*(droplet.boundary.contour - droplet.boundary.contour.mean(axis=0)).T)
        assert away.std() < 0.02 * away.mean()


@pytest.mark.parametrize("look", ["dark rims", "glow"])
@pytest.mark.parametrize("place", [(60, 240), (580, 240), (320, 60), (320, 420)], ids=str)
def test_what_the_border_cuts_is_none(generate, look, place):
    scene = LOOKS[look].draw([(*place, 100.0)], (640, 480), np.random.default_rng(4))
    found = analysed(generate, scene.pixels)
    assert of_kind(found, "droplet") == []
    assert found.removed["edge"] == 1


CONTENT_FAULTS = {
    ("outlined", 48, 2.0): "13 of 63 beads are missed",
    ("outlined", 80, 2.0): "12 of 24 beads are missed",
    ("cell", 80, 2.0): "4 of 23 cells are missed",
}


@pytest.mark.parametrize(
    ("beads", "diameter", "mean"),
    cells(CONTENT_FAULTS, ["dark", "bright", "outlined", "cell"], [48, 80], [0.5, 2.0], one_in=2),
)
def test_contents_of_any_look_and_number(generate, beads, diameter, mean):
    random, size = np.random.default_rng([5, diameter, round(10 * mean)]), (480, 360)
    inside = Beads(mean, 0.1, beads, 0.7, at_wall=0.0, irregular=0.0, apart=2.2)
    scene = LOOKS["dark rims"].draw(packed(diameter, 0.5, size, random), size, random, beads=inside)
    analysis = analysed(generate, scene.pixels)
    assert_found(analysis, scene)
    hosts = np.array([(one.x, one.y, one.radius) for one in scene.whole])
    truth = [b for b in scene.beads if (np.hypot(hosts[:, 0] - b.x, hosts[:, 1] - b.y) < hosts[:, 2]).any()]
    found = [one for one in of_kind(analysis, "bead") if one.parent is not None]
    right = paired(truth, found, 1.0)
    assert len(truth) - right <= math.ceil(BEADS_MISSED * len(truth)), "missed"
    assert len(found) - right <= math.ceil(BEADS_FALSE * len(truth)), "false beads"


@pytest.fixture(params=["bright rims", "dark field"])
def doubled(request) -> tuple[np.ndarray, int]:
    """Droplets of 90 pixels with one of 54 pixels in each, and how many of them are whole."""
    random, size = np.random.default_rng(6), (640, 480)
    outer = packed(90, 0.4, size, random)
    scene = LOOKS[request.param].draw([*outer, *((x, y, 0.6 * r) for x, y, r in outer)], size, random)
    return scene.pixels, sum(one.radius > 35 for one in scene.whole)


@pytest.mark.parametrize("channels", [(1, 1, 1), (0, 1, 0)], ids=["grey", "green"])
def test_droplets_around_droplets_are_seen_in_grey_and_in_one_colour(generate, doubled, channels):
    pixels, whole = doubled
    found = of_kind(analysed(generate, pixels[..., None] * np.array(channels, np.uint8)), "droplet")
    assert sum(one.parent is None for one in found) == pytest.approx(whole, abs=1)


@pytest.mark.xfail(strict=True, reason="droplets in droplets are missed where both have rims alike")
def test_droplets_in_droplets_are_droplets_too(generate, doubled):
    pixels, whole = doubled
    found = of_kind(analysed(generate, pixels), "droplet")
    assert sum(one.parent is not None for one in found) == pytest.approx(whole, abs=1)


@pytest.mark.parametrize("positives", [0.02, 0.2, 0.5, 0.9])
@pytest.mark.parametrize(("shift", "drift"), [((0, 0), 0), ((-20, 15), 3)], ids=["in place", "moved"])
@pytest.mark.parametrize("radius", [9.0, 16.0])
def test_positives_of_two_pictures(generate, radius, shift, drift, positives):
    truth = pair(radius=radius, positives=positives, shift=shift, drift=drift, seed=8)
    bright, light = picture(truth.brightfield), decode(tiff(truth.fluorescence))
    analysis = analyze(bright, generate, AnalysisOptions(), [light])
    result = analysis.ddpcr
    assert result.n == pytest.approx(truth.counted.sum(), rel=0.03)
    assert_told(analysis, truth.truth)
    assert result.registration.shift == pytest.approx(shift, abs=1.5)


@pytest.mark.parametrize(("diameter", "positives"), cells({}, [18, 38, 80], [0.05, 0.3, 0.6, 0.95]))
def test_positives_of_droplets_that_glow(generate, diameter, positives):
    rendered = render_fluorescence(
        512,
        512,
        count=int(0.35 * 512**2 / diameter**2),
        diameter=diameter,
        positive_fraction=positives,
        seed=3,
    )
    light = decode(tiff(rendered.pixels))
    analysis = analyze(light, generate, AnalysisOptions(), [light])
    whole = [one for one in rendered.droplets if not one.touches_border]
    found = of_kind(analysis, "droplet")
    assert len(found) == pytest.approx(len(whole), abs=math.ceil(FALSE * len(whole)))
    assert of_kind(analysis, "bead") == []
    assert_told(analysis, whole)
