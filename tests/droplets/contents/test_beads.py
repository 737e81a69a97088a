"""Beads in drawn and rendered pictures, and none where there are none."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from droplets.contents.beads import Bead, find_beads
from droplets.contents.interiors import interiors
from droplets.contents.settings import ContentSettings
from droplets.types import Mask
from tests.droplets.shapes import cut, disc, in_frame, masks_of, picture, rectangle, union
from training.rendering.plain import render_brightfield

GREY = 90


def discs(shape: tuple[int, int], *circles: tuple[float, float, float], height: float = 200) -> np.ndarray:
    """HxW float32, smooth discs (x, y, radius) on nothing."""
    plane = np.zeros(shape, np.float32)
    for x, y, radius in circles:
        plane = np.maximum(plane, height * in_frame(disc(x, y, radius), shape[1], shape[0]))
    return cv2.GaussianBlur(plane, (0, 0), 0.8)


def noisy(plane: np.ndarray, sigma: float = 2.0) -> np.ndarray:
    noise = np.random.default_rng(5).normal(0, sigma, plane.shape)
    return np.clip(np.rint(plane + noise), 0, 255).astype(np.uint8)


def matched(found: list[Bead], truth: np.ndarray, within: float) -> int:
    """How many true centres have a bead of their own."""
    centres = np.array([bead.mask.centroid for bead in found]).reshape(-1, 2)
    near = np.hypot(*(truth[:, None] - centres).transpose(2, 0, 1)) <= within
    return int(min(near.any(axis=1).sum(), near.any(axis=0).sum()))


CIRCLES = [(40.0, 30.0, 5.0), (100.5, 60.25, 5.0), (110.0, 60.25, 5.0), (150.0, 100.0, 4.5)]


def test_glowing_beads_are_found_and_those_that_touch_split():
    found = find_beads(picture(noisy(10 + discs((140, 200), *CIRCLES))), [])
    assert len(found) == len(CIRCLES)
    assert matched(found, np.array(CIRCLES)[:, :2], within=1.0) == len(CIRCLES)
    assert all(bead.glows for bead in found)
    assert [bead.mask.area for bead in found] == pytest.approx([78.5] * 3 + [63.6], rel=0.15)


def test_a_halo_is_no_part_of_a_bead():
    halo = cv2.GaussianBlur(discs((140, 200), (100, 70, 12), height=60), (0, 0), 4)
    (bead,) = find_beads(picture(noisy(10 + halo + discs((140, 200), (100, 70, 5)))), [])
    assert bead.mask.area == pytest.approx(78.5, rel=0.2)


def test_coloured_beads_over_a_grey_picture_are_what_there_is_to_find():
    rendering = render_brightfield(300, 240, count=12, diameter=50, beads_per_droplet=1.0, seed=3)
    original = np.repeat(rendering.pixels[..., None], 3, axis=2)
    original[discs((240, 300), *CIRCLES) > 100] = (0, 255, 0)
    found = find_beads(picture(original), masks_of(rendering))
    assert matched(found, np.array(CIRCLES)[:, :2], within=1.0) == len(found) == len(CIRCLES)


def test_coloured_fringes_of_lettering_are_no_beads():
    original = np.full((120, 160, 3), GREY, np.uint8)
    original[90:, 100:] = 0
    for left in range(104, 156, 6):
        original[100:112, left] = (255, 191, 116)
        original[100:112, left + 1] = 255
        original[100:112, left + 2] = (116, 191, 255)
    assert find_beads(picture(original), []) == []


@pytest.mark.parametrize("scale", [0.88, 1.0])
@pytest.mark.parametrize(("diameter", "count"), [(38, 120), (56, 60)])
def test_beads_in_brightfield_droplets_are_found(diameter, count, scale):
    rendering = render_brightfield(640, 480, count=count, diameter=diameter, beads_per_droplet=0.4, seed=4)
    whole = [droplet for droplet in rendering.droplets if not droplet.touches_border]
    truth = np.array([bead[:2] for droplet in whole for bead in droplet.beads])
    masks = [disc(droplet.x, droplet.y, droplet.radius * scale) for droplet in whole]
    found = find_beads(picture(rendering.pixels), masks)
    hits = matched(found, truth, within=0.1 * diameter)
    assert hits >= 0.85 * len(truth)
    assert hits >= 0.85 * len(found)
    assert not any(bead.glows for bead in found)
    assert all(0.5 <= bead.confidence <= 1 for bead in found)


def test_a_larger_picture_around_the_droplets_changes_nothing():
    rendering = render_brightfield(640, 480, count=120, diameter=38, beads_per_droplet=0.4, seed=4)
    inner = [d for d in rendering.droplets if 60 < d.x < 580 and 60 < d.y < 420]
    masks = [disc(d.x, d.y, d.radius) for d in inner]
    found = find_beads(picture(rendering.pixels), masks)
    larger = np.pad(rendering.pixels, ((200, 30), (300, 40)), mode="reflect")
    among = find_beads(picture(larger), [mask.moved(300, 200) for mask in masks])
    assert len(found) > 10
    assert [bead.mask.box for bead in among] == [bead.mask.moved(300, 200).box for bead in found]
    assert [bead.confidence for bead in among] == pytest.approx([bead.confidence for bead in found])


@pytest.mark.parametrize("scale", [0.88, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_few_empty_droplets_seem_to_hold_anything(seed, scale):
    rendering = render_brightfield(640, 480, count=110, touching=0.3, seed=seed)
    found = find_beads(picture(rendering.pixels), masks_of(rendering, scale))
    inner = [bead for bead in found if 20 < bead.mask.x < 600 and 20 < bead.mask.y < 440]
    assert len(inner) <= 0.04 * 110
    assert len(found) <= 0.06 * 110


@pytest.mark.parametrize("step", [40, -40])
def test_bright_and_dark_beads(step):
    centres = [(30 + 44 * i, 30 + 44 * j) for i in range(6) for j in range(4)]
    plane = np.full((200, 290), 120.0, np.float32)
    for x, y in centres:
        plane[in_frame(disc(x, y, 19), 290, 200)] = GREY
    beads = [(centres[i][0] + 4, centres[i][1] - 3) for i in (2, 7, 15, 20)]
    plane += discs((200, 290), *((x, y, 3) for x, y in beads), height=1) * step
    found = find_beads(picture(noisy(plane)), [disc(x, y, 19) for x, y in centres])
    assert matched(found, np.array(beads, float), within=1.5) == len(found) == len(beads)


def test_the_fainter_bead_is_the_less_sure_one():
    centres = [(30 + 44 * i, 30 + 44 * j) for i in range(6) for j in range(4)]
    plane = np.full((200, 290), float(GREY), np.float32)
    for (x, y), height in zip(centres, (5, 10), strict=False):
        plane += discs((200, 290), (x, y, 4), height=height)
    found = find_beads(picture(noisy(plane)), [disc(x, y, 19) for x, y in centres])
    assert len(found) == 2
    faint, clear = sorted(found, key=lambda bead: bead.mask.centroid[1])
    assert 0.5 <= faint.confidence < clear.confidence <= 1


def test_a_line_across_droplets_is_no_bead():
    centres = [(30 + 44 * i, 30 + 44 * j) for i in range(6) for j in range(4)]
    plane = np.full((200, 290), 120.0, np.float32)
    for x, y in centres:
        plane[in_frame(disc(x, y, 19), 290, 200)] = GREY
    plane[:, 72:76] += 40
    assert find_beads(picture(noisy(plane)), [disc(x, y, 19) for x, y in centres]) == []


def test_nothing_is_usual_where_droplets_are_not_alike():
    centres = [(30 + 44 * i, 30 + 44 * j) for i in range(6) for j in range(4)]
    random = np.random.default_rng(6)
    texture = cv2.GaussianBlur(random.normal(0, 1, (200, 290)).astype(np.float32), (0, 0), 3)
    plane = np.full((200, 290), float(GREY), np.float32)
    for i, (x, y) in enumerate(centres):
        inside = in_frame(disc(x, y, 19), 290, 200)
        plane[inside] += (600 if i % 2 else 5) * texture[inside]
    masks = [disc(x, y, 19) for x, y in centres]
    assert find_beads(picture(noisy(plane)), masks) == []


@pytest.mark.parametrize("masks", [[], [disc(60, 50, 20)], [disc(60, 50, 3)], [rectangle(0, 0, 120, 90)]])
@pytest.mark.parametrize("level", [0, GREY, 255])
def test_a_blank_picture_holds_nothing(level, masks):
    assert find_beads(picture(np.full((100, 140), level, np.uint8)), masks) == []


def notched(mask: Mask) -> Mask:
    """The mask with gaps in its last row, as where an outline runs along the border."""
    crop = mask.crop.copy()
    (columns,) = np.nonzero(crop[-1])
    crop[-1, columns[columns.size // 4 : -columns.size // 4]] = False
    return replace(mask, crop=crop)


def test_gaps_in_the_row_along_the_border_are_no_edge():
    whole, half = disc(60, 50, 20), cut(disc(60, 92, 20), 120, 100)
    plain, gaps = (interiors([whole, mask], 120, 100, ContentSettings()) for mask in (half, notched(half)))
    lost = np.isin(plain.index, gaps.index) & (plain.label == 1)
    assert gaps.depth[gaps.label == 1] == pytest.approx(plain.depth[lost], abs=0.02)
    assert gaps.x[gaps.label == 1] == pytest.approx(plain.x[lost], abs=0.02)
    assert gaps.y[gaps.label == 1] == pytest.approx(plain.y[lost], abs=0.02)


def test_oil_between_droplets_that_the_border_cuts_off_is_no_bead():
    rendering = render_brightfield(640, 480, count=110, beads_per_droplet=0.5, touching=0.6, seed=7)
    masks = masks_of(rendering)
    pairs = [
        (i, j)
        for i, one in enumerate(rendering.droplets)
        for j, other in enumerate(rendering.droplets[:i])
        if one.touches_border
        and other.touches_border
        and np.hypot(one.x - other.x, one.y - other.y) < one.radius + other.radius + 2
    ]
    assert pairs
    i, j = pairs[0]
    clump = union(masks[i], masks[j])
    rest = [mask for k, mask in enumerate(masks) if k not in (i, j)]
    found = find_beads(picture(rendering.pixels), [*rest, clump])
    assert found
    assert not any(clump.covers(bead.mask.centroid) for bead in found)


def test_a_droplet_that_the_border_cuts_off_keeps_its_circle():
    whole, half = disc(60, 50, 20), cut(disc(4, 50, 20), 120, 100)
    inside = interiors([whole, half], 120, 100, ContentSettings())
    assert inside.radius == pytest.approx(20, rel=0.05)
    row = inside.index == 50 * 120 + 4
    assert np.hypot(inside.x, inside.y)[row] == pytest.approx([0], abs=0.05)
    assert inside.depth[row] == pytest.approx([1], abs=0.05)
    assert inside.depth[inside.index == 32 * 120] < 0.15


def test_flat_discs_hold_nothing():
    circles = [(60 + 90 * (i % 5), 60 + 90 * (i // 5), 12 + 2 * i) for i in range(15)]
    plane = 255 - np.rint(discs((320, 500), *circles, height=255)).astype(np.uint8)
    assert find_beads(picture(plane), [disc(x, y, radius - 2) for x, y, radius in circles]) == []


def test_a_large_area_with_an_edge_around_it_does_not_tell_what_droplets_look_like():
    rendering = render_brightfield(700, 400, count=40, diameter=50, beads_per_droplet=0.5, seed=3)
    pixels = rendering.pixels.copy()
    ramp = np.linspace(-60, 60, 300)[:, None] + 40 * np.sin(np.arange(300) / 9)
    plain = np.clip(np.rint(float(np.median(pixels)) + ramp), 0, 255).astype(np.uint8)
    both = np.hstack([pixels, np.pad(plain, ((50, 50), (0, 0)), mode="edge")])
    masks = masks_of(rendering)
    alone = find_beads(picture(pixels), masks)
    beside = find_beads(picture(both), [*masks, rectangle(705, 55, 290, 290)])
    inside = [bead for bead in beside if bead.mask.centroid[0] < 700]
    assert matched(inside, np.array([bead.mask.centroid for bead in alone]), within=1.0) >= len(alone) - 1
    assert len(inside) <= 1.15 * sum(len(droplet.beads) for droplet in rendering.droplets)
