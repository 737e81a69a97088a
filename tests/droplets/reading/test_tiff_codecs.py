"""Image codecs and LZMA inside a TIFF: what they keep, and that none decodes to more than the TIFF says."""

from __future__ import annotations

import lzma
import struct
import tracemalloc
import zlib
from contextlib import suppress

import cv2
import imagecodecs
import numpy as np
import pytest

from droplets.errors import UndecodableImage
from tests.droplets.images import colour, decode, grey, patch_tiff, refuse, tiff

BIG = np.zeros((4000, 4000), np.uint8)
KIND = "another size or kind"


def with_strip(compression: str, strip: bytes, **options) -> bytes:
    """A TIFF of 24x32 grey pixels whose only strip is another one."""
    small = tiff(grey(), compression=compression, rowsperstrip=24, **options)
    return patch_tiff(small, {273: len(small), 279: len(strip)}) + strip


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"rowsperstrip": 5}], ids=str)
@pytest.mark.parametrize("compression", ["jpeg2000", "lerc", "lzma", "zstd"])
@pytest.mark.parametrize("values", [grey(), grey("uint16"), colour(), colour("uint16")], ids=str)
def test_lossless_codecs_keep_every_value(compression, values, options):
    kind = "rgb" if values.ndim == 3 else "minisblack"
    image = decode(tiff(values, photometric=kind, compression=compression, **options))
    assert np.array_equal(image.original, values)


@pytest.mark.parametrize("values", [grey().astype(np.float32) / 7, grey("uint16").astype(np.int32)], ids=str)
def test_lerc_keeps_floats_and_long_integers(values):
    assert np.array_equal(decode(tiff(values, compression="lerc")).original, values)


@pytest.mark.parametrize("options", [{}, {"tile": (16, 16)}, {"rowsperstrip": 16}], ids=str)
@pytest.mark.parametrize("subsampling", [None, (1, 1), (2, 2)])
def test_jpeg_in_tiff_keeps_colours_nearly(options, subsampling):
    smooth = cv2.GaussianBlur(colour(), (0, 0), 2)
    stored, how = smooth, {"photometric": "rgb"}
    if subsampling:
        stored = cv2.cvtColor(smooth, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
        how = {"photometric": "ycbcr", "subsampling": subsampling}
    image = decode(tiff(stored, compression="jpeg", compressionargs={"level": 98}, **how, **options))
    assert image.original.shape == (24, 32, 3)
    assert np.abs(image.original.astype(int) - smooth)[4:-4, 4:-4].max() < 12


def test_jpeg_in_tiff_keeps_grey_nearly():
    image = decode(tiff(grey(), compression="jpeg", compressionargs={"level": 98}))
    assert np.abs(image.original.astype(int) - grey()).max() < 6


STRIPS = {
    "jpeg": imagecodecs.jpeg8_encode(BIG),
    "jpeg2000": imagecodecs.jpeg2k_encode(BIG, codecformat="j2k"),
    "lerc": imagecodecs.lerc_encode(BIG),
    "lzma": lzma.compress(BIG.tobytes()),
}


@pytest.mark.parametrize("compression", STRIPS)
def test_a_strip_that_decodes_to_more_than_it_says_is_refused_at_no_cost(compression):
    megabytes = 10 if compression == "lzma" else 1  # its dictionary has 8
    data = with_strip(compression, STRIPS[compression])
    assert KIND in refuse(data, UndecodableImage, megabytes=megabytes)


def wrong_strips() -> dict[str, tuple[str, bytes]]:
    """Strips of the right size with something else wrong in their headers, by what that is."""
    jpeg, three = imagecodecs.jpeg8_encode(grey()), imagecodecs.jpeg8_encode(colour())
    frame = jpeg.index(b"\xff\xc0")
    segment = jpeg[frame : frame + 13]
    j2k = imagecodecs.jpeg2k_encode(grey(), codecformat="j2k")
    style = j2k.index(b"\xff\x52")
    lerc = imagecodecs.lerc_encode(grey())

    def patched(data: bytes, place: int, new: bytes) -> bytes:
        return data[:place] + new + data[place + len(new) :]

    precincts = bytearray(patched(j2k, style + 4, b"\x01"))
    levels = j2k[style + 9]
    precincts[style + 14 : style + 14] = bytes(levels + 1)
    struct.pack_into(">H", precincts, style + 2, 12 + levels + 1)
    hungry = lzma.compress(grey().tobytes())
    block = patched(hungry[12:20], 4, b"\x28")  # the size of its dictionary
    hungry = patched(hungry, 12, block + struct.pack("<I", zlib.crc32(block)))
    return {
        "jpeg of three samples": ("jpeg", three),
        "jpeg of 12 bits": ("jpeg", patched(jpeg, frame + 4, b"\x0c")),
        "jpeg, arithmetic": ("jpeg", patched(jpeg, frame, b"\xff\xc9")),
        "jpeg, two frames": ("jpeg", jpeg[:frame] + segment + jpeg[frame:]),
        "jpeg, another picture's header in front": ("jpeg", imagecodecs.jpeg8_encode(BIG)[:300] + jpeg),
        "jpeg, nothing": ("jpeg", b"\xff\xd8\xff\xd9"),
        "jpeg 2000 in JP2": ("jpeg2000", imagecodecs.jpeg2k_encode(grey(), codecformat="jp2")),
        "jpeg 2000, tiles of a pixel": ("jpeg2000", patched(j2k, 24, struct.pack(">II", 1, 1))),
        "jpeg 2000, tiles of nothing": ("jpeg2000", patched(j2k, 24, struct.pack(">II", 0, 0))),
        "jpeg 2000, empty": ("jpeg2000", patched(j2k, 8, struct.pack(">II", 0, 0))),
        "jpeg 2000, far away": ("jpeg2000", patched(j2k, 8, struct.pack(">II", 2**32 - 1, 2**32 - 1))),
        "jpeg 2000, many samples": ("jpeg2000", patched(j2k, 40, struct.pack(">H", 16384))),
        "jpeg 2000 of 38 bits": ("jpeg2000", patched(j2k, 42, b"\x25")),
        "jpeg 2000, subsampled": ("jpeg2000", patched(j2k, 43, b"\x02\x02")),
        "jpeg 2000, tiny blocks": ("jpeg2000", patched(j2k, style + 10, b"\0\0")),
        "jpeg 2000, tiny precincts": ("jpeg2000", bytes(precincts)),
        "lerc of doubles": ("lerc", imagecodecs.lerc_encode(grey().astype(np.float64))),
        "lerc, another one behind": ("lerc", lerc + lerc),
        "lerc, more values a pixel": ("lerc", patched(lerc, 22, struct.pack("<i", 10**6))),
        "lerc, first version": ("lerc", b"CntZImage " + lerc[10:]),
        "lzma, two streams": ("lzma", lzma.compress(bytes(10))[:-1]),
        "lzma, 4 GB of memory": ("lzma", hungry),
        "lzma alone": ("lzma", lzma.compress(grey().tobytes(), lzma.FORMAT_ALONE)),
    }


@pytest.mark.parametrize(("compression", "strip"), wrong_strips().values(), ids=wrong_strips())
def test_a_header_that_asks_for_something_else_is_refused(compression, strip):
    assert KIND in refuse(with_strip(compression, strip), UndecodableImage, megabytes=10)


def test_tile_parts_that_lead_nowhere_do_not_keep_the_reader():
    j2k = bytearray(imagecodecs.jpeg2k_encode(grey(), codecformat="j2k"))
    part = j2k.index(b"\xff\x90")
    struct.pack_into(">I", j2k, part + 6, 1)
    refuse(with_strip("jpeg2000", bytes(j2k)), UndecodableImage)


def test_bits_in_reverse_do_not_hide_a_header():
    strip = imagecodecs.bitorder_encode(STRIPS["jpeg2000"])
    data = bytearray(with_strip("jpeg2000", strip))
    place = data.index(struct.pack("<HHI", 305, 2, 12))  # the program's name makes room for FillOrder
    struct.pack_into("<HHIHH", data, place, 266, 3, 1, 2, 0)
    data = bytes(data)
    assert "compression" in refuse(data, UndecodableImage)


def test_shared_tables_hold_nothing_but_tables():
    jpeg = imagecodecs.jpeg8_encode(grey())
    tables = jpeg[: jpeg.index(b"\xff\xc0")] + b"\xff\xd9"
    for shared, sound in ((tables, True), (imagecodecs.jpeg8_encode(BIG), False), (b"\xff\xd8\0", False)):
        data = tiff(grey(), compression="jpeg", extratags=[(347, 7, len(shared), shared, True)])
        if sound:
            assert np.abs(decode(data).original.astype(int) - grey()).max() < 20
        else:
            assert "JPEG tables" in refuse(data, UndecodableImage)


@pytest.mark.parametrize("compression", STRIPS)
def test_mutated_strips_take_no_more_memory_than_their_size(compression):
    random = np.random.default_rng(7)
    sound = tiff(grey(), compression=compression, rowsperstrip=24)
    start = sound.index(
        {"jpeg": b"\xff\xd8", "jpeg2000": b"\xff\x4f\xff\x51", "lerc": b"Lerc2", "lzma": b"\xfd7zXZ"}[
            compression
        ]
    )
    tracemalloc.start()
    for _ in range(200):
        data = bytearray(sound)
        for place in random.integers(start, min(len(data), start + 120), 2):
            data[place] = random.integers(256)
        with suppress(UndecodableImage):
            decode(bytes(data))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (2**24 if compression == "lzma" else 2**20)
