"""Everything is found with one prompt an object: droplets, what the proposals miss, and what is small."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from benchmarks.pictures import load, names
from droplets.sam.search import EFFORTS, distinct
from droplets.sam.segmenter import Segmenter
from droplets.synthetic import render_brightfield
from droplets.types import Mask
from tests.conftest import ROOT

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter(ROOT / "model" / "mobile_sam.pt", "cpu")


def find(segmenter, grey, quality="balanced"):
    pixels = np.repeat(grey[..., None], 3, axis=2)
    return segmenter.generate(pixels, segmenter.embed(pixels), quality)


def recall(droplets, masks) -> float:
    centres = np.array([mask.centroid for mask in masks])
    sizes = np.array([np.sqrt(mask.area / np.pi) for mask in masks])

    def found(x, y, radius):
        near = np.hypot(*(centres - (x, y)).T) < 0.3 * radius
        return bool((near & (sizes > 0.5 * radius) & (sizes < 1.3 * radius)).any())

    return float(np.mean([found(*droplet) for droplet in droplets]))


@pytest.mark.skipif("foam/00009" not in names(), reason="the reference pictures are not here")
def test_a_bubble_larger_than_its_window(segmenter):
    picture = load("foam/00009")
    masks = segmenter.generate(picture.pixels, segmenter.embed(picture.pixels), "balanced")
    assert picture.recall(masks)["droplets"] == 1.0


@pytest.mark.skipif("wscnet/20" not in names(), reason="the reference pictures are not here")
def test_a_pale_droplet_in_a_raft(segmenter):
    picture = load("wscnet/20")
    masks = segmenter.generate(picture.pixels, segmenter.embed(picture.pixels), "balanced")
    assert picture.recall(masks)["droplets"] == 1.0


@pytest.mark.skipif("user/ddPCR_0_0" not in names(), reason="the reference pictures are not here")
def test_a_gap_in_a_raft_is_no_droplet(segmenter):
    pixels = load("user/ddPCR_0_0").pixels
    centres = np.array(
        [mask.centroid for mask in segmenter.generate(pixels, segmenter.embed(pixels), "balanced")]
    )
    for gap in [(510, 175), (78, 471), (851, 353)]:
        assert np.hypot(*(centres - gap).T).min() > 8


@pytest.mark.parametrize("quality", ["fast", "balanced"])
def test_every_droplet_of_the_sample(segmenter, quality):
    grey = cv2.imread(str(ROOT / "examples" / "droplets.png"), cv2.IMREAD_GRAYSCALE)
    truth = json.loads((ROOT / "examples" / "droplets.json").read_text())["droplets"]
    inside = [(d["x"], d["y"], d["radius"]) for d in truth if not d["touches_border"]]
    assert recall(inside, find(segmenter, grey, quality)) > 0.99


def test_objects_too_small_for_the_frame_are_found_in_tiles(segmenter):
    rendering = render_brightfield(1600, 1600, count=60, diameter=24, seed=9)
    inside = [(d.x, d.y, d.radius) for d in rendering.droplets if not d.touches_border]
    assert recall(inside, find(segmenter, rendering.pixels)) > 0.8
    assert recall(inside, find(segmenter, rendering.pixels, "fast")) < 0.5


def test_what_has_no_round_rim_is_found_by_the_second_look(segmenter):
    grey = np.full((384, 384), 90, np.uint8)
    noise = np.random.default_rng(2).normal(0, 2, grey.shape)
    cv2.fillPoly(grey, [np.array([[60, 60], [150, 70], [140, 130], [70, 150], [50, 100]])], 200)
    cv2.ellipse(grey, (270, 260), (70, 22), 30, 0, 360, 200, -1)
    masks = find(segmenter, (grey + noise).clip(0, 255).astype(np.uint8))
    for x, y in ((100, 100), (270, 260)):
        assert any(np.hypot(m.centroid[0] - x, m.centroid[1] - y) < 12 and m.area < 15_000 for m in masks)


def foam() -> tuple[np.ndarray, list[tuple[float, float, float]]]:
    """240x240 of bright bubbles with dark walls on white, and (x, y, radius) of each."""
    grey = np.full((960, 960), 245, np.uint8)
    bubbles = [(60.0, 60.0, 42.0), (170.0, 60.0, 30.0), (60.0, 170.0, 24.0)]
    bubbles += [(120.0 + 22 * i, 130.0 + 22 * j, 4.0 + i + j) for i in range(5) for j in range(4)]
    for x, y, radius in bubbles:
        centre = (round(4 * x + 1.5), round(4 * y + 1.5))
        cv2.circle(grey, centre, round(4 * radius), 120, 5, cv2.LINE_AA)
    small = cv2.resize(grey, (240, 240), interpolation=cv2.INTER_AREA).astype(float)
    noise = np.random.default_rng(4).normal(0, 2, small.shape)
    return (small + noise).clip(0, 255).astype(np.uint8), bubbles


def test_bubbles_of_a_few_pixels_are_found_beside_large_ones(segmenter):
    grey, bubbles = foam()
    assert recall(bubbles, find(segmenter, grey)) > 0.95


@pytest.mark.parametrize("quality", ["fast", "balanced", "thorough"])
def test_an_empty_picture_is_no_fault(segmenter, quality):
    assert len(find(segmenter, np.full((100, 120), 128, np.uint8), quality)) <= 1


def test_the_best_of_masks_with_the_same_box_stays():
    def mask(x, score):
        return Mask(x, 0, np.ones((20, 20), bool), score, 0.9)

    assert [m.predicted_iou for m in distinct([mask(0, 0.9), mask(1, 0.95), mask(30, 0.8)], 0.7)] == [
        pytest.approx(0.95),
        pytest.approx(0.8),
    ]
    assert distinct([], 0.7) == []


def test_efforts_grow_with_quality():
    fast, balanced, thorough = (EFFORTS[q] for q in ("fast", "balanced", "thorough"))
    assert fast.uncovered_grid < balanced.uncovered_grid < thorough.uncovered_grid
    assert fast.tiles < balanced.tiles < thorough.tiles
    assert thorough.decoding.exact
