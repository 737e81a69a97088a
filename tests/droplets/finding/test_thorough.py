"""What the decoder adds, with a decoder that gives what a test tells it to."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from droplets.finding.thorough import Asking, missed, surer
from tests.droplets.shapes import disc

PREPARED = SimpleNamespace(embedding=SimpleNamespace(size=(200, 300)))


class Decoder:
    """Gives masks by the number of their prompt, and keeps what it was asked."""

    def __init__(self, *masks):
        self.masks = masks
        self.asked = None

    def candidates_at(self, prepared, points, decoding):
        self.asked = points
        prompts, masks = zip(*self.masks, strict=True)
        return SimpleNamespace(
            prompt=np.array(prompts),
            predicted_iou=np.array([mask.predicted_iou for mask in masks]),
            mask=lambda i: masks[i],
        )

    def masks_at(self, prepared, points):
        self.asked = points
        return list(self.masks)


def by_head(x, y, radius, expected, **others):
    return replace(disc(x, y, radius, predicted_iou=expected), found_by="head", inner=False, **others)


def test_a_surer_outline_of_the_same_object_takes_its_place():
    sure, unsure = by_head(50, 50, 20, 0.9), by_head(150, 50, 20, 0.6, bead_probability=0.2)
    better = disc(150, 50, 22, predicted_iou=0.95)
    decoder = Decoder((0, disc(150, 50, 21, predicted_iou=0.8)), (0, better))
    found = surer(decoder, PREPARED, [sure, unsure], 0.75)
    assert decoder.asked == pytest.approx(np.array([[150, 50]]))
    assert found[0] is sure
    assert found[1].box == better.box
    assert (found[1].predicted_iou, found[1].found_by) == (0.95, "prompt")
    assert (found[1].inner, found[1].bead_probability) == (False, 0.2)


def test_another_object_or_a_less_sure_outline_does_not():
    unsure = by_head(150, 50, 20, 0.6)
    others = disc(150, 50, 60, predicted_iou=0.99), disc(150, 50, 21, predicted_iou=0.59)
    assert surer(Decoder(*((0, mask) for mask in others)), PREPARED, [unsure], 0.75) == [unsure]


def test_nobody_is_asked_where_all_is_sure():
    decoder = Decoder()
    assert surer(decoder, PREPARED, [], 0.75) == []
    assert decoder.asked is None


def test_only_the_least_sure_are_asked_where_they_are_many():
    masks = [by_head(10 + i % 280, 10, 2, 0.3 + 0.0001 * i) for i in range(Asking.most + 50)]
    decoder = Decoder((0, disc(0, 0, 3, predicted_iou=0.0)))
    assert surer(decoder, PREPARED, masks, 0.75) == masks
    assert len(decoder.asked) == Asking.most
    assert decoder.asked[0] == pytest.approx([10, 10])


def test_the_grid_is_prompted_where_nothing_lies_and_what_is_apart_is_taken():
    there = by_head(50, 50, 40, 0.9)
    new, over, within = disc(200, 100, 20), disc(70, 60, 30), disc(202, 100, 8)
    decoder = Decoder(new, over, within)
    assert missed(decoder, PREPARED, [there], 10) == [new, within]
    assert len(decoder.asked) < 100
    assert not any(there.covers(tuple(point)) for point in decoder.asked)
