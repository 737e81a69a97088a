"""Scale bars drawn on rendered pictures; none where none was drawn."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

from droplets.annotations.scale_bar import ScaleBar, find_scale_bar, scale_bar_notes, without_annotations
from droplets.types import Box, Mask, PixelSize
from tests.droplets.shapes import disc, rectangle
from training.rendering.bars import BLACK, FONTS, WHITE, YELLOW, draw_bar, write
from training.rendering.plain import render_brightfield, render_fluorescence

WIDTH, HEIGHT = 420, 300
BENCH = Path(__file__).parents[4] / "shared" / "bench" / "dev"


@pytest.fixture(scope="module")
def brightfield() -> np.ndarray:
    grey = render_brightfield(WIDTH, HEIGHT, count=45, diameter=38, seed=3).pixels
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def fluorescence() -> np.ndarray:
    counts = render_fluorescence(WIDTH, HEIGHT, count=45, diameter=38, seed=4).pixels
    return np.repeat(np.clip(counts / 50, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def check(found: ScaleBar | None, bar: Box, um: float) -> None:
    assert found is not None
    assert found.box == bar
    assert found.um == pytest.approx(um)
    assert found.length_px == max(bar[2:])
    assert found.pixel_size == PixelSize(pytest.approx(um / max(bar[2:])), "scale bar")
    assert 0.7 < found.confidence <= 1


@pytest.mark.parametrize("size", [20, 26, 34])
@pytest.mark.parametrize("font", FONTS)
def test_text_is_read_in_several_fonts_and_sizes(brightfield, font, size):
    bar = (230, 265, 150, 7)
    check(find_scale_bar(draw_bar(brightfield, font=font, size=size, bar=bar)), bar, 100)


@pytest.mark.parametrize(
    ("text", "um"),
    [
        ("100 µm", 100),
        ("100µm", 100),
        ("50 um", 50),
        ("20um", 20),
        ("1 mm", 1000),
        ("0.5 mm", 500),
        ("2.5 µm", 2.5),
        ("7.5 µm", 7.5),
        ("250 µm", 250),
        ("1000 µm", 1000),
        ("800 nm", 0.8),
        ("100 micron", 100),
        ("30 microns", 30),
        ("40 µm", 40),
        ("60 µm", 60),
        ("90 µm", 90),
    ],
)
def test_numbers_and_units(brightfield, text, um):
    bar = (280, 270, 76, 6)
    check(find_scale_bar(draw_bar(brightfield, text, bar=bar)), bar, um)


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("corner", [(12, 60), (290, 60), (12, 240), (290, 240), (150, 150)])
def test_place_of_bar_and_text(brightfield, corner, below):
    bar = (*corner, 90, 5)
    check(find_scale_bar(draw_bar(brightfield, bar=bar, below=below, size=16)), bar, 100)


@pytest.mark.parametrize(
    ("colour", "label"), [(WHITE, BLACK), (BLACK, WHITE), (YELLOW, BLACK), (YELLOW, None)]
)
def test_colours(brightfield, fluorescence, colour, label):
    for pixels in (brightfield, fluorescence):
        found = find_scale_bar(draw_bar(pixels, colour=colour, label=label))
        check(found, (270, 270, 110, 6), 100)


@pytest.mark.parametrize("thickness", [2, 4, 12, 20])
def test_thickness(brightfield, thickness):
    bar = (270, 260, 110, thickness)
    check(find_scale_bar(draw_bar(brightfield, bar=bar)), bar, 100)


def test_a_bar_without_a_box_behind_it(fluorescence):
    check(find_scale_bar(draw_bar(fluorescence, label=None, colour=YELLOW)), (270, 270, 110, 6), 100)


def test_a_vertical_bar(brightfield):
    drawn = brightfield.copy()
    drawn[150:290, 290:400] = BLACK
    drawn[170:280, 300:306] = WHITE
    drawn = write(drawn, "50 µm", (314, 225), "DejaVuSans", 20, WHITE)
    check(find_scale_bar(drawn), (300, 170, 6, 110), 50)


@pytest.mark.parametrize("quality", [75, 90])
def test_a_jpeg(brightfield, quality):
    jpeg = cv2.imencode(".jpg", draw_bar(brightfield, size=24), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    check(find_scale_bar(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)), (270, 270, 110, 6), 100)


def test_a_picture_that_was_scaled_up_with_its_bar(brightfield):
    large = cv2.resize(draw_bar(brightfield), None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    check(find_scale_bar(large), (540, 540, 220, 12), 100)


def test_boxes_hold_bar_and_text(brightfield):
    drawn = draw_bar(brightfield)
    found = find_scale_bar(drawn)
    ((x, y, width, height),) = found.text
    white = np.argwhere((drawn == 255).all(axis=-1))
    assert 272 <= x < x + width < 360
    assert 235 < y < y + height < 270
    inside_text = ((white >= (y, x)) & (white < (y + height, x + width))).all(axis=1)
    inside_bar = ((white >= (270, 270)) & (white < (276, 380))).all(axis=1)
    assert (inside_text | inside_bar).sum() > 0.99 * len(white)


@pytest.mark.parametrize("text", ["", "scale", "100", "µm", "123 µm", "100 kg", "12:35:07", "100 µm/div"])
def test_a_bar_without_a_length_is_found_but_not_read(brightfield, text):
    found = find_scale_bar(draw_bar(brightfield, text))
    assert (found.box, found.um, found.pixel_size) == ((270, 270, 110, 6), None, None)
    assert scale_bar_notes(found) == ("a scale bar of 110 px was found but not read: give pixel_size_um",)


def test_text_that_is_too_small_to_be_sure_is_not_read(brightfield):
    for text, font in product(("100 µm", "250 µm", "80 µm"), ("DejaVuSans", "STIXGeneral", "pillow")):
        found = find_scale_bar(draw_bar(brightfield, text, font=font, size=7))
        assert found.um in (None, float(text.split()[0]))


@pytest.mark.parametrize("seed", range(4))
def test_pictures_without_a_bar(seed):
    for diameter in (14, 38, 90):
        count = int(0.3 * WIDTH * HEIGHT / diameter**2)
        bright = render_brightfield(WIDTH, HEIGHT, count=count, diameter=diameter, seed=seed).pixels
        glowing = render_fluorescence(WIDTH, HEIGHT, count=count, diameter=diameter, seed=seed).pixels
        saturated = np.clip(2.2 * bright, 0, 255)
        for grey in (bright, saturated, 255 * (bright > 125), glowing / 40, 255 * (glowing > 1500)):
            pixels = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
            assert find_scale_bar(pixels) is None


def test_other_rectangles_are_no_bars(brightfield):
    text_only = write(brightfield, "100 µm", (200, 150), "DejaVuSans", 24, WHITE)
    wall, thick, dashes, soft = (brightfield.copy() for _ in range(4))
    wall[140:150] = BLACK
    thick[100:140, 100:200] = WHITE
    dashes[::10] = np.where(np.arange(WIDTH)[:, None] % 60 < 40, 255, dashes[::10])
    soft[200:206, 100:200] = 230
    for pixels in (text_only, wall, thick, dashes, cv2.GaussianBlur(soft, (0, 0), 5)):
        assert find_scale_bar(pixels) is None
    assert find_scale_bar(np.zeros((50, 60, 3), np.uint8)) is None
    assert find_scale_bar(np.full((8, 8, 3), 255, np.uint8)) is None


@pytest.mark.skipif(not BENCH.is_dir(), reason="the reference pictures are not here")
def test_reference_pictures():
    for path in sorted(BENCH.glob("*/images/*.png")):
        found = find_scale_bar(cv2.imread(str(path)))
        assert (found.um if found else None) == (100 if path.stem.startswith("ddPCR") else None), path


def test_masks_on_bar_and_text_are_left_out():
    bar = ScaleBar((270, 270, 110, 6), ((275, 245, 60, 18),), 110, 100.0, 0.9)
    on_it: list[Mask] = [
        rectangle(270, 270, 110, 6),
        rectangle(275, 245, 12, 18),
        rectangle(262, 240, 122, 40),
        disc(300, 258, 8),
    ]
    off_it = [disc(262, 240, 18), disc(300, 225, 18), disc(330, 255, 60), rectangle(0, 0, 420, 300)]
    for x, y in ((0, 0), (100, 50)):
        masks = [Mask(mask.x - x, mask.y - y, mask.crop) for mask in (*on_it, *off_it)]
        kept, count = without_annotations(masks, bar, (x, y))
        assert kept == masks[len(on_it) :]
        assert count == len(on_it)
    assert without_annotations(off_it, None, (0, 0)) == (off_it, 0)
