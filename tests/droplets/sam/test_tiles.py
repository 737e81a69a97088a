"""Tiles cover the picture, take each point once, and leave no mask cut by a seam."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from droplets.sam.tiles import assign, tile_boxes, whole_masks
from droplets.types import Mask


@pytest.mark.parametrize(("width", "height", "side", "overlap"), [
    (1920, 1200, 700, 40), (1000, 1000, 1000, 50), (300, 2000, 512, 100),
    (4096, 4096, 1755, 96), (513, 512, 512, 10),
])  # fmt: skip
def test_tiles_cover_the_picture_and_overlap(width, height, side, overlap):
    covered = np.zeros((height, width), int)
    boxes = tile_boxes(width, height, side, overlap)
    for x, y, w, h in boxes:
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        assert max(w, h) <= side
        covered[y : y + h, x : x + w] += 1
    assert covered.min() == 1
    columns = sorted({(x, w) for x, _, w, _ in boxes})
    assert all(x + w - after >= overlap for (x, w), (after, _) in pairwise(columns))


def test_each_point_goes_to_the_tile_it_lies_deepest_in():
    boxes = tile_boxes(1000, 600, 400, 100)
    points = np.random.default_rng(1).uniform((0, 0), (999, 599), (500, 2))
    seen = np.zeros(500, int)
    for (x, y, w, h), chosen in assign(points, boxes):
        seen[chosen] += 1
        inside = points[chosen] - (x, y)
        assert (inside >= 0).all()
        assert (inside <= (w - 1, h - 1)).all()
    assert (seen == 1).all()


def test_masks_come_back_to_the_picture_unless_a_seam_cuts_them():
    def mask(x, y):
        return Mask(x, y, np.ones((10, 10), bool), 0.9, 0.95)

    inner = whole_masks(
        [mask(0, 50), mask(50, 0), mask(90, 50), mask(50, 90), mask(40, 40)], (200, 300, 100, 100), 900, 900
    )
    assert [found.box for found in inner] == [(240, 340, 10, 10)]
    assert inner[0].predicted_iou == 0.9
    corner = whole_masks([mask(0, 0), mask(90, 90)], (0, 0, 100, 100), 900, 900)
    assert [found.box for found in corner] == [(0, 0, 10, 10)]  # the picture's own border is no seam
    only = whole_masks([mask(0, 0), mask(90, 90)], (0, 0, 100, 100), 100, 100)
    assert len(only) == 2
