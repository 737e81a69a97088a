"""Scales and tiles: every place belongs to a tile that sees enough around it."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.finding.pyramid import Level, Scales, Tile, tiles, tiles_around

SCALES = Scales()


@pytest.mark.parametrize(
    ("size", "scale"),
    [((1024, 768), 1.0), ((512, 512), 2.0), ((100, 80), 4.0), ((4096, 100), 0.25), ((8000, 6000), 0.25)],
)
def test_the_base_level_fills_the_frame_within_limits(size, scale):
    base = SCALES.base(*size)
    assert base.scale == scale
    assert SCALES.coarse(base, *size)[0].scale == scale / 2


def test_diameters_count_in_pixels_of_the_level():
    base = SCALES.base(2048, 1000)  # scale one half
    assert base.counts(np.array([15.9, 16, 200, 201])).tolist() == [False, True, True, False]
    coarse = SCALES.coarse(base, 2048, 1000)
    assert coarse[0].counts(np.array([127, 128, 400, 401])).tolist() == [False, True, True, False]
    assert coarse[-1].counts(np.array([511, 512, 1e5])).tolist() == [False, True, True]


def test_finer_levels_end_at_twice_the_picture():
    levels = [SCALES.base(3000, 1000)]
    while (finer := SCALES.finer(levels[-1])) is not None:
        levels.append(finer)
    assert [level.scale / levels[0].scale for level in levels] == [1, 2, 4]
    assert levels[-1].scale <= 2


@pytest.mark.parametrize("size", [(64, 64), (1024, 700), (4096, 4096), (8660, 5773)])
def test_each_size_of_objects_counts_at_a_level(size):
    base = SCALES.base(*size)
    levels = [base, *SCALES.coarse(base, *size)]
    diameters = np.linspace(8 / base.scale, 0.9 * min(size), 400)
    assert np.any([level.counts(diameters) for level in levels], axis=0).all()
    assert max(size) * levels[-1].scale <= 128 + 1e-6


@pytest.mark.parametrize("length", [300, 1024, 1500, 5000, 9000])
@pytest.mark.parametrize("scale", [0.25, 1.0, 1.37, 4.0])
def test_tiles_cover_the_picture_and_see_enough_around_what_they_own(length, scale):
    level = Level(scale, 8, 96, context=96)
    found = tiles(length, 200, level, SCALES)
    points = np.column_stack([np.linspace(-0.5, length - 0.51, 977), np.full(977, 100.0)])
    owned = np.array([tile.owns(points) for tile in found])
    assert owned.any(axis=0).all()
    # At most where two cores meet does one place belong to two tiles.
    assert owned.sum(axis=0).max() <= 2
    shared = (owned.sum(axis=0) == 2).mean() * length * scale  # in pixels of the level
    assert shared <= (len(found) - 1) * (2 * SCALES.slack + 2 * length * scale / 977)
    for tile, own in zip(found, owned, strict=True):
        first, last = tile.box[0], tile.box[0] + tile.box[2]
        assert round(tile.box[2] * scale) <= 1024
        need = (96 - SCALES.slack) / scale - 1.5  # but for whole pixels
        assert (points[own, 0] - first >= np.minimum(need, points[own, 0])).all()
        assert (last - points[own, 0] >= np.minimum(need, length - points[own, 0])).all()


def test_a_picture_of_the_frame_s_size_is_one_tile():
    base = SCALES.base(1500, 1100)
    assert [tile.box for tile in tiles(1500, 1100, base, SCALES)] == [(0, 0, 1500, 1100)]


def test_the_number_of_tiles_grows_with_the_area():
    level = Level(1.0, 8, 96, context=96)
    small, large = (len(tiles(side, side, level, SCALES)) for side in (4000, 8000))
    assert 3.5 <= large / small <= 4.5


def test_only_what_is_around_small_objects_is_looked_at_again():
    level = SCALES.finer(SCALES.base(4000, 4000))
    points = np.array([[500.0, 600], [560, 640], [3500, 3600]])
    found = list(tiles_around(points, 4000, 4000, level, SCALES))
    assert sum(tile.area for tile in found) <= 3 * (SCALES.tile / level.scale) ** 2
    assert np.array([tile.owns(points) for tile in found]).sum(axis=0).tolist() == [1, 1, 1]
    for tile in found:
        x, y, width, height = tile.box
        assert 0 <= x <= x + width <= 4000
        assert 0 <= y <= y + height <= 4000
        assert {round(side * level.scale) for side in (width, height)} <= {256, 512}


def test_scattered_objects_are_looked_at_one_by_one():
    level = SCALES.finer(SCALES.base(1024, 1024))
    corners = np.array([[60.0, 60], [960, 60], [60, 960], [960, 960]])
    found = tiles_around(corners, 1024, 1024, level, SCALES)
    assert len(found) == 4
    assert sum(tile.area for tile in found) < 0.3 * 1024**2


def test_a_tile_around_small_objects_sees_as_much_as_any_other():
    level = Level(1.0, 8, 96, context=96)
    points = np.random.default_rng(0).uniform(1000, 1400, (50, 2))
    for tile in tiles_around(points, 3000, 3000, level, SCALES):
        own = points[tile.owns(points)]
        x, y, width, height = tile.box
        assert (own >= (x + 95, y + 95)).all()
        assert (own <= (x + width - 95, y + height - 95)).all()


def test_a_frame_has_the_level_s_scale():
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[100:150, 120:240] = 255
    tile = Tile((100, 80, 160, 120), (0, 0, 1, 1))
    half, same, twice = (tile.cut(pixels, scale) for scale in (0.5, 1, 2))
    assert half.shape == (60, 80, 3)
    assert np.array_equal(same, pixels[80:200, 100:260])
    assert twice.shape == (240, 320, 3)
    assert half[10:35, 10:70].min() == 255
    assert half[:10].max() == half[:, :10].max() == 0
