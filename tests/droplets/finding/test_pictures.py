"""What the head that comes with the source makes of rendered pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from droplets.boundaries.refine import find_boundaries
from droplets.finding.network import Network
from droplets.finding.segmenter import Memory, Segmenter
from droplets.types import Mask, MaskRequest
from tests.droplets.shapes import disc
from training.rendering.plain import Rendering, render_brightfield
from training.validate import best_ious, matched

pytestmark = pytest.mark.model

SHOWN = 0.5
"""IoU from which a mask shows a droplet."""
LIKE = 0.95
"""IoU of two masks of one object in two pictures."""
CLEAR = 4
"""Pixels from the border at which an object is not cut by it, whatever its outline is thought to be."""

Disc = tuple[float, float, float]
"""x, y, radius in pixels."""


@pytest.fixture(scope="module")
def frames() -> list[tuple[int, int]]:
    """Heights and widths of all that the network was given in this module."""
    return []


@pytest.fixture(scope="module", autouse=True)
def watched(frames):
    with pytest.MonkeyPatch.context() as patch:
        answer = Network.answer

        def spy(network, frame):
            frames.append(frame.shape[:2])
            return answer(network, frame)

        patch.setattr(Network, "answer", spy)
        yield


def found(segmenter: Segmenter, grey: np.ndarray) -> list[Mask]:
    request = MaskRequest(np.repeat(grey[..., None], 3, axis=2), "balanced")
    return list(segmenter.generate(request, Memory()).masks)


def placed(segmenter: Segmenter, grey: np.ndarray) -> list[Mask]:
    """What is found, on its edges: what the service answers."""
    return [boundary.mask for boundary in find_boundaries(grey, found(segmenter, grey))]


def drawn(rendering: Rendering) -> list[Mask]:
    height, width = rendering.pixels.shape
    return as_masks([(one.x, one.y, one.radius) for one in rendering.droplets], width, height)


def as_masks(discs: Sequence[Disc], width: int, height: int) -> list[Mask]:
    """The parts of discs in a picture."""
    return [within(disc(*one), 0, 0, width, height) for one in discs]


def within(mask: Mask, x: int, y: int, width: int, height: int) -> Mask | None:
    """What a crop, XYWH, shows of a mask."""
    canvas = np.zeros((height, width), bool)
    left, top = max(mask.x, x), max(mask.y, y)
    right, bottom = min(mask.x + mask.width, x + width), min(mask.y + mask.height, y + height)
    if left < right and top < bottom:
        part = mask.crop[top - mask.y : bottom - mask.y, left - mask.x : right - mask.x]
        canvas[top - y : bottom - y, left - x : right - x] = part
    return Mask.from_array(canvas)


def is_clear(mask: Mask, width: int, height: int) -> bool:
    right, bottom = width - mask.x - mask.width, height - mask.y - mask.height
    return min(mask.x, mask.y, right, bottom) >= CLEAR


def scores(masks: Sequence[Mask], truth: Sequence[Mask]) -> list[float]:
    """IoU of each pair of a mask and the droplet that it shows."""
    return [iou for _, _, iou in matched(best_ious(masks, truth)) if iou > SHOWN]


FALSE = 0.02
"""Part of the objects found that may be no droplets: some gaps between droplets are still taken for them."""


def are_nearly_just(masks: Sequence[Mask], truth: Sequence[Mask], width: int, height: int) -> bool:
    """Whether there is one mask for each droplet that the border does not cut, and hardly a false one."""
    shown = {j for _, j, iou in matched(best_ious(masks, truth)) if iou > SHOWN}
    whole = {j for j, one in enumerate(truth) if is_clear(one, width, height)}
    return whole <= shown and len(shown) >= (1 - FALSE) * len(masks)


@pytest.fixture(scope="module")
def raft() -> Rendering:
    """Droplets of 38 pixels, half of them touching, some cut by the border."""
    return render_brightfield(640, 480, count=170, diameter=38, touching=0.5, seed=11)


@pytest.fixture(scope="module")
def masks(segmenter, raft) -> list[Mask]:
    return found(segmenter, raft.pixels)


def test_all_of_a_raft_are_found_and_hardly_anything_else(masks, raft):
    assert are_nearly_just(masks, drawn(raft), 640, 480)
    assert {mask.found_by for mask in masks} == {"head"}
    assert not any(mask.shows_bead or mask.inner for mask in masks)


def test_a_doubled_picture_has_the_same_objects(segmenter, raft):
    doubled = cv2.resize(raft.pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    larger = [
        Mask(2 * one.x, 2 * one.y, np.kron(one.crop, np.ones((2, 2), np.uint8)) > 0)
        for one in placed(segmenter, raft.pixels)
    ]
    assert_same(larger, placed(segmenter, doubled), 1280, 960)


@pytest.mark.parametrize(
    "part", [(7, 13, 633, 467), (0, 0, 617, 451), (150, 100, 400, 300)], ids=["shifted", "trimmed", "cut"]
)
def test_a_part_of_a_picture_has_the_same_objects(segmenter, raft, part):
    x, y, width, height = part
    cut = raft.pixels[y : y + height, x : x + width]
    shown = (within(one, x, y, width, height) for one in placed(segmenter, raft.pixels))
    assert_same([one for one in shown if one is not None], placed(segmenter, cut), width, height)


def assert_same(first: Sequence[Mask], second: Sequence[Mask], width: int, height: int) -> None:
    """Nearly each object clear of the border has its own partner in the other picture, mostly the same."""
    pairs = matched(best_ious(first, second))
    for least, share in ((0.7, 0.98), (LIKE, 0.97)):
        alike = [(i, j) for i, j, iou in pairs if iou > least]
        for masks, paired in ((first, {i for i, _ in alike}), (second, {j for _, j in alike})):
            clear = {i for i, mask in enumerate(masks) if is_clear(mask, width, height)}
            assert clear
            assert len(clear & paired) >= share * len(clear)


def test_each_droplet_of_a_large_picture_is_found_once(segmenter, frames):
    """They are small at the base level, and the finer one takes tiles."""
    rendering = render_brightfield(2600, 2000, count=2000, diameter=24, seed=12)
    before = len(frames)
    truth = drawn(rendering)
    masks = found(segmenter, rendering.pixels)
    right = len(scores(masks, truth))
    assert right >= 0.995 * len(truth)
    assert right >= 0.95 * len(masks)
    assert len(frames) - before > 5


def test_noise_shows_nothing(segmenter):
    noise = np.random.default_rng(13).normal(128, 4, (480, 640))
    assert found(segmenter, np.clip(np.rint(noise), 0, 255).astype(np.uint8)) == []


@pytest.mark.parametrize(("ground", "ink"), [(255, 0), (0, 255), (140, 255)])
def test_captions_are_hardly_taken_for_droplets(segmenter, ground, ink):
    page = np.full((480, 640), ground, np.uint8)
    for words, place, size in (
        ("A", (20, 60), 1.6),
        ("t = 12 s", (480, 40), 0.7),
        ("100 um", (450, 450), 1.0),
    ):
        cv2.putText(page, words, place, cv2.FONT_HERSHEY_SIMPLEX, size, ink, 2, cv2.LINE_AA)
    assert len(found(segmenter, page)) <= 2  # round letters may be taken for some


def test_the_network_is_never_given_more_than_a_million_pixels(segmenter, frames):
    for height, width in ((300, 6000), (4500, 3000)):
        found(segmenter, np.full((height, width), 128, np.uint8))
    assert len(frames) > 5
    assert max(max(frame) for frame in frames) <= 1024
