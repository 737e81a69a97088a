"""The grid of rendered pictures, and how an answer to one is counted."""

from __future__ import annotations

import pytest

from benchmarks.kinds import DIAMETERS, FULL, SIDES, rendered, tally
from droplets.options import AnalysisOptions
from droplets.types import Generation, Mask
from tests.droplets.shapes import disc
from training.rendering.plain import render_brightfield


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
