"""What is a bead by two witnesses, one of which may know nothing."""

import numpy as np
import pytest

from droplets.contents.blobs import Blobs
from droplets.contents.evidence import probability
from droplets.contents.settings import ContentSettings
from droplets.types import NOTHING, InnerHeat

HOW = ContentSettings()
SCALE = 0.25


def blobs(*significance: float, radius: float = 6.0) -> Blobs:
    """In a row, ten pixels apart."""
    x = 10 * np.arange(len(significance))
    return Blobs(np.zeros((4, 100), np.float32), x, np.zeros_like(x), np.array(significance), radius)


def seen(*logits: float) -> InnerHeat:
    """At the places of `blobs`."""
    inner = InnerHeat.unseen(10 * len(logits), 4, SCALE)
    for i, logit in enumerate(logits):
        inner.take_in(np.full((1, 1), logit, np.float32), 10 * i, 0)
    return inner


def test_without_the_network_a_blob_counts_from_where_it_is_significant():
    likely = probability(blobs(HOW.significant / 1.1, HOW.significant, 2 * HOW.significant), None, HOW)
    assert likely[0] < 0.5 < likely[2]
    assert likely[1] == pytest.approx(0.5)


def test_what_the_network_sees_nothing_of_is_none_and_what_it_sees_well_may_be_faint():
    strong, faint = 20.0, 3.0
    likely = probability(blobs(strong, strong, faint, faint), seen(NOTHING, 0.0, -2.0, 2.0), HOW)
    assert likely[0] == 0
    assert likely[1] > 0.9
    assert likely[2] < 0.5 < likely[3]


def test_what_is_too_small_for_the_network_is_judged_without_it():
    small = blobs(20.0, radius=0.9 * HOW.seen_from / SCALE)
    assert probability(small, seen(NOTHING), HOW) == probability(small, None, HOW) > 0.8


def test_heat_of_overlapping_parts_is_the_higher_one_and_moves_with_the_picture():
    inner = InnerHeat.unseen(64, 32, SCALE)
    inner.take_in(np.full((8, 8), -1.0, np.float32), 0, 0)
    inner.take_in(np.full((8, 10), 1.0, np.float32), 24, 0)
    at = inner.at(np.array([0, 20, 24, 63]), np.array([0, 0, 28, 28]))
    assert at.tolist() == [-1, -1, 1, 1]
    assert inner.moved(-24, 0).at(np.array([-4, 0]), np.array([0, 0])).tolist() == [-1, 1]
