"""Reads TIFF and BigTIFF: planes as they are asked for, as stored.

tifffile trusts the header: it makes an array of whatever size that asks for, and leaves missing
strips black. So everything in the header that sets a size is checked first, here and in
tiff_directory.py. Compressions are taken whose output tifffile bounds by the size of the strip or tile,
and those of which tiff_codecs.py can tell it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from droplets.errors import TooManyPixels, UndecodableImage
from droplets.reading.pixel_size import tiff_pixel_size
from droplets.reading.planes import Source
from droplets.reading.stored import Stored, check_size, supported_type
from droplets.reading.tiff_axes import tiff_layout
from droplets.reading.tiff_codecs import CHECKS, JPEG, Segment, check_codec, check_jpeg_tables
from droplets.reading.tiff_directory import MAX_COUNTED, check_directory, directory_offsets

COMPRESSIONS: Final = {
    1: "none",
    5: "LZW",
    7: "JPEG",
    8: "Deflate",
    32946: "Deflate",
    32773: "PackBits",
    34712: "JPEG 2000",
    34887: "LERC",
    34925: "LZMA",
    50000: "Zstandard",
}
PREDICTORS: Final = (1, 2, 3)
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
ALPHA: Final = (1, 2)
PHOTOMETRIC_TAG, ORIENTATION_TAG, HAMAMATSU_TAG = 262, 274, 65426

MAX_SAMPLES = 8
BYTES_PER_PIXEL = 8  # of one allowed pixel, decoded: four channels of 16 bits

Page = Any  # tifffile.TiffPage, which has no type stubs


@contextmanager
def open_tiff(data: bytes, max_pixels: int) -> Iterator[Source]:
    """A TIFF file whose planes are decoded as they are asked for: grey, RGB, palette or CMYK.

    Unsigned values of up to 8 bits become uint8 (under 8 bits scaled to 0..255), of up to 16 bits
    uint16 as stored; signed, 32-bit and floating values become float32. Where white is zero they are
    inverted. Grey samples of one pixel are channels.

    Arguments:
        data: the file.
        max_pixels: limit on width * height, and on the size of one tile.

    Raises:
        UndecodableImage, TooManyPixels: as found from the header, or no finite values.
        Exception: whatever tifffile raises on damaged files.
    """
    offsets = directory_offsets(data)
    check_directory(data, offsets[0])
    with tifffile.TiffFile(io.BytesIO(data), _multifile=False) as tif:
        first = tif.pages.first
        layout, samples = tiff_layout(first, len(offsets)), _grey_samples(first)
        axes = layout.axes
        if samples > 1:
            axes = replace(axes, channels=axes.channels * samples)
        pixel_size, notes = tiff_pixel_size(first)
        if len(offsets) == MAX_COUNTED:
            notes += (f"pages beyond the first {MAX_COUNTED} are not counted",)

        def read(channel: int, plane: int, frame: int) -> Stored:
            directory = layout.directory(channel // samples, plane, frame)
            page = _page(tif, data, offsets, directory)
            stored = _read(page, data, channel % samples, max_pixels)
            return replace(stored, notes=stored.notes + notes, pixel_size=pixel_size)

        yield Source(axes, read)


def _page(tif: Any, data: bytes, offsets: Sequence[int], directory: int) -> Page:
    """The page of a directory, whose sizes are checked before."""
    if directory == 0:
        return tif.pages.first
    if directory >= len(offsets):
        raise UndecodableImage(
            f"The TIFF file is incomplete; plane {directory} of those that its header lists is missing."
        )
    check_directory(data, offsets[directory])
    tif.filehandle.seek(offsets[directory])
    return tifffile.TiffPage(tif, index=directory)


def _read(page: Page, data: bytes, sample: int, max_pixels: int) -> Stored:
    """One page, after all checks; of grey samples the one that is wanted."""
    _check_kind(page)
    _check_sizes(page, max_pixels)
    _check_segments(page, data)
    plane = page.asarray(maxworkers=1)
    plane = plane.astype(plane.dtype.newbyteorder("="), copy=False)
    values, loss = _colours(page, plane, sample)
    values, repair = supported_type(values, page.bitspersample)
    inverted: tuple[str, ...] = ()
    if _photometric(page) == WHITE_IS_ZERO:
        values, inverted = _inverted(values, page.bitspersample), ("white is zero: values inverted",)
    orientation = page.tags.valueof(ORIENTATION_TAG, 1)
    return Stored(
        values=values,
        bit_depth=8 if _photometric(page) == PALETTE else min(32, page.bitspersample),
        orientation=orientation if orientation in range(1, 9) else 1,
        notes=loss + repair + inverted,
    )


def _grey_samples(page: Page) -> int:
    """Number of grey samples that a pixel has; 1 for colours, and where the other one is alpha."""
    if _photometric(page) not in (WHITE_IS_ZERO, BLACK_IS_ZERO) or _is_alpha(page, 1):
        return 1
    return min(max(1, int(page.samplesperpixel)), MAX_SAMPLES)


def _is_alpha(page: Page, colours: int) -> bool:
    """Whether what follows the colours is just an alpha channel."""
    extra = page.extrasamples
    return page.samplesperpixel == colours + 1 and bool(extra) and extra[0] in ALPHA


def _photometric(page: Page) -> int:
    """Black is zero where the tag is missing, as other readers have it; JPEG's YCbCr is decoded to RGB."""
    photometric = int(page.tags.valueof(PHOTOMETRIC_TAG, BLACK_IS_ZERO))
    return RGB if photometric == YCBCR and page.compression == JPEG else photometric


def _check_kind(page: Page) -> None:
    """Refuse kinds of pixels and of compression that are not taken."""
    bits, sample_format = page.bitspersample, page.sampleformat
    # Hamamatsu's slides cut one JPEG into tiles by rules of their own; bits in reverse hide a codec's header.
    plain = HAMAMATSU_TAG not in page.tags and (page.fillorder == 1 or page.compression not in CHECKS)
    if page.compression not in COMPRESSIONS or page.predictor not in PREDICTORS or not plain:
        raise UndecodableImage(
            "The compression of this TIFF is not supported; save it uncompressed or with LZW or Deflate."
        )
    unsigned = sample_format == UNSIGNED and isinstance(bits, int) and 1 <= bits <= 32
    signed = sample_format == SIGNED and bits in (8, 16, 32)
    floating = sample_format == FLOAT and bits in (16, 32, 64)
    if page.dtype is None or not (unsigned or signed or floating):
        raise UndecodableImage(
            "The sample type of this TIFF is not supported; save it as 8- or 16-bit integers or 32-bit float."
        )
    photometric = _photometric(page)
    grey_or_rgb = photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
    indexed = photometric in (PALETTE, CMYK) and sample_format == UNSIGNED and page.dtype.itemsize == 1
    if not (grey_or_rgb or indexed):
        raise UndecodableImage("The colour space of this TIFF is not supported; save it as grey or RGB.")


def _check_sizes(page: Page, max_pixels: int) -> None:
    """Refuse by what the header makes tifffile allocate: plane, tile, depth, samples, bytes."""
    check_size(page.imagewidth, page.imagelength, max_pixels)
    samples = page.samplesperpixel
    least = {RGB: 3, CMYK: 4}.get(_photometric(page), 1)
    if page.imagedepth != 1 or page.tiledepth > 1 or not least <= samples <= MAX_SAMPLES:
        raise UndecodableImage(
            "The layout of this TIFF is not supported; save a single plane as grey or RGB."
        )
    if page.tilewidth * page.tilelength > max_pixels:
        raise TooManyPixels(
            f"The tiles of this TIFF are {page.tilewidth} x {page.tilelength} pixels; "
            f"the limit is {max_pixels} pixels."
        )
    decoded = page.imagewidth * page.imagelength * samples * page.dtype.itemsize
    if decoded > BYTES_PER_PIXEL * max_pixels:
        raise TooManyPixels(
            f"The image takes {decoded} bytes decoded; the limit is {BYTES_PER_PIXEL * max_pixels}. "
            "Save fewer channels or 16-bit values, or crop it."
        )


def _check_segments(page: Page, data: bytes) -> None:
    """Refuse a file that does not hold every strip or tile as its header lists them."""
    offsets, counts = page.dataoffsets, page.databytecounts
    complete = len(offsets) == len(counts) == math.prod(page.chunked)
    if not complete or any(
        offset <= 0 or count <= 0 or offset + count > len(data)
        for offset, count in zip(offsets, counts, strict=True)
    ):
        raise UndecodableImage("The TIFF file is incomplete; some of its pixels are missing.")
    if page.compression not in CHECKS:
        return
    if page.jpegtables is not None:
        check_jpeg_tables(bytes(page.jpegtables))
    segment = Segment(
        width=page.tilewidth or page.imagewidth,
        height=page.tilelength or min(page.rowsperstrip, page.imagelength),
        samples=page.samplesperpixel if page.planarconfig == 1 else 1,
        bits=page.bitspersample,
        itemsize=page.dtype.itemsize,
    )
    for offset, count in zip(offsets, counts, strict=True):
        check_codec(page.compression, data[offset : offset + count], segment)


def _colours(page: Page, plane: NDArray[Any], sample: int) -> tuple[NDArray[Any], tuple[str, ...]]:
    """HxW or HxWx3 of the plane's colour channels, and notes on what was left out or converted."""
    photometric, samples = _photometric(page), page.samplesperpixel
    if plane.ndim == 3 and page.planarconfig == 2:
        plane = np.moveaxis(plane, 0, -1)
    if photometric == PALETTE:
        indices = plane if plane.ndim == 2 else plane[..., 0]
        return np.take(_palette_colours(page), indices, axis=0), ("palette converted to RGB",)
    if photometric == CMYK:
        inks = _full_scale(plane[..., :4], page.bitspersample)
        return np.asarray(Pillow.fromarray(inks, "CMYK").convert("RGB")), ("CMYK converted to RGB",)
    colours = 3 if photometric == RGB else 1
    notes: tuple[str, ...] = ()
    if _is_alpha(page, colours):
        notes = ("alpha dropped",)
    elif colours == 3 < samples:
        notes = (f"first 3 of {samples} channels",)
    if plane.ndim == 3:
        plane = plane[..., sample] if colours == 1 else plane[..., :3]
    return _full_scale(plane, page.bitspersample), notes


def _palette_colours(page: Page) -> NDArray[np.uint8]:
    """Nx3 uint8 colours of the palette, one for each value that a sample can have."""
    table = np.asarray(page.colormap, np.uint16).T
    if table.shape != (2**page.bitspersample, 3):
        raise UndecodableImage("The palette of this TIFF is damaged.")
    eight_bit = table if table.max() < 256 else table >> 8  # some writers store 0..255
    return eight_bit.astype(np.uint8)


def _full_scale(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Contiguous; unsigned values of under 8 bits (bool where it is one) scaled to 0..255."""
    if bits >= 8:
        return np.ascontiguousarray(values)
    table = np.arange(2**bits) * 255 // (2**bits - 1)
    return np.take(table.astype(np.uint8), values.astype(np.uint8))


def _inverted(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Large where they were small: in the range of their bits, or of the picture where they are floats."""
    if values.dtype == np.uint8:
        return np.asarray(255 - values)
    if values.dtype == np.uint16:
        return np.asarray(np.uint16(2**bits - 1) - values)
    return np.asarray(values.min() + values.max() - values)
