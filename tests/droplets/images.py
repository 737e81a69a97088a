"""Builds the image files of the tests: sound ones by the libraries, hostile ones byte by byte."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from droplets.errors import ServiceError
from droplets.reading.image import decode_image
from droplets.types import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEIGHT, WIDTH = 24, 32
MAX_PIXELS = 40_000_000


def grey(dtype: str = "uint8") -> np.ndarray:
    """24x32 ramp over the whole range of an integer type, no two corners alike."""
    top = np.iinfo(dtype).max
    return np.linspace(0, top, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(dtype)


def colour(dtype: str = "uint8") -> np.ndarray:
    """24x32x3 of three different ramps."""
    ramp = grey(dtype)
    return np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=-1)


def encode(picture: np.ndarray | Pillow.Image, kind: str, **options: Any) -> bytes:
    """File of a picture (HxW, HxWx3 uint8, or Pillow's), as Pillow writes it."""
    out = io.BytesIO()
    image = picture if isinstance(picture, Pillow.Image) else Pillow.fromarray(picture)
    image.save(out, kind, **options)
    return out.getvalue()


def tiff(values: np.ndarray, **options: Any) -> bytes:
    """TIFF file, as tifffile writes it."""
    out = io.BytesIO()
    tifffile.imwrite(out, values, **options)
    return out.getvalue()


def patch_tiff(data: bytes, tags: dict[int, int]) -> bytes:
    """A little-endian TIFF with the first value of some tags of its first page changed."""
    patched = bytearray(data)
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        for code, value in tags.items():
            tag = tif.pages[0].tags[code]
            struct.pack_into({3: "<H", 4: "<I", 16: "<Q"}[int(tag.dtype)], patched, tag.valueoffset, value)
    return bytes(patched)


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, extra: bytes = b"") -> bytes:
    """PNG with a header of any claim, raw `rows` (each begins with its filter byte) and extra chunks."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (
        PNG_SIGNATURE
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def deep_png(values: np.ndarray) -> bytes:
    """16-bit PNG of HxW, or HxWxC with C = 2 (grey, alpha), 3 (RGB) or 4 (RGBA)."""
    channels = 1 if values.ndim == 2 else values.shape[2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(values.shape[1], values.shape[0], 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], rows)


def sound_files() -> dict[str, bytes]:
    """One sound file of each kind that is taken, by name."""
    pictures = colour()
    return {
        "png": encode(pictures, "PNG"),
        "png palette": encode(Pillow.fromarray(pictures).quantize(16), "PNG"),
        "png 16 bit": deep_png(colour("uint16")),
        "jpeg": encode(pictures, "JPEG", quality=95),
        "jpeg progressive": encode(pictures, "JPEG", progressive=True),
        "webp": encode(pictures, "WEBP"),
        "webp lossless": encode(pictures, "WEBP", lossless=True),
        "bmp": encode(pictures, "BMP"),
        "tiff": tiff(grey("uint16")),
        "tiff lzw": tiff(pictures, photometric="rgb", compression="lzw", predictor=True),
        "tiff deflate tiles": tiff(grey("uint16"), compression="deflate", tile=(16, 16)),
        "tiff jpeg": tiff(pictures, photometric="rgb", compression="jpeg"),
        "tiff jpeg 2000": tiff(grey("uint16"), compression="jpeg2000", tile=(16, 16)),
        "tiff lerc": tiff(grey("uint16"), compression="lerc"),
        "tiff lzma": tiff(grey("uint16"), compression="lzma"),
        "bigtiff": tiff(grey("uint16"), bigtiff=True),
    }


SOUND = sound_files()


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
