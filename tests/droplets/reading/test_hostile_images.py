"""Uploads that are wrong, damaged or made to do harm: each is refused with its error, at little cost."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import numpy as np
import pytest

from droplets.errors import (
    ServiceError,
    TooManyPixels,
    UndecodableImage,
    UnsupportedImage,
)
from tests.droplets.images import (
    PNG_SIGNATURE,
    SOUND,
    chunk,
    decode,
    encode,
    grey,
    patch_tiff,
    png,
    refuse,
    tiff,
)


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
        b"\0\0\0\x1cftypheic" + bytes(60),
        b"BMW is no bitmap, whatever its first letters say",
        b"\x89PNG",
        bytes(64),
    ],
    ids=lambda data: repr(data[:8]),
)
def test_other_content_is_415_whatever_its_name(data):
    assert "PNG, JPEG, WebP, TIFF, BMP, AVI or MP4" in refuse(data, UnsupportedImage)


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

    monkeypatch.setattr("droplets.reading.image.read_raster", fail)
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
            assert isinstance(error, UnsupportedImage | UndecodableImage)  # noqa: PT017
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
