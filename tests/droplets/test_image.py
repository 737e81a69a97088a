"""Every kind of upload: what is taken, what is kept of it, and what is refused with which error."""

from __future__ import annotations

import base64
import struct
import tracemalloc
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image as Pillow

from droplets.errors import (
    BadRequest,
    ServiceError,
    TooLarge,
    TooManyPixels,
    UndecodableImage,
    UnsupportedImage,
)
from droplets.image import decode_base64, decode_image, sniff_format
from droplets.types import Image
from tests.droplets.images import (
    PNG_SIGNATURE,
    chunk,
    colour,
    deep_png,
    encode,
    grey,
    patch_tiff,
    png,
    sound_files,
    tiff,
)

MAX_PIXELS = 40_000_000
SOUND = sound_files()
FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "bmp": "BMP", "tiff": "TIFF", "bigtiff": "TIFF"}


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Image:
    return decode_image(data, max_pixels=max_pixels)


def refuse(data: bytes, error: type[ServiceError], megabytes: float = 8) -> str:
    """Message with which `data` is refused; fails if that took more than `megabytes` of memory."""
    tracemalloc.start()
    try:
        with pytest.raises(error) as caught:
            decode(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * 2**20 + 2 * len(data)
    return caught.value.message


# What is taken


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


# TIFF


@pytest.mark.parametrize(
    "options",
    [
        {"byteorder": ">"},
        {"bigtiff": True},
        {"tile": (16, 16)},
        {"rowsperstrip": 7, "compression": "deflate"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zstd"},
        {"compression": "packbits"},
    ],
    ids=str,
)
def test_every_layout_of_16_bit_tiff_gives_the_same_values(options):
    assert np.array_equal(decode(tiff(grey("uint16"), **options)).original, grey("uint16"))


@pytest.mark.parametrize(
    ("dtype", "kept", "bits"),
    [
        ("float32", "float32", 32),
        ("float16", "float32", 16),
        ("float64", "float32", 32),
        ("int16", "float32", 16),
        ("int8", "float32", 8),
        ("uint32", "float32", 32),
        ("int32", "float32", 32),
    ],
)
def test_other_sample_types_become_float32(dtype, kept, bits):
    values = (grey().astype(int) - (0 if dtype[0] == "u" else 128)).astype(dtype)
    image = decode(tiff(values))
    assert np.array_equal(image.original, values)
    assert (image.original.dtype, image.bit_depth) == (kept, bits)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_12_bit_and_the_like_keep_their_values(bits):
    values = grey("uint16") >> (16 - bits)
    image = decode(tiff(values, bitspersample=bits))
    assert np.array_equal(image.original, values)
    assert image.bit_depth == bits


def test_4_bit_and_1_bit_tiff_are_scaled_to_8():
    assert np.array_equal(decode(tiff(grey() >> 4, bitspersample=4)).original, (grey() >> 4) * np.uint8(17))
    image = decode(tiff(grey() > 99))
    assert np.array_equal(image.original, (grey() > 99) * np.uint8(255))
    assert image.bit_depth == 1


def test_32_bit_integers_that_float32_cannot_hold_are_noted():
    assert (
        "values rounded to 32-bit float"
        in decode(tiff(np.arange(768, dtype=np.uint32).reshape(24, 32) + 2**31)).notes
    )


def test_not_a_number_is_replaced_and_noted():
    values = grey().astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    image = decode(tiff(values))
    assert image.original[0, :3].tolist() == [values[0, 3], 255, values[0, 3]]
    assert "3 values that are not finite numbers replaced" in image.notes
    assert "no finite" in refuse(tiff(np.full((24, 32), np.nan, np.float32)), UndecodableImage)


def test_white_is_zero_is_inverted_for_show_only():
    image = decode(tiff(grey(), photometric="miniswhite"))
    assert np.array_equal(image.original, grey())
    assert np.array_equal(image.pixels[..., 0], 255 - grey())


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"photometric": "minisblack"}, "first of 5 frames"),
        ({"imagej": True, "metadata": {"axes": "CYX"}}, "first of 5 planes"),
        ({"ome": True, "photometric": "minisblack", "metadata": {"axes": "CYX"}}, "first of 5 planes"),
    ],
    ids=["stack", "imagej", "ome"],
)
def test_of_a_stack_the_first_plane_is_taken(options, note):
    stack = np.stack([grey("uint16") // (plane + 1) for plane in range(5)])
    image = decode(tiff(stack, **options))
    assert np.array_equal(image.original, stack[0])
    assert note in image.notes


def test_counting_the_pages_of_a_stack_is_bounded():
    page = bytes([1, 0]) + struct.pack("<HHII", 256, 3, 1, 1)
    first = tiff(grey())
    chain = bytearray(first)
    with_next = struct.unpack_from("<I", first, 4)[0]
    (tags,) = struct.unpack_from("<H", first, with_next)
    struct.pack_into("<I", chain, with_next + 2 + 12 * tags, len(first))
    for number in range(20_000):
        chain += page + struct.pack("<I", len(first) + (len(page) + 4) * (number + 1))
    assert "first of 10000 or more frames" in decode(bytes(chain)).notes


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_channels_beyond_the_colours_are_left_out(planar):
    def arrange(values: np.ndarray) -> np.ndarray:
        return values if planar == "contig" else np.ascontiguousarray(np.moveaxis(values, -1, 0))

    rgba = np.dstack([colour("uint16"), grey("uint16")])
    image = decode(tiff(arrange(rgba), photometric="rgb", planarconfig=planar, extrasamples=["unassalpha"]))
    assert np.array_equal(image.original, colour("uint16"))
    assert "alpha dropped" in image.notes
    image = decode(tiff(arrange(rgba), photometric="minisblack", planarconfig=planar))
    assert np.array_equal(image.original, colour("uint16")[..., 0])
    assert "first of 4 channels" in image.notes


def test_tiff_palette_and_cmyk_become_rgb():
    table = np.random.default_rng(2).integers(0, 65536, (3, 256), np.uint16)
    image = decode(tiff(grey(), photometric="palette", colormap=table))
    assert np.array_equal(image.original, (table.T >> 8).astype(np.uint8)[grey()])
    inks = np.zeros((24, 32, 4), np.uint8)
    inks[..., 0] = 255
    assert tuple(decode(tiff(inks, photometric="separated")).original[0, 0]) == (0, 255, 255)


# What is refused


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html><html></html>",
        b"GIF89a" + bytes(60),
        b"%PDF-1.7" + bytes(60),
        b"SIMPLE  =                    T" + bytes(60),
        b"8BPS\0\1" + bytes(60),
        b"RIFF\0\0\0\0WAVEfmt " + bytes(60),
        b"BMW is no bitmap, whatever its first letters say",
        b"\x89PNG",
        bytes(64),
    ],
    ids=lambda data: repr(data[:8]),
)
def test_other_content_is_415_whatever_its_name(data):
    assert "PNG, JPEG, WebP, TIFF or BMP" in refuse(data, UnsupportedImage)


@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.8])
def test_a_truncated_file_is_422(name, part):
    message = refuse(SOUND[name][: max(32, int(part * len(SOUND[name])))], UndecodableImage)
    assert "damaged or incomplete" in message or "is incomplete" in message or "is damaged" in message


@pytest.mark.parametrize("name", SOUND)
def test_the_pixel_limit_is_exact_and_named(name):
    decode(SOUND[name], max_pixels=768)
    with pytest.raises(TooManyPixels, match=r"32 x 24 = 768 pixels; the limit is 767"):
        decode(SOUND[name], max_pixels=767)


@pytest.mark.parametrize("shape", [(7, 32), (24, 7), (1, 1)])
def test_a_picture_under_8_pixels_is_refused(shape):
    assert "at least 8 x 8" in refuse(encode(np.zeros(shape, np.uint8), "PNG"), UndecodableImage)
    assert "at least 8 x 8" in refuse(tiff(np.zeros(shape, np.uint8)), UndecodableImage)


def test_zero_size_is_refused():
    refuse(png(0, 0, 8, 2, b"\0"), UndecodableImage)
    refuse(patch_tiff(SOUND["tiff"], {256: 0}), UndecodableImage)


def huge_headers() -> dict[str, bytes]:
    """Small files whose headers claim gigapixels."""
    bmp, jpeg, webp = (bytearray(SOUND[name]) for name in ("bmp", "jpeg", "webp lossless"))
    struct.pack_into("<ii", bmp, 18, 2**31 - 1, 2**31 - 1)
    struct.pack_into(">HH", jpeg, jpeg.index(b"\xff\xc0") + 5, 65535, 65535)
    struct.pack_into("<I", webp, 21, 0x0FFFFFFF)
    canvas = struct.pack("<I6s", 0, b"\xff" * 6)
    extended = b"RIFF\x16\0\0\0WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas
    return {
        "png": png(2**31 - 1, 2**31 - 1, 8, 2, b"\0"),
        "png 16 bit": png(60_000, 60_000, 16, 6, b"\0"),
        "jpeg": bytes(jpeg),
        "bmp": bytes(bmp),
        "webp": bytes(webp),
        "webp extended": extended + bytes(16),
        "tiff": patch_tiff(SOUND["tiff"], {256: 65535, 257: 65535}),
        "tiff tile": patch_tiff(tiff(grey(), tile=(16, 16)), {322: 32768, 323: 32768}),
        "tiff wide values": tiff(
            np.zeros((24, 32, 8), np.float64), photometric="minisblack", planarconfig="contig"
        ),
    }


@pytest.mark.parametrize(
    ("name", "data"), huge_headers().items(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_huge_claim_is_refused_before_anything_is_allocated(name, data):
    if name == "tiff wide values":
        with pytest.raises(TooManyPixels, match="bytes decoded"):
            decode(data, max_pixels=1000)
    else:
        assert "the limit is 40000000" in refuse(data, TooManyPixels)


def test_a_claim_within_the_limit_without_the_pixels_is_refused():
    refuse(png(6000, 6000, 8, 0, b"\0"), UndecodableImage)
    refuse(patch_tiff(SOUND["tiff"], {256: 6000, 257: 6000}), UndecodableImage)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({277: 65535}, "layout"),
        ({278: 1}, "incomplete"),
        ({273: 10**6}, "incomplete"),
        ({279: 10**9}, "incomplete"),
        ({279: 0}, "incomplete"),
        ({259: 34712}, "compression"),
        ({262: 8}, "colour space"),
        ({258: 64}, "sample type"),
    ],
    ids=str,
)
def test_what_a_tiff_header_may_ask_for_is_checked(tags, message):
    assert message in refuse(patch_tiff(SOUND["tiff"], tags), UndecodableImage)


@pytest.mark.parametrize("dtype", ["complex64", "uint64"])
def test_unsupported_sample_types_are_refused(dtype):
    assert "sample type" in refuse(tiff(np.ones((24, 32), dtype)), UndecodableImage)


def test_jpeg_in_tiff_is_refused_with_what_to_do():
    # A TIFF's JPEG strip has a header of its own, whose size nothing bounds.
    data = patch_tiff(SOUND["tiff"], {259: 7})
    assert "save it uncompressed" in refuse(data, UndecodableImage)


@pytest.mark.parametrize(
    ("compression", "bomb"),
    [
        ("deflate", zlib.compress(bytes(30_000_000))),
        ("zstd", imagecodecs.zstd_encode(bytes(30_000_000))),
        ("lzw", imagecodecs.lzw_encode(bytes(30_000_000))),
        ("packbits", b"\x81\0" * 300_000),
    ],
    ids=["deflate", "zstd", "lzw", "packbits"],
)
def test_a_compressed_strip_is_never_unpacked_beyond_its_size(compression, bomb):
    small = tiff(grey(), compression=compression, rowsperstrip=24)
    data = patch_tiff(small, {273: len(small), 279: min(len(bomb), 60_000)}) + bomb
    tracemalloc.start()
    try:
        decode(data)
    except UndecodableImage:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**20 + 2 * len(data)


@pytest.mark.parametrize(
    ("kind", "head"), [(b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0")]
)
def test_a_compressed_text_bomb_is_422(kind, head):
    rows = b"".join(bytes(17) for _ in range(16))
    bomb = chunk(kind, head + zlib.compress(bytes(50_000_000)))
    refuse(png(16, 16, 8, 0, rows, bomb), UndecodableImage)


def test_more_image_data_than_the_header_says_is_not_unpacked():
    data = png(16, 16, 8, 0, bytes(50_000_000))
    tracemalloc.start()
    decode(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_a_damaged_checksum_is_422():
    damaged = bytearray(SOUND["png"])
    damaged[damaged.index(b"IDAT") + 12] ^= 0xFF
    refuse(bytes(damaged), UndecodableImage)


@pytest.mark.parametrize(
    "raised", [MemoryError, RecursionError, OSError, SyntaxError, KeyError, AssertionError]
)
def test_whatever_a_decoder_raises_is_422_without_its_words(monkeypatch, raised):
    def fail(*_args: object) -> None:
        raise raised("/srv/secret/decoder.c:42")

    monkeypatch.setattr("droplets.image.read_raster", fail)
    with pytest.raises(UndecodableImage) as caught:
        decode(SOUND["png"])
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("name", SOUND)
def test_mutated_files_raise_nothing_but_service_errors(name):
    random = np.random.default_rng(zlib.crc32(name.encode()))
    for _ in range(200):
        data = bytearray(SOUND[name])
        # Half of the changes go to the header, where they do the most harm.
        reach = len(data) if random.random() < 0.5 else min(len(data), 200)
        for place in random.integers(0, reach, random.integers(1, 6)):
            data[place] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.integers(256)])
        if random.random() < 0.2:
            del data[random.integers(len(data)) :]
        try:
            image = decode(bytes(data), max_pixels=10**6)
        except ServiceError as error:
            assert error.status in (415, 422)  # noqa: PT017
        else:
            assert image.pixels.shape[:2] == image.original.shape[:2]
            assert np.isfinite(image.original).all()


@pytest.mark.parametrize(
    "signature", [PNG_SIGNATURE, b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8 ", b"II*\0", b"MM\0+"]
)
def test_random_bytes_after_a_signature_are_refused(signature):
    random = np.random.default_rng(3)
    for _ in range(100):
        with pytest.raises(UndecodableImage):
            decode(signature + random.bytes(200))


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
