"""Boundaries against rendered truth, to a fraction of a pixel."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from droplets.boundaries.profiles import KINDS
from droplets.boundaries.refine import find_boundaries
from droplets.types import Boundary, Mask
from tests.droplets.shapes import disc, ellipse, in_frame, rectangle
from training.rendering.plain import render_brightfield, render_fluorescence

SIZE = 256


def area(contour: np.ndarray) -> float:
    x, y = contour.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def radius(boundary: Boundary) -> float:
    assert boundary.kept_because is None
    return float(np.sqrt(area(boundary.contour) / np.pi))


def modelled(droplets, shrunk: float = 0.88) -> list[Mask]:
    """Masks as a model gives them: too small, of varying size, and a little beside."""
    random = np.random.default_rng(5)
    return [
        disc(
            d.x + random.normal(0, 0.03) * d.radius,
            d.y + random.normal(0, 0.03) * d.radius,
            d.radius * random.normal(shrunk, 0.03),
        )
        for d in droplets
    ]


def errors(rendering) -> np.ndarray:
    """Relative errors of the radii, of droplets within the picture."""
    whole = [d for d in rendering.droplets if not d.touches_border]
    found = find_boundaries(rendering.pixels, modelled(whole))
    return np.array([radius(b) / d.radius - 1 for b, d in zip(found, whole, strict=True)])


def signed_distance(outline: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """HxW distance in pixels from a closed outline of many points, negative inside."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    distance, _ = cKDTree(outline).query(np.stack([columns.ravel(), rows.ravel()], 1))
    return np.where(inside, -1, 1) * distance.reshape(SIZE, SIZE)


def ringed(distance: np.ndarray, width: float = 3.0) -> np.ndarray:
    """A dark ring whose darkness has fallen to one half at distance 0, `width` pixels outside its middle."""
    ring = 2.0 ** -(((distance + width) / width) ** 2)
    return 180 - 20 * (distance < -width) * (1 - ring) - 100 * ring


def centred(x: float, y: float, r: float) -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.hypot(columns - x, rows - y) - r


def noisy(picture: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    return picture + np.random.default_rng(3).normal(0, sigma, picture.shape)


@pytest.mark.parametrize("touching", [0.0, 0.9])
@pytest.mark.parametrize(("diameter", "bias"), [(38, 0.008), (64, 0.004)])
def test_brightfield_diameters_are_those_of_the_dark_rings_outer_edge(diameter, touching, bias):
    # The rendering's own blur moves the half height out by about a tenth of a pixel.
    error = errors(render_brightfield(500, 500, count=40, diameter=diameter, touching=touching, seed=4))
    assert abs(error.mean()) < bias
    assert error.std() < 0.003


def test_droplets_packed_as_tightly_as_they_go():
    picture = render_brightfield(420, 420, count=120, diameter=40, diameter_cv=0.01, touching=1.0, seed=2)
    error = errors(picture)
    assert abs(error.mean()) < 0.008
    assert error.std() < 0.01


def test_masks_of_touching_droplets_hardly_overlap():
    picture = render_brightfield(420, 420, count=90, diameter=38, touching=1.0, seed=6)
    covered = np.zeros(picture.pixels.shape, int)
    found = find_boundaries(picture.pixels, modelled(picture.droplets))
    for boundary in found:
        covered += in_frame(boundary.mask, 420, 420)
    assert (covered > 1).sum() < 0.005 * (covered > 0).sum()


def test_fluorescence_diameters_are_those_of_the_half_height():
    glow = np.zeros((SIZE, SIZE))
    discs = [(60.3, 70.8, 18.4), (150.2, 90.6, 22.7), (97.5, 180.1, 16.2)]
    for x, y, r in discs:
        glow += 3000 * np.clip(0.5 - centred(x, y, r), 0, 1)
    picture = np.rint(noisy(200 + gaussian_filter(glow, 1.5), 20)).astype(np.uint16)
    found = find_boundaries(picture, [disc(x, y, 1.1 * r) for x, y, r in discs])
    assert [radius(b) for b in found] == pytest.approx([r for _, _, r in discs], rel=0.006)


def test_balls_that_glow_are_found_alike_bright_or_faint():
    # The half height of a rendered ball lies at 0.943 of its radius before the blur.
    error = errors(render_fluorescence(500, 500, count=50, diameter=40, seed=3))
    assert error.mean() == pytest.approx(0.943 - 1, abs=0.02)
    assert error.std() < 0.006


BUBBLES = [(37.3 + 61 * (i % 4), 37.8 + 61 * (i // 4), 28.0 + (i % 3)) for i in range(16)] + [
    (67.8 + 61 * (i % 3), 68.3 + 61 * (i // 3), 9.5 + (i % 3)) for i in range(9)
]
"""Small ones in the gaps between large ones that nearly touch."""


def bubbles(width: float, growing: bool) -> np.ndarray:
    """Dark lines around discs, half as dark so many pixels from their middle, or per 30 pixels of radius."""
    picture = np.full((SIZE, SIZE), 250.0)
    for x, y, r in [(x, y, 0.85 * r if growing else r) for x, y, r in BUBBLES]:
        half = width * r / 30 if growing else width
        picture -= 150 * 2.0 ** -((centred(x, y, r) / half) ** 2)
    return noisy(picture)


def test_walls_are_as_wide_around_large_as_around_small_bubbles_and_taken_in_their_middle():
    found = find_boundaries(bubbles(1.5, growing=False), [disc(x, y, 0.96 * r) for x, y, r in BUBBLES])
    assert [radius(b) for b in found] == pytest.approx([r for _, _, r in BUBBLES], rel=0.03)


def test_rims_that_grow_with_their_droplets_are_taken_at_their_outer_edge():
    smaller = [(x, y, 0.85 * r) for x, y, r in BUBBLES]
    found = find_boundaries(bubbles(2.5, growing=True), [disc(*bubble) for bubble in smaller])
    outer = [r * (1 + 2.5 / 30) for _, _, r in smaller]
    assert [radius(b) for b in found] == pytest.approx(outer, abs=0.4)


def test_the_kind_of_edge_can_be_said_where_too_few_objects_tell_it():
    two = BUBBLES[5:7]
    masks = [disc(x, y, 0.96 * r) for x, y, r in two]
    picture = bubbles(1.5, growing=False)
    rims, walls = (find_boundaries(picture, masks, kind=KINDS[said]) for said in ("ring", "wall"))
    assert [radius(b) for b in walls] == pytest.approx([r for _, _, r in two], rel=0.03)
    assert all(radius(rim) > radius(wall) + 0.5 for rim, wall in zip(rims, walls, strict=True))


def test_an_edge_that_is_said_to_fall_is_the_end_of_the_light():
    bright_rim = noisy(100 + 80 * np.exp(-((centred(120.0, 131.0, 40.0) / 3) ** 2)))
    (ring,), (fall,) = (
        find_boundaries(bright_rim, [disc(120, 131, 40)], kind=KINDS[said]) for said in ("ring", "fall")
    )
    half = 3 * np.sqrt(np.log(2))
    assert radius(fall) == pytest.approx(40 + half, abs=0.3)
    assert radius(ring) < 40


def rimmed(discs: list[tuple[float, float, float]], inside: float) -> np.ndarray:
    """Discs of that level within bright rims on a ground of 100."""
    picture = np.full((SIZE, SIZE), 100.0)
    for x, y, r in discs:
        picture = np.where(centred(x, y, r) < 0, inside, picture)
        picture += 120 * 2.0 ** -(((centred(x, y, r) + 2) / 2) ** 2)
    return noisy(gaussian_filter(picture, 0.7))


@pytest.mark.parametrize("inside", [70, 100, 150])
def test_a_bright_rim_ends_where_it_becomes_dark_outside(inside):
    large = [(x, y, r - 8) for x, y, r in BUBBLES[:16]]
    found = find_boundaries(rimmed(large, inside), [disc(x, y, 0.9 * r) for x, y, r in large])
    assert [radius(b) for b in found] == pytest.approx([r for _, _, r in large], rel=0.04)


@pytest.mark.parametrize("bright", [0, 70])
@pytest.mark.parametrize("gap", [-4.0, 0.0, 6.0])
def test_rims_that_touch_are_shared_and_bright_lines_within_do_not_lead_astray(bright, gap):
    """Broad dark rims in a raft; within each a line brighter than the ground, and grain."""
    radius_, width = 60.0, 10.0
    pitch = 2 * radius_ + gap
    places = [(90 + pitch * (i + 0.5 * (j % 2)), 90 + pitch * j * 0.866) for j in range(3) for i in range(3)]
    rows, columns = np.mgrid[:420, :520]
    grain = gaussian_filter(np.random.default_rng(1).normal(0, 1, rows.shape), 1.2)
    picture = np.full(rows.shape, 100.0)
    for x, y in places:
        distance = np.hypot(columns - x, rows - y) - radius_
        inside = distance < -width
        line = 2.0 ** -(((distance + 1.6 * width) / (0.4 * width)) ** 2)
        dark = 2.0 ** -((2 * (distance + width / 2) / width) ** 4)
        picture = np.where(inside, 100 + 15 * grain / grain.std() + bright * line, picture)
        picture = np.minimum(picture, np.where(inside, 255, 100 - 80 * dark))
    found = find_boundaries(noisy(gaussian_filter(picture, 1.0)), [disc(x, y, 51) for x, y in places])
    for boundary, (x, y) in zip(found, places, strict=True):
        assert boundary.kept_because is None
        away = np.hypot(*(boundary.contour - (x, y)).T)
        assert away.mean() == pytest.approx(radius_ + min(gap, 0) / 4, rel=0.02)
        assert away.std() < 0.02 * radius_


@pytest.mark.parametrize("ratio", [1.1, 1.3])
def test_an_ellipse_stays_one(ratio):
    turn = 2 * np.pi * np.arange(2000) / 2000
    a, b = 40 * np.sqrt(ratio), 40 / np.sqrt(ratio)
    outline = np.stack([128.3 + a * np.cos(turn), 120.7 + b * np.sin(turn)], 1)
    mask = ellipse(128.3, 120.7, 0.88 * a, 0.88 * b)
    inside = in_frame(ellipse(128.3, 120.7, a, b), SIZE, SIZE)
    picture = noisy(ringed(signed_distance(outline, inside), width=5.0))
    (boundary,) = find_boundaries(picture, [mask])
    assert area(boundary.contour) == pytest.approx(np.pi * a * b, rel=0.01)
    distance, _ = cKDTree(outline).query(boundary.contour)
    assert distance.max() < 0.02 * 40


def test_uneven_light_moves_nothing():
    slope = np.linspace(0.5, 1.5, SIZE)[:, None]
    picture = noisy(ringed(centred(120.4, 130.9, 30.5), width=5.0)) * slope
    (boundary,) = find_boundaries(picture, [disc(120, 131, 27)])
    assert radius(boundary) == pytest.approx(30.5, rel=0.006)


def test_depth_of_the_picture_does_not_matter():
    eight = np.rint(noisy(ringed(centred(120.4, 130.9, 30.5), width=5.0))).astype(np.uint8)
    masks = [disc(120, 131, 27)]
    (shallow,) = find_boundaries(eight, masks)
    (deep,) = find_boundaries(eight.astype(np.uint16) * 257, masks)
    assert np.allclose(shallow.contour, deep.contour, atol=0.01)


def test_a_droplet_cut_by_the_border():
    picture = noisy(ringed(centred(12.4, 130.9, 30.5), width=3.5))
    whole = in_frame(disc(60, 131, 27), SIZE + 48, SIZE)[:, 48:]
    (boundary,) = find_boundaries(picture, [Mask.from_array(whole)])
    assert boundary.kept_because is None
    assert boundary.mask.x == 0
    assert boundary.contour[:, 0].min() == -0.5
    inside = boundary.contour[boundary.contour[:, 0] > 0]
    assert np.hypot(*(inside - (12.4, 130.9)).T) == pytest.approx(30.5, rel=0.01)


def test_the_mask_is_the_pixels_within_the_contour_with_what_is_known_of_the_object():
    picture = noisy(ringed(centred(120.4, 130.9, 30.5), width=5.0))
    known = {"predicted_iou": 0.8, "stability_score": 0.7, "found_by": "head", "bead_probability": 0.2}
    (boundary,) = find_boundaries(picture, [disc(120, 131, 27, inner=False, **known)])
    assert boundary.mask.area == pytest.approx(area(boundary.contour), rel=0.01)
    assert {name: getattr(boundary.mask, name) for name in known} == known
    assert boundary.mask.inner is False
    assert 0 < boundary.residual < 0.5
    assert boundary.contrast > 5


def test_a_mask_with_no_edge_around_it_stays():
    mask = disc(120, 131, 27)
    (boundary,) = find_boundaries(noisy(np.full((SIZE, SIZE), 100.0)), [mask])
    assert boundary.mask is mask
    assert boundary.contour is None
    assert boundary.kept_because


def test_what_lies_in_a_droplet_or_between_droplets_does_not_become_the_droplet():
    centres = [(80 + 84 * column, 80 + 84 * row) for row in (0, 1) for column in (0, 1)]
    picture = np.minimum.reduce([ringed(centred(x, y, 40.0), width=6.0) for x, y in centres])
    masks = [disc(x, y, 35) for x, y in centres] + [disc(90, 84, 6), disc(122, 122, 12)]
    found = find_boundaries(noisy(picture), masks)
    assert all(boundary.contour is not None for boundary in found[:4])
    assert found[4].mask is masks[4]
    assert 0.6 * masks[5].area < found[5].mask.area < 1.8 * masks[5].area


@pytest.mark.parametrize("width", [2.0, 4.0])
def test_a_dark_ring_has_two_diameters(width):
    """Half as dark as in its middle `width` pixels from it on both sides."""
    (boundary,) = find_boundaries(noisy(ringed(centred(120.4, 131.2, 40.0), width)), [disc(120, 131, 38)])
    assert radius(boundary) == pytest.approx(40, rel=0.01)
    assert boundary.inner_diameter == pytest.approx(2 * (40 - 2 * width), rel=0.02)


def test_what_glows_has_no_inner_diameter():
    glow = 200 * np.clip(0.5 - centred(120.4, 131.2, 30), 0, 1)
    (boundary,) = find_boundaries(noisy(20 + gaussian_filter(glow, 1.5)), [disc(120, 131, 29)])
    assert boundary.inner_diameter is None


def test_the_uncertainty_grows_with_noise_blur_and_the_way_from_what_was_found():
    sharp = noisy(ringed(centred(120.4, 131.2, 40.0)), 2)
    near, far = (find_boundaries(sharp, [disc(120, 131, r)])[0] for r in (39, 34))
    blurred = find_boundaries(noisy(gaussian_filter(sharp, 3), 2), [disc(120, 131, 39)])[0]
    noisier = find_boundaries(noisy(sharp, 20), [disc(120, 131, 39)])[0]
    assert 0 < near.uncertainty < min(far.uncertainty, blurred.uncertainty, noisier.uncertainty)


def test_an_outline_that_stays_is_much_less_sure():
    (boundary,) = find_boundaries(noisy(np.full((SIZE, SIZE), 100.0)), [disc(120, 131, 27)])
    assert boundary.uncertainty > 0.1 * 54


def test_specks_and_the_background_stay():
    masks = [disc(60, 60, 2.5), rectangle(0, 0, SIZE, 100)]
    found = find_boundaries(noisy(np.full((SIZE, SIZE), 100.0)), masks)
    assert [boundary.mask for boundary in found] == masks
    assert len({boundary.kept_because for boundary in found}) == 2


def test_a_picture_longer_than_can_be_sampled_keeps_its_masks():
    mask = disc(60, 20, 12)
    (boundary,) = find_boundaries(np.zeros((40, 40_000), np.uint8), [mask])
    assert boundary.mask is mask


def test_no_masks():
    assert find_boundaries(np.zeros((50, 60), np.uint8), []) == []
