"""Checks a strip or tile of a TIFF whose codec has a header of its own, before that is decoded.

JPEG, JPEG 2000 and LERC make an array of the size that their own header gives, and LZMA a dictionary and an
output of any size. So that header has to say no more than the TIFF's does, and to ask for no structures out
of proportion to the pixels.

Sources: ITU-T T.81 annex B (JPEG); ITU-T T.800 annex A (JPEG 2000); Esri's Lerc2 header, versions 3 to 6.
"""

from __future__ import annotations

import lzma
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from droplets.errors import UndecodableImage

JPEG, LERC, LZMA, JPEG_2000 = 7, 34887, 34925, 34712

# JPEG
SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
FRAMES: Final = (0xC0, 0xC1, 0xC2)  # baseline, extended and progressive, in Huffman code
TABLES: Final = (0xDB, 0xC4, 0xDD, 0xFE, *range(0xE0, 0xF0))  # DQT, DHT, DRI, COM, APPn

# JPEG 2000
SOC, SIZ, COD, COC, SOT, SOD, EOC = 0xFF4F, 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
MOST_TILES = 256  # OpenJPEG sets up about 10 KB for each
SMALLEST_BLOCK = 8  # log2 of the samples in a code block, which takes a few hundred bytes
SMALLEST_PRECINCT = 6  # log2 of each side

LZMA_MEMORY = 128 * 2**20  # xz -9 decodes in 65 MB
LERC_BYTES: Final = (1, 1, 2, 2, 4, 4, 4, 8)  # of a value, by data type


@dataclass(frozen=True)
class Segment:
    """What the TIFF says of one strip or tile: pixels, samples of each, bits and bytes of one sample."""

    width: int
    height: int
    samples: int
    bits: int
    itemsize: int

    @property
    def size(self) -> int:
        """Bytes, decoded."""
        return self.width * self.height * self.samples * self.itemsize


def check_codec(compression: int, data: bytes, segment: Segment) -> None:
    """Refuse a strip or tile that would decode to more than the TIFF says.

    Arguments:
        compression: the TIFF's tag; of those that need no check nothing is looked at.
        data: the strip or tile.
        segment: what the TIFF says of it.

    Raises:
        UndecodableImage: its header is damaged, or asks for more or something else.
    """
    check = CHECKS.get(compression)
    try:
        sound = check is None or check(data, segment)
    except (struct.error, IndexError, lzma.LZMAError, EOFError):
        sound = False
    if not sound:
        raise UndecodableImage(
            "The compressed pixels of this TIFF are damaged or of another size or kind than its header says."
        )


def check_jpeg_tables(tables: bytes) -> None:
    """Refuse shared tables of JPEG strips that hold anything but tables.

    Raises:
        UndecodableImage: they do.
    """
    try:
        markers = [marker for marker, _ in _jpeg_markers(tables)]
    except (struct.error, IndexError):
        markers = [0]
    if not set(markers) <= set(TABLES):
        raise UndecodableImage("The JPEG tables of this TIFF are damaged.")


def _jpeg(data: bytes, segment: Segment) -> bool:
    frames = []
    for marker, start in _jpeg_markers(data):
        if marker == SOS:
            break
        if marker in FRAMES:
            frames.append(struct.unpack_from(">BHHB", data, start + 2))
        elif marker not in TABLES:
            return False
    if len(frames) != 1:
        return False
    bits, height, width, samples = frames[0]
    fits = 0 < width <= segment.width and 0 < height <= segment.height
    return fits and (bits, samples) == (segment.bits, segment.samples)


def _jpeg_markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Each marker up to the end of the header, with the place of its length; strictly one after the other."""
    if data[:2] != bytes([0xFF, SOI]):
        raise IndexError
    place = 2
    while place < len(data):
        if data[place] != 0xFF:
            raise IndexError
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == EOI:
            return
        yield marker, place + 2
        (length,) = struct.unpack_from(">H", data, place + 2)
        place += 2 + length


def _jpeg_2000(data: bytes, segment: Segment) -> bool:
    if struct.unpack_from(">HH", data) != (SOC, SIZ):  # not boxed in a JP2 file, which may hold a palette
        return False
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top = struct.unpack_from(
        ">8I", data, 8
    )
    (samples,) = struct.unpack_from(">H", data, 40)
    components = [struct.unpack_from("BBB", data, 42 + 3 * i) for i in range(min(samples, segment.samples))]
    if not (tile_width and tile_height and tile_left <= left < right and tile_top <= top < bottom):
        return False
    tiles = -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
    return (
        right - left <= segment.width
        and bottom - top <= segment.height
        and samples == segment.samples
        and all((depth & 0x7F) < 8 * segment.itemsize and x == y == 1 for depth, x, y in components)
        and tiles <= MOST_TILES
        and all(_coarse(data, marker, start, samples) for marker, start in _jpeg_2000_markers(data))
    )


def _jpeg_2000_markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Each marker of the main header and those of all tile parts, with the place of its length."""
    place, next_part = 2, len(data)
    while place + 2 <= len(data):
        (marker,) = struct.unpack_from(">H", data, place)
        if marker == SOT:
            (length,) = struct.unpack_from(">I", data, place + 6)
            next_part = place + length if length else len(data)
        elif marker == SOD and next_part > place:
            place = next_part
            continue
        elif marker == EOC:
            return
        if marker < SOC:
            raise IndexError
        yield marker, place + 2
        (size,) = struct.unpack_from(">H", data, place + 2)
        place += 2 + max(size, 2)


def _coarse(data: bytes, marker: int, start: int, samples: int) -> bool:
    """Whether a marker divides the picture into no tiny code blocks or precincts."""
    if marker not in (COD, COC):
        return True
    style = start + 2 + (0 if marker == COD else 1 if samples < 257 else 2)
    levels, width, height = struct.unpack_from("BBB", data, style + (5 if marker == COD else 1))
    if (width & 15) + (height & 15) + 4 < SMALLEST_BLOCK:
        return False
    if not data[style] & 1:
        return True
    first = style + (10 if marker == COD else 6)
    precincts = data[first : first + levels + 1]
    return all(min(size & 15, size >> 4) >= SMALLEST_PRECINCT for size in precincts)


def _lerc(data: bytes, segment: Segment) -> bool:
    if data[:6] != b"Lerc2 ":
        return False
    (version,) = struct.unpack_from("<i", data, 6)
    if not 3 <= version <= 6:
        return False
    height, width = struct.unpack_from("<ii", data, 14)
    (depth,) = struct.unpack_from("<i", data, 22) if version > 3 else (1,)
    size, kind = struct.unpack_from("<8xii", data, 26 if version > 3 else 22)
    return (
        0 < width <= segment.width
        and 0 < height <= segment.height
        and 0 < depth <= segment.samples
        and size == len(data)  # another picture behind it would be one more band
        and 0 <= kind < len(LERC_BYTES)
        and LERC_BYTES[kind] == segment.itemsize
    )


def _lzma(data: bytes, segment: Segment) -> bool:
    """Whether it decodes within its size and a bounded memory; tried, for only that tells."""
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=LZMA_MEMORY)
    unpacked = unpacker.decompress(data, max_length=segment.size + 1)
    return unpacker.eof and len(unpacked) <= segment.size


CHECKS: Final[dict[int, Callable[[bytes, Segment], bool]]] = {
    JPEG: _jpeg,
    JPEG_2000: _jpeg_2000,
    LERC: _lerc,
    LZMA: _lzma,
}
