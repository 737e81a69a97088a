"""The overlay shows each mask's outline in place, and nothing else changes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from droplets.export.overlay import PALETTE, overlay_png
from droplets.types import Image, Mask

RED, GREEN = (255, 0, 0), (0, 255, 0)


def picture(height: int = 60, width: int = 80) -> Image:
    pixels = np.random.default_rng(0).integers(0, 200, (height, width, 3), np.uint8)
    return Image(pixels, pixels, 8, "PNG")


def decode(png: bytes) -> np.ndarray:
    with Pillow.open(io.BytesIO(png), formats=["PNG"]) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


def drawn(image: Image, masks: list[Mask], *colours) -> np.ndarray:
    """HxW bool: where the overlay differs from the picture."""
    return (decode(overlay_png(image, masks, colours or None)) != image.pixels).any(axis=2)


def test_the_outline_lies_on_the_border_pixels_of_the_mask():
    image, mask = picture(), Mask(10, 20, np.ones((7, 9), bool))
    expected = np.zeros((60, 80), bool)
    expected[20:27, 10:19] = True
    expected[21:26, 11:18] = False
    assert np.array_equal(drawn(image, [mask], RED), expected)
    assert (decode(overlay_png(image, [mask], [RED]))[expected] == RED).all()


def test_a_hole_has_an_outline():
    crop = np.ones((21, 21), bool)
    crop[8:13, 8:13] = False
    changed = drawn(picture(), [Mask(5, 5, crop)], RED)
    assert changed[12, 15]
    assert not changed[15, 15]


def test_masks_at_the_border_of_the_picture_stay_in_place():
    corner = np.ones((5, 5), bool)
    changed = drawn(picture(), [Mask(0, 0, corner), Mask(75, 55, corner)], RED, RED)
    assert changed[0, 0]
    assert changed[59, 79]
    assert changed.sum() == 32


def test_later_masks_lie_on_top_and_colours_take_turns():
    masks = [Mask(10, 10, np.ones((9, 9), bool))] * 2
    assert tuple(decode(overlay_png(picture(), masks, [RED, GREEN]))[10, 10]) == GREEN
    apart = [Mask(10 * number, 10, np.ones((5, 5), bool)) for number in range(6)]
    shown = decode(overlay_png(picture(), apart))
    assert [tuple(shown[10, 10 * number]) for number in range(6)] == [*PALETTE, PALETTE[0]]


def test_large_pictures_have_thicker_lines():
    changed = drawn(picture(40, 1600), [Mask(100, 10, np.ones((20, 20), bool))], RED)
    assert changed[15, 98:106].sum() > 1


def test_without_masks_it_is_the_picture():
    image = picture()
    assert np.array_equal(decode(overlay_png(image, [])), image.pixels)


def test_the_picture_itself_is_left_alone():
    image = picture()
    before = image.pixels.copy()
    overlay_png(image, [Mask(10, 10, np.ones((9, 9), bool))])
    assert np.array_equal(image.pixels, before)


def test_each_mask_needs_its_colour():
    with pytest.raises(ValueError, match="shorter"):
        overlay_png(picture(), [Mask(0, 0, np.ones((3, 3), bool))], [])
