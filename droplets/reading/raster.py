"""Reads PNG, JPEG, WebP and BMP: the first frame, as stored.

Pillow reads the header, the limits are checked on that, and only then are pixels decoded. Two
things are done by hand. 16-bit PNGs are decoded by imagecodecs, since Pillow cuts all but grey
ones to 8 bits. The size of a WebP is read from its first bytes, since Pillow sets up a whole
canvas when it opens one.
"""

from __future__ import annotations

import io
import struct

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from droplets.errors import UndecodableImage
from droplets.reading.stored import Stored, check_size

# Pillow's own limit is a warning at a size of its own choosing; check_size takes its place.
Pillow.MAX_IMAGE_PIXELS = None

ORIENTATION_TAG = 0x0112
PNG_DEPTH_BYTE = 24  # in IHDR, which comes first in every PNG

# What to convert a Pillow mode to, and what that loses.
CONVERSIONS: dict[str, tuple[str, str | None]] = {
    "1": ("L", None),
    "L": ("L", None),
    "LA": ("L", "alpha dropped"),
    "P": ("RGB", "palette converted to RGB"),
    "PA": ("RGB", "palette converted to RGB, alpha dropped"),
    "RGB": ("RGB", None),
    "RGBX": ("RGB", None),
    "RGBA": ("RGB", "alpha dropped"),
    "CMYK": ("RGB", "CMYK converted to RGB"),
}


def read_raster(data: bytes, file_format: str, max_pixels: int) -> Stored:
    """Decode the first frame of a PNG, JPEG, WebP or BMP file.

    Grey of 1, 2 or 4 bits is scaled to 0..255, with `bit_depth` saying what the file has.

    Arguments:
        data: the file.
        file_format: "PNG", "JPEG", "WEBP" or "BMP"; no other decoder is tried.
        max_pixels: limit on width * height.

    Raises:
        UndecodableImage, TooManyPixels: as found from the header.
        Exception: whatever Pillow and imagecodecs raise on damaged files.
    """
    if file_format == "WEBP":
        check_size(*webp_size(data), max_pixels)
    with Pillow.open(io.BytesIO(data), formats=[file_format]) as picture:
        check_size(*picture.size, max_pixels)
        depth = _bit_depth(data, file_format, picture.mode)
        notes = _frame_notes(picture)
        values, loss = _deep_png(data) if depth == 16 else _pixels(picture)
        orientation = _orientation(picture)
    if loss:
        notes += (loss,)
    return Stored(values, depth, orientation, notes=notes)


def webp_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels from the first chunk of a WebP file.

    Raises:
        UndecodableImage: the chunk is not one of VP8X, VP8L and VP8.
        struct.error: the file ends before it.

    Source: WebP Container Specification; RFC 6386 section 9.1; RFC 9649 section 3.4.
    """
    kind = data[12:16]
    if kind == b"VP8X":  # 24-bit width - 1 and height - 1
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
        return low_width + (high_width << 16) + 1, low_height + (high_height << 16) + 1
    if kind == b"VP8L":  # 14-bit width - 1 and height - 1
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":  # 14 bits each; the upper two are a scale
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise UndecodableImage("The WEBP file is damaged.")


def _bit_depth(data: bytes, file_format: str, mode: str) -> int:
    """Bits of one stored value; a palette counts as the 8-bit colours it stands for."""
    if mode in ("P", "PA"):
        return 8
    if file_format == "PNG":
        return data[PNG_DEPTH_BYTE]
    return 1 if mode == "1" else 8


def _frame_notes(picture: Pillow.Image) -> tuple[str, ...]:
    frames = getattr(picture, "n_frames", 1)
    return (f"first of {frames} frames",) if frames > 1 else ()


def _pixels(picture: Pillow.Image) -> tuple[NDArray[np.generic], str | None]:
    """HxW or HxWx3 uint8, and a note on what the conversion lost."""
    if picture.mode not in CONVERSIONS:
        raise UndecodableImage("The kind of pixels in this image is not supported; save it as grey or RGB.")
    mode, loss = CONVERSIONS[picture.mode]
    picture.load()
    if "transparency" in picture.info:
        # Left in place, a transparent colour would make Pillow go by way of RGBA.
        del picture.info["transparency"]
        loss = f"{loss}, transparency dropped" if loss else "transparency dropped"
    return np.asarray(picture.convert(mode)), loss


def _deep_png(data: bytes) -> tuple[NDArray[np.generic], str | None]:
    """HxW or HxWx3 uint16 of a 16-bit PNG, and a note on dropped alpha."""
    values = imagecodecs.png_decode(data)
    if values.ndim == 2:
        return values, None
    colours = 3 if values.shape[2] >= 3 else 1
    loss = "alpha dropped" if values.shape[2] > colours else None
    return np.ascontiguousarray(values[..., 0] if colours == 1 else values[..., :3]), loss


def _orientation(picture: Pillow.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none or the EXIF block is damaged."""
    try:
        value = picture.getexif().get(ORIENTATION_TAG, 1)
    except Exception:
        # Cameras write broken EXIF blocks around sound pixels, and Pillow has no error class for them.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
