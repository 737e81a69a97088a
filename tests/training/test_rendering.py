"""Rendered pictures show what their truth says; held-out looks are kept apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from training.rendering import scenes
from training.rendering.canvas import Canvas, around, edge
from training.rendering.channels import squares, stadium
from training.rendering.scenes import HELD_OUT, LOOKS, render
from training.rendering.skins import Brightfield, Glow, Paint, Rim, Ring, Skin, Sphere
from training.rendering.truth import ANGLES, Outline, Picture, circle

SIDE = 256
ALL_LOOKS = {**LOOKS, **HELD_OUT}
STILL = (0.0, 0.0, 0.0)
WAVY = Outline(119.6, 122.3, 60 * (1 + 0.06 * np.cos(2 * ANGLES) + 0.03 * np.sin(3 * ANGLES)))
SHAPES = [circle(120.3, 118.7, 40.0), circle(100.0, 100.5, 12.0), WAVY]


def small(seed: int, *, held_out: bool = False, side: int = SIDE) -> Picture:
    return render(seed, held_out=held_out, width=side, height=side)


def same(first: list[Outline], second: list[Outline]) -> bool:
    """Whether two truths say the same."""
    return len(first) == len(second) and all(
        (a.x, a.y, a.inner, a.bead, a.counts) == (b.x, b.y, b.inner, b.bead, b.counts)
        and np.array_equal(a.radii, b.radii)
        for a, b in zip(first, second, strict=True)
    )


class TestPictures:
    @pytest.mark.parametrize("held_out", [False, True])
    def test_the_seed_decides_everything(self, held_out):
        first, again, other = (small(seed, held_out=held_out) for seed in (3, 3, 4))
        assert np.array_equal(first.pixels, again.pixels)
        assert first.look == again.look
        assert same(first.objects, again.objects)
        assert not np.array_equal(first.pixels, other.pixels)
        assert not same(first.objects, other.objects)

    def test_pictures_are_rgb_of_the_size_asked_for(self):
        picture = render(5, width=200, height=136)
        assert picture.pixels.shape == (136, 200, 3)
        assert picture.pixels.dtype == np.uint8

    def test_held_out_looks_are_kept_apart(self, monkeypatch):
        spheres = []
        draw = Sphere.draw
        monkeypatch.setattr(Sphere, "draw", lambda *given: spheres.append(1) or draw(*given))
        seen = {small(seed, side=128).look for seed in range(60)}
        assert not spheres
        kept = {small(seed, held_out=True, side=128).look for seed in range(60)}
        assert spheres
        assert kept == {look.__name__ for look in HELD_OUT}
        assert seen <= {look.__name__ for look in LOOKS}
        assert len(seen) > 6
        assert not seen & kept

    @pytest.mark.parametrize("look", ALL_LOOKS, ids=lambda look: look.__name__)
    def test_every_look_shows_objects_but_the_empty_one(self, monkeypatch, look):
        monkeypatch.setattr(scenes, "LOOKS", {look: 1.0})
        pictures = [small(seed) for seed in range(5)]
        assert {picture.look for picture in pictures} == {look.__name__}
        objects = [one for picture in pictures for one in picture.objects]
        assert bool(objects) == (look is not scenes.nothing)
        for one in objects:
            reach = one.radii.max()
            assert one.radii.shape == (64,)
            assert one.radii.min() > 0
            assert -1.4 * reach - 5 < min(one.x, one.y)
            assert max(one.x, one.y) < SIDE + 1.4 * reach + 5

    @pytest.mark.parametrize("look", ALL_LOOKS, ids=lambda look: look.__name__)
    def test_what_is_inner_lies_in_another_object(self, monkeypatch, look):
        monkeypatch.setattr(scenes, "LOOKS", {look: 1.0})
        for seed in range(4):
            objects = small(seed).objects
            hosts = [one for one in objects if not one.inner]
            for one in objects:
                if one.inner:
                    assert any(np.hypot(one.x - host.x, one.y - host.y) < host.radii.max() for host in hosts)


def light(skin: Skin, outline: Outline) -> np.ndarray:
    """SIDExSIDE: the object alone, as the light that passes or that it gives."""
    canvas = Canvas.empty(SIDE, SIDE)
    skin.draw(np.random.default_rng(1), canvas, outline)
    return canvas.glow if canvas.glow.any() else (1 + canvas.gain) * (1 - canvas.dark)


def half_heights(pixels: np.ndarray, outline: Outline) -> np.ndarray:
    """64 distances from the outline to where, coming from outside, half the height of the edge is reached.

    In pixels along the outline's rays, positive outside. The height is the largest change within 8 pixels.
    """
    offsets = np.arange(8.0, -8.0, -0.02)
    away = outline.radii + offsets[:, None]
    places = [outline.y + away * np.sin(ANGLES), outline.x + away * np.cos(ANGLES)]
    levels = map_coordinates(pixels.astype(float), places, order=3)
    levels = np.abs(levels - levels[0])
    tops = levels.max(axis=0)
    return offsets[(levels > tops / 2).argmax(axis=0)]


class TestTruthIsOnThePicture:
    """On an empty ground."""

    @pytest.mark.parametrize("outline", SHAPES)
    @pytest.mark.parametrize(
        "skin",
        [
            Brightfield((Ring(0.6, 0.04, 0.08),), variety=STILL),
            Brightfield((Ring(0.9, 0.015, 0.03),), variety=STILL),
            Brightfield((Ring(-0.5, 0.03, 0.06),), variety=STILL),
            Brightfield((Ring(0.6, 0.04, 0.08),), step=-0.3, variety=STILL),
            Brightfield((), step=-0.3, variety=STILL),
            Brightfield((), step=0.3, variety=STILL),
            Glow(((180.0, 1.0),), 0.0, 1.0, 0.0, 0.03, 0.0),
            Rim(120.0, 0.03, 0.08, 0.0, 0.0, 0.0, 0.0),
            Paint(-0.8, 1.0, 0.0),
            Paint(0.6, 2.5, 0.0),
        ],
        ids=[
            "ring",
            "thin",
            "bright",
            "dark inside",
            "dark step",
            "pale step",
            "glow",
            "rim",
            "black",
            "pale",
        ],
    )
    def test_at_the_outer_half_height_of_the_edge(self, skin, outline):
        off = half_heights(light(skin, outline), outline)
        assert np.abs(off).max() < 0.3
        assert abs(np.median(off)) < 0.25

    @pytest.mark.parametrize("outline", [SHAPES[0], WAVY])
    def test_a_ball_of_light_ends_there(self, outline):
        pixels = light(Glow(((180.0, 1.0),), 0.0, 0.0, 0.0, 0.03, 0.0), outline)
        signed = around(pixels.shape, outline, 300).signed
        assert not pixels[signed > 0].any()
        assert (pixels[signed < -0.5] > 0).all()

    @pytest.mark.parametrize("blur", [1.0, 4.0, 10.0])
    @pytest.mark.parametrize(
        "skin",
        [
            Glow(((180.0, 1.0),), 0.0, 0.0, 0.0, 0.03, 0.0),
            Glow(((180.0, 1.0),), 0.0, 1.0, 0.0, 0.1, 0.0),
            Glow(((180.0, 1.0),), 0.0, 0.5, 0.8, 0.03, 0.0),
            Rim(120.0, 0.03, 0.08, 0.0, 0.0, 0.0, 0.0),
        ],
        ids=["ball", "disc", "shell", "rim"],
    )
    def test_blurred_light_has_half_its_height_at_the_blurred_outline(self, skin, blur):
        canvas = Canvas.empty(SIDE, SIDE)
        shown = skin.draw(np.random.default_rng(1), canvas, circle(128.0, 128.0, 40.0)).blurred(blur)
        seen = cv2.GaussianBlur(canvas.glow, (0, 0), blur)
        line = seen[128, 128:]
        top = int(line.argmax())
        outside = 128 + top + int((line[top:] < line[top] / 2).argmax())
        assert outside - 1.2 <= 128 + shown.radius <= outside + 0.2

    def test_what_blur_does_not_move_stays(self):
        step = Brightfield((), step=0.3, variety=STILL).draw(
            np.random.default_rng(1), Canvas.empty(SIDE, SIDE), SHAPES[0]
        )
        assert step.blurred(3.0) is step

    def test_glow_is_of_the_levels_given(self):
        pixels = light(Glow(((180.0, 1.0),), 0.0, 1.0, 0.0, 0.03, 0.0), SHAPES[0])
        assert pixels.max() == pytest.approx(180, rel=0.01)


class TestOutlines:
    def test_a_plug_has_its_width_and_length(self):
        plug = stadium(50.0, 60.0, 10.0, 30.0, 0.0, 1.0)
        assert (plug.x, plug.y) == (50.0, 60.0)
        assert plug.radii[[0, 32]] == pytest.approx(30, abs=1e-6)
        assert plug.radii[[16, 48]] == pytest.approx(10, abs=1e-6)

    @pytest.mark.parametrize("roundness", [1.0, 0.6])
    def test_a_plug_lies_along_its_direction(self, roundness):
        turn = 2 * np.pi * 8 / 64
        plug, level = (stadium(0.0, 0.0, 10.0, 25.0, angle, roundness) for angle in (turn, 0.0))
        assert plug.radii == pytest.approx(np.roll(level.radii, 8), abs=1e-6)

    def test_a_plug_as_long_as_wide_is_a_circle(self):
        assert stadium(0.0, 0.0, 12.0, 12.0, 0.3, 1.0).radii == pytest.approx(12, abs=1e-6)

    @pytest.mark.parametrize("sides", [4, 6])
    def test_a_well_has_its_inner_radius(self, sides):
        well = squares(np.random.default_rng(2), 5.0, 6.0, 20.0, sides, 0.0)
        # Rounded corners take a little of the sides' middles too.
        assert well.radii.min() > 0.9 * 20
        assert well.radii[0] == pytest.approx(20, rel=0.05 if sides == 4 else 0.1)
        assert well.radii.max() <= 20 / np.cos(np.pi / sides) + 1e-9

    def test_radius_is_that_of_the_same_area(self):
        assert circle(0, 0, 7).radius == pytest.approx(7)
        assert Outline(0, 0, np.tile([3.0, 4.0], 32)).radius == pytest.approx(np.sqrt(12.5))

    def test_scaling_keeps_pixel_edges_in_place(self):
        twice = circle(10.0, -0.5, 4.0, inner=True).scaled(2)
        assert (twice.x, twice.y, twice.radius, twice.inner) == (20.5, -0.5, pytest.approx(8), True)


class TestShrunk:
    def test_objects_shrink_with_the_pixels_and_tiny_ones_are_not_judged(self):
        objects = [circle(63.5, 31.5, 20.0), circle(10.0, 10.0, 6.0), circle(90.0, 90.0, 30.0, counts=False)]
        small = Picture(np.zeros((96, 128, 3), np.uint8), objects, "any").shrunk(4, least=2.5)
        assert small.pixels.shape == (24, 32, 3)
        assert (small.objects[0].x, small.objects[0].y, small.objects[0].radius) == pytest.approx(
            (15.5, 7.5, 5)
        )
        assert [one.counts for one in small.objects] == [True, False, False]


class TestAround:
    def test_what_lies_outside_the_picture_has_no_pixels(self):
        assert around((50, 80), circle(-20, 20, 10), 3) is None
        assert around((50, 80), circle(40, 70, 10), 3) is None

    def test_distances_are_signed_and_cut_by_the_border(self):
        near = around((50, 80), circle(2.5, 20, 10), 3)
        rows, columns = near.window
        assert columns.start == 0
        assert near.signed.shape == (rows.stop - rows.start, columns.stop)
        assert near.signed[20 - rows.start, 3] == pytest.approx(-9.5, abs=1e-5)
        assert near.signed[20 - rows.start, 14] == pytest.approx(1.5, abs=1e-5)

    def test_distance_to_an_outline_that_is_no_circle(self):
        plug = stadium(60.0, 60.0, 15.0, 40.0, 0.0, 1.0)
        near = around((120, 120), plug, 10)
        top, left = near.window[0].start, near.window[1].start
        for above in (13.0, 15.0, 17.0):  # its long side is straight
            assert near.signed[int(60 - above) - top, 60 - left] == pytest.approx(above - 15, abs=0.05)

    def test_an_edge_goes_from_one_to_zero_over_its_width(self):
        levels = edge(np.array([-50, -2, 0, 2, 50], np.float32), 4.0)
        assert levels == pytest.approx([1, 0.88, 0.5, 0.12, 0], abs=0.005)
