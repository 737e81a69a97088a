"""The renderings show what their truth says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from training.rendering.plain import Rendering, render_brightfield, render_ddpcr_pair, render_fluorescence


def discs(rendering: Rendering) -> np.ndarray:
    """Nx3 (x, y, radius)."""
    return np.array([(droplet.x, droplet.y, droplet.radius) for droplet in rendering.droplets])


def gaps(rendering: Rendering) -> np.ndarray:
    """N: distance from each droplet's edge to the nearest other edge, in pixels."""
    x, y, radius = discs(rendering).T
    between = np.hypot(x[:, None] - x, y[:, None] - y) - radius[:, None] - radius
    np.fill_diagonal(between, np.inf)
    return between.min(axis=1)


def sectors(pixels: np.ndarray, x: float, y: float, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions of 24 sectors around (x, y), and grey levels at `distances` in each, DxS, bilinear."""
    angles = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    columns = x + np.outer(distances, np.cos(angles))
    rows = y + np.outer(distances, np.sin(angles))
    left, top = np.floor(columns).astype(int), np.floor(rows).astype(int)
    across, down = columns - left, rows - top
    above = (1 - across) * pixels[top, left] + across * pixels[top, left + 1]
    below = (1 - across) * pixels[top + 1, left] + across * pixels[top + 1, left + 1]
    levels = (1 - down) * above + down * below
    return angles.reshape(24, 15).mean(axis=1), levels.reshape(len(distances), 24, 15).mean(axis=2)


def outer_edge(distances: np.ndarray, profile: np.ndarray) -> float:
    """Where a profile, going outwards, has come half the way from the dark ring to the background."""
    darkest, background = int(profile.argmin()), profile[-5:].mean()
    return float(distances[darkest + int(np.argmax(profile[darkest:] > (profile[darkest] + background) / 2))])


def whole(rendering: Rendering, margin: float = 5):
    """Droplets that lie in the picture with a margin and clear of each other."""
    height, width = rendering.pixels.shape
    for droplet, gap in zip(rendering.droplets, gaps(rendering), strict=True):
        reach = droplet.radius + margin
        if gap > margin and reach < droplet.x < width - 1 - reach and reach < droplet.y < height - 1 - reach:
            yield droplet


def test_radius_and_centre_are_those_of_the_dark_ring():
    rendering = render_brightfield(640, 640, count=60, diameter=44, diameter_cv=0.1, seed=3)
    errors, shifts = [], []
    for droplet in whole(rendering):
        distances = np.arange(0, droplet.radius + 4.5, 0.1)
        angles, levels = sectors(rendering.pixels, droplet.x, droplet.y, distances)
        edges = np.array([outer_edge(distances, profile) for profile in levels.T])
        errors.append(edges.mean() - droplet.radius)
        shifts.append(np.hypot(2 * (edges * np.cos(angles)).mean(), 2 * (edges * np.sin(angles)).mean()))
    assert len(errors) > 10
    assert np.max(np.abs(errors)) < 0.3
    assert np.max(shifts) < 0.3


def test_droplets_are_bright_inside_a_dark_ring():
    rendering = render_brightfield(640, 640, count=60, diameter=44, seed=3)
    for droplet in whole(rendering):
        distances = np.arange(0, droplet.radius + 4.5, 0.1)
        profile = sectors(rendering.pixels, droplet.x, droplet.y, distances)[1].mean(axis=1)
        assert profile[distances < droplet.radius / 2].mean() > profile[-5:].mean() > profile.min() + 40


@pytest.mark.parametrize(
    ("width", "height", "count"),
    [(640, 480, 120), (1024, 1024, 700), (333, 100, 12), (64, 64, 1), (100, 100, 0)],
)
def test_the_number_is_the_one_asked_for_and_none_overlap(width, height, count):
    rendering = render_brightfield(width, height, count=count, diameter_cv=0.05, seed=5)
    assert len(rendering.droplets) == count
    assert rendering.pixels.shape == (height, width)
    assert rendering.pixels.dtype == np.uint8
    if count > 1:
        assert gaps(rendering).min() > 0.9
    for droplet in rendering.droplets:
        assert 0 <= droplet.x <= width - 1
        assert 0 <= droplet.y <= height - 1


def test_thousands_of_droplets_fit_a_large_picture():
    assert len(render_brightfield(4096, 4096, count=5000, seed=6).droplets) == 5000


def test_too_many_droplets_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        render_brightfield(200, 200, count=100)


@pytest.mark.parametrize("touching", [0.0, 0.5])
def test_as_many_touch_as_asked_for(touching):
    apart = gaps(render_brightfield(800, 800, count=200, touching=touching, seed=7))
    assert apart.min() > -0.05
    # Each mover meets a droplet that may be a mover too, so that up to twice as many are in contact.
    assert touching * 0.6 <= np.mean(apart < 0.05) <= min(1, 2 * touching)


def test_diameters_have_the_mean_and_spread_asked_for():
    diameters = (
        2 * discs(render_brightfield(2000, 2000, count=1500, diameter=30, diameter_cv=0.1, seed=8))[:, 2]
    )
    assert diameters.mean() == pytest.approx(30, rel=0.01)
    assert diameters.std() / diameters.mean() == pytest.approx(0.1, rel=0.1)


def test_touching_the_border_is_flagged():
    rendering = render_brightfield(640, 480, count=150, seed=9)
    rows, columns = np.mgrid[:480, :640]
    frame = np.ones((480, 640), bool)
    frame[1:-1, 1:-1] = False
    flags = []
    for droplet in rendering.droplets:
        reached = np.hypot(columns[frame] - droplet.x, rows[frame] - droplet.y).min() <= droplet.radius
        nearly = min(droplet.x, droplet.y, 639 - droplet.x, 479 - droplet.y) - droplet.radius
        assert reached == droplet.touches_border or abs(nearly) < 0.05
        flags.append(droplet.touches_border)
    assert any(flags)
    assert not all(flags)


def test_beads_lie_inside_their_droplets_and_follow_the_mean():
    rendering = render_brightfield(1024, 1024, count=500, beads_per_droplet=0.5, seed=10)
    plain = render_brightfield(1024, 1024, count=500, seed=10)
    assert np.mean([len(droplet.beads) for droplet in rendering.droplets]) == pytest.approx(0.5, abs=0.1)
    assert not any(droplet.beads for droplet in plain.droplets)
    for droplet in rendering.droplets:
        for x, y, radius in droplet.beads:
            assert np.hypot(x - droplet.x, y - droplet.y) + radius < droplet.radius
            if not droplet.touches_border:
                around = rendering.pixels[int(y) - 4 : int(y) + 6, int(x) - 4 : int(x) + 6]
                assert int(around.max()) - int(around.min()) > 25


def test_the_seed_decides_everything():
    options = {"count": 50, "beads_per_droplet": 0.5, "touching": 0.3}
    first, again, other = (render_brightfield(400, 300, seed=seed, **options) for seed in (1, 1, 2))
    assert first.truth() == again.truth()
    assert np.array_equal(first.pixels, again.pixels)
    assert first.truth() != other.truth()


def test_the_truth_is_json():
    rendering = render_fluorescence(200, 100, count=5)
    truth = json.loads(json.dumps(rendering.truth()))
    assert truth == rendering.truth()
    assert (truth["width"], truth["height"], len(truth["droplets"])) == (200, 100, 5)
    assert set(truth["droplets"][0]) == {
        "x",
        "y",
        "radius",
        "touches_border",
        "beads",
        "positive",
        "intensity",
    }


def test_positives_glow_and_their_number_is_known():
    rendering = render_fluorescence(600, 600, count=120, positive_fraction=0.25, seed=11)
    assert rendering.pixels.dtype == np.uint16
    levels = {True: [], False: []}
    for droplet in rendering.droplets:
        levels[droplet.positive].append(float(rendering.pixels[round(droplet.y), round(droplet.x)]))
    assert len(levels[True]) == 30
    assert min(levels[True]) > 3 * max(levels[False])
    assert min(levels[False]) > np.percentile(rendering.pixels, 5)


def test_a_pair_shows_the_same_droplets():
    brightfield, fluorescence = render_ddpcr_pair(400, 400, count=60, positive_fraction=0.5, seed=12)
    assert brightfield.droplets == fluorescence.droplets
    assert (brightfield.pixels.dtype, fluorescence.pixels.dtype) == (np.uint8, np.uint16)
    assert sum(droplet.positive for droplet in brightfield.droplets) == 30
