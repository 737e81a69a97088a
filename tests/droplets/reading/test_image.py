"""What is taken of each kind of picture, what is kept of it and how it is shown; base64."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from PIL import Image as Pillow

from droplets.errors import (
    BadRequest,
    TooLarge,
)
from droplets.objects.measure import grey_values
from droplets.reading.image import decode_base64, sniff_format
from tests.droplets.images import (
    SOUND,
    colour,
    decode,
    deep_png,
    encode,
    grey,
    tiff,
)

FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "bmp": "BMP", "tiff": "TIFF", "bigtiff": "TIFF"}


@pytest.mark.parametrize("name", SOUND)
def test_the_type_is_told_from_the_content(name):
    image = decode(SOUND[name])
    assert sniff_format(SOUND[name]) == image.format == FORMATS[name.split()[0]]
    assert (image.width, image.height) == (32, 24)
    assert image.pixels.shape == (24, 32, 3)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
@pytest.mark.parametrize("values", [grey(), colour()], ids=["grey", "RGB"])
def test_8_bit_values_are_kept_and_shown_as_they_are(kind, values):
    image = decode(encode(values, kind))
    assert np.array_equal(image.original, values)
    assert np.array_equal(image.pixels, values if values.ndim == 3 else np.stack([values] * 3, axis=-1))
    assert (image.bit_depth, image.notes) == (8, ())


def test_rgb_of_equal_channels_stays_rgb():
    assert decode(encode(np.stack([grey()] * 3, axis=-1), "PNG")).original.shape == (24, 32, 3)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 90})])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_a_picture_of_one_channel_alone_is_measured_by_it(kind, options, channel):
    values = np.zeros((24, 32, 3), np.uint8)
    values[..., channel] = grey()
    image = decode(encode(values, kind, **options))
    assert image.only_channel == channel
    name = ("red", "green", "blue")[channel]
    assert image.notes == (f"only {name} holds light: its values are the grey values",)
    assert np.array_equal(grey_values(image), image.original[..., channel])
    assert image.original.shape == (24, 32, 3)


@pytest.mark.parametrize("other", [8, 255])
def test_a_little_of_another_channel_makes_it_a_colour_picture(other):
    values = np.zeros((24, 32, 3), np.uint8)
    values[..., 1] = grey()
    values[0, 0, 2] = other
    image = decode(encode(values, "PNG"))
    assert image.only_channel is None
    assert grey_values(image).max() == round(0.587 * 255)


def test_a_black_picture_has_no_channel_that_holds_light():
    assert decode(encode(np.zeros((24, 32, 3), np.uint8), "PNG")).only_channel is None


def test_alpha_is_dropped_without_touching_the_colours():
    rgba = np.dstack([colour(), grey()])
    image = decode(encode(rgba, "PNG"))
    assert np.array_equal(image.original, colour())
    assert image.notes == ("alpha dropped",)


def test_grey_with_alpha_stays_grey():
    image = decode(encode(Pillow.fromarray(grey()).convert("LA"), "PNG"))
    assert np.array_equal(image.original, grey())
    assert image.notes == ("alpha dropped",)


def test_a_transparent_colour_is_dropped():
    image = decode(encode(grey(), "PNG", transparency=3))
    assert np.array_equal(image.original, grey())
    assert image.notes == ("transparency dropped",)


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_a_palette_becomes_its_colours(kind):
    paletted = Pillow.fromarray(colour()).quantize(16)
    image = decode(encode(paletted, kind))
    assert np.array_equal(image.original, np.asarray(paletted.convert("RGB")))
    assert image.notes == ("palette converted to RGB",)


def test_cmyk_becomes_rgb():
    image = decode(encode(Pillow.new("CMYK", (32, 24), (255, 0, 0, 0)), "JPEG", quality=95))
    assert image.notes == ("CMYK converted to RGB",)
    assert np.abs(image.original.astype(int) - (0, 255, 255)).max() < 8


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_1_bit_becomes_0_and_255(kind):
    image = decode(encode(Pillow.fromarray(grey() > 99), kind))
    assert np.array_equal(image.original, (grey() > 99) * np.uint8(255))
    assert image.bit_depth == 1


@pytest.mark.parametrize(("kind", "options"), [("WEBP", {"lossless": True}), ("PNG", {})])
def test_of_an_animation_the_first_frame_is_taken(kind, options):
    others = [Pillow.fromarray(255 - colour() // shade) for shade in (1, 2)]
    image = decode(encode(colour(), kind, save_all=True, append_images=others, **options))
    assert np.array_equal(image.original, colour())
    assert image.notes == ("first of 3 frames",)


@pytest.mark.parametrize("tail", [b"PK\x03\x04" + bytes(40), b"<html><script>alert(1)</script>"])
def test_a_polyglot_is_decoded_as_what_it_begins_with(tail):
    image = decode(SOUND["jpeg"] + tail)
    assert np.array_equal(image.original, decode(SOUND["jpeg"]).original)


# Orientation: the stored picture is what a camera held that way would have written


UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: np.rot90(stored, 2),
    4: lambda stored: stored[::-1],
    5: lambda stored: np.swapaxes(stored, 0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(np.swapaxes(stored, 0, 1), 2),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_orientation_is_applied_to_pixels_and_original(orientation):
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    upright = UPRIGHT[orientation]
    for kind, options in (
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 100, "subsampling": 0}),
    ):
        image = decode(encode(colour(), kind, exif=exif, **options))
        assert np.abs(image.original.astype(int) - upright(colour())).max() < (8 if kind == "JPEG" else 1)
        assert np.array_equal(image.pixels, image.original)
    image = decode(tiff(grey("uint16"), extratags=[(274, "H", 1, orientation)]))
    assert np.array_equal(image.original, upright(grey("uint16")))


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_a_damaged_exif_block_does_not_cost_the_picture(exif):
    assert decode(encode(colour(), "PNG", exif=exif)).original.shape == (24, 32, 3)


# Deep pictures


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_is_kept_exactly(channels):
    values = np.random.default_rng(0).integers(0, 65536, (24, 32, channels), np.uint16)
    image = decode(deep_png(values[..., 0] if channels == 1 else values))
    assert np.array_equal(image.original, values[..., :3] if channels >= 3 else values[..., 0])
    assert image.bit_depth == 16
    assert ("alpha dropped" in image.notes) == (channels in (2, 4))


@pytest.mark.parametrize("make", [deep_png, tiff], ids=["png", "tiff"])
def test_65536_levels_use_the_whole_of_8_bits(make):
    image = decode(make(np.arange(65536, dtype=np.uint16).reshape(256, 256)))
    assert np.array_equal(np.unique(image.pixels), np.arange(256))
    assert len(np.unique(image.original)) == 65536
    assert image.notes[-1].startswith("16-bit values from ")


def test_a_few_small_droplets_in_a_dark_frame_are_not_lost_in_stretched_noise():
    frame = np.random.default_rng(1).normal(200, 5, (1000, 1000))
    frame[500:508, 300:310] = 20_000  # 80 of a million pixels
    frame[10, 10] = 65_535  # a hot pixel
    pixels = decode(tiff(frame.astype(np.uint16))).pixels
    assert pixels[504, 305, 0] == 255
    assert np.percentile(pixels, 99) <= 1


def test_low_contrast_deep_values_are_spread():
    image = decode(tiff(grey().astype(np.uint16) + 30_000))
    assert (image.pixels.min(), image.pixels.max()) == (0, 255)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_a_constant_deep_picture_is_black(dtype):
    image = decode(tiff(np.full((24, 32), 700, dtype)))
    assert not image.pixels.any()
    assert image.notes[-1].endswith("is 700: shown as 0")


def test_specks_on_a_constant_ground_are_shown():
    values = np.zeros((24, 32), np.uint16)
    values[5, 5] = 900
    assert decode(tiff(values)).pixels[5, 5, 0] == 255


def test_one_window_keeps_the_colours_of_16_bit_rgb():
    values = np.zeros((24, 32, 3), np.uint16)
    values[:, 16:] = (40_000, 30_000, 0)
    assert tuple(decode(deep_png(values)).pixels[0, -1]) == (255, 191, 0)


# Base64


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "data:image/png;base64,",
        "DATA:IMAGE/PNG;BASE64,",
        "data:image/svg+xml;base64,",
        "data:image/x-ms-bmp;base64,",
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_base64_with_and_without_a_data_url(prefix, size):
    data = bytes(range(size))
    assert decode_base64(prefix + base64.b64encode(data).decode(), max_bytes=size) == data


@pytest.mark.parametrize(
    "text",
    [
        "",
        "data:image/png;base64,",
        "data:text/html;base64,QUJD",
        "data:image/png,QUJD",
        "data:image/png;base64;QUJD",
        "data:",
        "QUI",
        "QUJD=",
        "QQ===",
        "=QUJ",
        "QU=C",
        "QUJD\n",
        " QUJD",
        "QU-_",
        "QUJÄ",
        "QU\ud800D",
        "QUJDQUJD====",
        "\0\0\0\0",
    ],
    ids=repr,
)
def test_malformed_base64_is_400(text):
    with pytest.raises(BadRequest):
        decode_base64(text, max_bytes=100)


def test_the_size_of_base64_is_checked_exactly_and_before_decoding():
    text = base64.b64encode(bytes(100)).decode()
    assert len(decode_base64(text, max_bytes=100)) == 100
    with pytest.raises(TooLarge, match="has 100 bytes; the limit is 99"):
        decode_base64(text, max_bytes=99)
    with pytest.raises(TooLarge):  # not BadRequest: its content was never looked at
        decode_base64("?" * 4000, max_bytes=99)
