"""TIFF: layouts, sample types, stacks, and what its header may not ask for."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import imagecodecs
import numpy as np
import pytest

from droplets.errors import (
    UndecodableImage,
)
from tests.droplets.images import (
    SOUND,
    colour,
    decode,
    grey,
    patch_tiff,
    refuse,
    tiff,
)


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
    image = decode(tiff(grey() > 99, photometric="minisblack"))
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


def test_white_is_zero_is_inverted_for_the_figures_as_for_the_model():
    image = decode(tiff(grey(), photometric="miniswhite"))
    assert np.array_equal(image.original, 255 - grey())
    assert np.array_equal(image.pixels[..., 0], 255 - grey())
    assert image.notes == ("white is zero: values inverted",)


@pytest.mark.parametrize(
    ("values", "options", "inverted"),
    [
        (grey("uint16"), {}, 65535 - grey("uint16")),
        (grey("uint16") >> 4, {"bitspersample": 12}, 4095 - (grey("uint16") >> 4)),
        (grey() > 99, {}, (grey() <= 99) * np.uint8(255)),
        (grey().astype(np.float32) + 7, {}, 255 - grey().astype(np.float32) + 7),
    ],
    ids=["16 bit", "12 bit", "1 bit", "float"],
)
def test_white_is_zero_is_inverted_within_the_range_of_its_bits(values, options, inverted):
    image = decode(tiff(values, photometric="miniswhite", **options))
    assert np.array_equal(image.original, inverted)


def test_counting_the_pages_of_a_stack_is_bounded():
    page = bytes([1, 0]) + struct.pack("<HHII", 256, 3, 1, 1)
    first = tiff(grey())
    chain = bytearray(first)
    with_next = struct.unpack_from("<I", first, 4)[0]
    (tags,) = struct.unpack_from("<H", first, with_next)
    struct.pack_into("<I", chain, with_next + 2 + 12 * tags, len(first))
    for number in range(20_000):
        chain += page + struct.pack("<I", len(first) + (len(page) + 4) * (number + 1))
    assert "pages beyond the first 10000 are not counted" in decode(bytes(chain)).notes


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
    assert "channel 0 of 4" in image.notes


def test_tiff_palette_and_cmyk_become_rgb():
    table = np.random.default_rng(2).integers(0, 65536, (3, 256), np.uint16)
    image = decode(tiff(grey(), photometric="palette", colormap=table))
    assert np.array_equal(image.original, (table.T >> 8).astype(np.uint8)[grey()])
    inks = np.zeros((24, 32, 4), np.uint8)
    inks[..., 0] = 255
    assert tuple(decode(tiff(inks, photometric="separated")).original[0, 0]) == (0, 255, 255)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({277: 65535}, "layout"),
        ({278: 1}, "incomplete"),
        ({273: 10**6}, "incomplete"),
        ({279: 10**9}, "incomplete"),
        ({279: 0}, "incomplete"),
        ({259: 6}, "compression"),
        ({259: 34712}, "another size or kind"),
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


@pytest.mark.parametrize("tag", [256, 257, 259, 277, 278])
@pytest.mark.parametrize(("kind", "count"), [(2, 4), (2, 1), (1, 4), (7, 4), (3, 2), (4, 2**31), (5, 1)])
def test_a_size_that_is_not_one_integer_is_refused(tag, kind, count):
    # A text times a height of 4 billion would be 16 GB, within tifffile's own constructor.
    data = bytearray(SOUND["tiff"])
    place = data.index(struct.pack("<H", tag), struct.unpack_from("<I", data, 4)[0])
    struct.pack_into("<HI", data, place + 2, kind, count)
    assert "header of this TIFF is damaged" in refuse(bytes(data), UndecodableImage, megabytes=1)


def test_a_text_for_the_depth_is_not_multiplied_with_the_height():
    data = bytearray(patch_tiff(tiff(grey(), rowsperstrip=1, software="any"), {257: 2**16 - 1}))
    place = data.index(struct.pack("<H", 305), struct.unpack_from("<I", data, 4)[0])
    struct.pack_into("<HHI4s", data, place, 32997, 2, 4, b"abc")
    assert "header of this TIFF is damaged" in refuse(bytes(data), UndecodableImage, megabytes=1)


def test_a_list_of_millions_of_strips_is_refused():
    data = bytearray(SOUND["tiff"])
    place = data.index(struct.pack("<H", 273), struct.unpack_from("<I", data, 4)[0])
    struct.pack_into("<HI", data, place + 2, 4, 2_000_000)
    assert "header of this TIFF is damaged" in refuse(bytes(data) + bytes(8_000_000), UndecodableImage)
