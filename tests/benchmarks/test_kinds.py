"""The grid of rendered pictures, and how an answer to one is counted."""

from __future__ import annotations

import pytest

from benchmarks.kinds import DIAMETERS, FULL, SIDES, rendered, tally
from benchmarks.model import forgetful
from droplets.finding.segmenter import Segmenter
from droplets.options import AnalysisOptions
from droplets.types import Generation, Mask
from tests.conftest import ROOT
from tests.droplets.sam.conftest import CHECKPOINT
from tests.droplets.shapes import disc
from training.rendering.plain import render_brightfield, render_fluorescence


@pytest.mark.parametrize("number", range(6))
def test_pictures_of_the_grid_are_what_it_says(number):
    light, picture = rendered(number)
    side = len(picture.pixels)
    assert side in SIDES
    assert 1 <= len(picture.droplets) <= FULL * side**2 / min(DIAMETERS) ** 2
    assert light == ("fluorescence" if number % 2 else "brightfield")


def drawn(masks: list[Mask]):
    """A generator that finds just these."""
    return lambda *_: Generation(masks, {"queue": 0.0, "encode": 0.0, "generate": 0.0})


def test_right_ones_are_counted():
    picture = render_brightfield(300, 300, count=12, diameter=40, seed=1)
    whole = [one for one in picture.droplets if not one.touches_border]
    masks = [disc(one.x, one.y, 0.95 * one.radius) for one in whole]
    one = tally(drawn(masks[1:]), picture, AnalysisOptions())
    assert (one.drawn, one.found, one.right) == (len(whole), len(whole) - 1, len(whole) - 1)
    assert one.phantom == one.seen == one.beads == 0


@pytest.mark.model
@pytest.mark.parametrize("diameter", [18, 38, 80])
@pytest.mark.parametrize("positive", [0.05, 0.6, 0.95])
def test_droplets_that_glow_are_droplets_of_any_size_and_share(generate, diameter, positive):
    picture = render_fluorescence(
        512,
        512,
        count=int(0.35 * 512**2 / diameter**2),
        diameter=diameter,
        positive_fraction=positive,
        seed=3,
    )
    one = tally(generate, picture, AnalysisOptions())
    assert one.right >= 0.99 * one.found
    assert one.found >= 0.97 * one.drawn
    assert one.phantom == 0


@pytest.fixture(scope="module")
def generate():
    return forgetful(Segmenter(CHECKPOINT, ROOT / "model" / "droplet_head.safetensors", "cpu"))
