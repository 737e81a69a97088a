"""Reads the skeleton of a TIFF file, the chain of its directories, before a library does.

tifffile multiplies what a header gives as sizes before anyone can look at it. Where a hostile file
gives a text in place of a number, that repeats the text: four letters times a height of 4 billion
are 16 GB. So the types and counts of all entries of a directory are checked here before it is read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from droplets.errors import UndecodableImage

MAX_COUNTED = 10_000
MAX_NUMBERS = 1_000_000  # in one entry; the smallest tiles of 250 megapixels

BYTE, SHORT, LONG, LONG8 = 1, 3, 4, 16
INTEGERS = (BYTE, SHORT, LONG, LONG8)
BYTE_LIKE = (BYTE, 2, 6, 7)  # with ASCII, SBYTE and UNDEFINED: kept as bytes, not as numbers

# width, length, compression, photometric, orientation, samples, rows per strip, planar configuration,
# predictor, tile width and length, image and tile depth
SINGLE_INTEGERS = (256, 257, 259, 262, 274, 277, 278, 284, 317, 322, 323, 32997, 32998)
# bits per sample; offsets and byte counts of strips, of tiles and of old JPEG; sample format
INTEGER_LISTS = (258, 273, 279, 324, 325, 339, 513, 514)


@dataclass(frozen=True)
class _Layout:
    """How one kind of TIFF writes its directories; `entry` is tag, type and count."""

    number: str
    entry: str
    entry_size: int
    offset: str
    first: int


def directory_offsets(data: bytes) -> list[int]:
    """Where the directories lie, one a page, up to 10,000 of them; a broken chain ends early.

    Raises:
        struct.error: the file ends before it tells of its first directory.
    """
    layout = _layout(data)
    (offset,) = struct.unpack_from(layout.offset, data, layout.first)
    found = dict.fromkeys([offset])
    try:
        while len(found) < MAX_COUNTED:
            (entries,) = struct.unpack_from(layout.number, data, offset)
            end = offset + struct.calcsize(layout.number) + entries * layout.entry_size
            (offset,) = struct.unpack_from(layout.offset, data, end)
            if not offset or offset in found:
                break
            struct.unpack_from(layout.number, data, offset)
            found[offset] = None
    except struct.error:  # the chain leads out of the file; what comes before may be sound all the same
        pass
    return list(found)


def check_directory(data: bytes, offset: int) -> None:
    """Refuse a directory whose sizes are not single integers, or that lists too many numbers.

    Raises:
        UndecodableImage: an entry is of the wrong type or count.
        struct.error: the file ends before the directory does.
    """
    layout = _layout(data)
    (entries,) = struct.unpack_from(layout.number, data, offset)
    start = offset + struct.calcsize(layout.number)
    for position in range(start, start + entries * layout.entry_size, layout.entry_size):
        tag, kind, count = struct.unpack_from(layout.entry, data, position)
        single = tag not in SINGLE_INTEGERS or (kind in INTEGERS and count == 1)
        listed = tag not in INTEGER_LISTS or kind in INTEGERS
        bounded = count <= MAX_NUMBERS or (kind in BYTE_LIKE and tag not in INTEGER_LISTS)
        if not (single and listed and bounded):
            raise UndecodableImage("The header of this TIFF is damaged.")


def _layout(data: bytes) -> _Layout:
    """Layout of classic TIFF or BigTIFF, in the byte order that the file is in."""
    order = "<" if data[:2] == b"II" else ">"
    (version,) = struct.unpack_from(order + "H", data, 2)
    if version == 43:
        return _Layout(order + "Q", order + "HHQ", 20, order + "Q", 8)
    return _Layout(order + "H", order + "HHI", 12, order + "I", 4)
