"""Which directory of a TIFF file holds which channel, plane and frame.

OME-TIFF     DimensionOrder, SizeC, SizeZ and SizeT of the first <Pixels>, and its <TiffData>
ImageJ TIFF  `channels=`, `slices=` and `frames=` of the description; channels follow each other the fastest
tifffile     `axes` and `shape` of the description
TIFF         each directory is a frame

As in pixel_size.py the OME-XML is searched, not parsed: entities that a hostile file defines are never
expanded.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Final

from droplets.errors import UndecodableImage
from droplets.reading.planes import Axes, possible_interval

XML_SEARCHED = 10_000_000  # characters of a description: OME-XML tells of each plane
LONGEST_NAME = 64

_PIXELS = re.compile(r"<(?:\w{1,32}:)?Pixels\s([^<>]{0,20000})>")
_PIXELS_END = re.compile(r"</(?:\w{1,32}:)?Pixels>")
_CHANNEL = re.compile(r"<(?:\w{1,32}:)?Channel\s([^<>]{0,20000})>")
_TIFF_DATA = re.compile(
    r"<(?:\w{1,32}:)?TiffData\b([^<>]{0,2000})>(?:\s{0,99}<(?:\w{1,32}:)?UUID\b[^<>]{0,2000}>([^<>]{0,200})<)?"
)
_OME_UUID = re.compile(r"<(?:\w{1,32}:)?OME\s[^<>]{0,20000}?\bUUID\s{0,9}=\s{0,9}[\"']([^\"'<>]{0,200})[\"']")
_ATTRIBUTE = re.compile(r"\b(\w{1,32})\s{0,9}=\s{0,9}[\"']([^\"'<>]{0,1000})[\"']")
_IMAGEJ_INTERVAL = re.compile(r"^finterval=([\d.eE+-]{1,32})\s*$", re.MULTILINE)
_SECONDS: Final = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6}
_IMAGEJ = re.compile(r"^(channels|slices|frames)=(\d{1,9})\s*$", re.MULTILINE)

IMAGEJ_ORDER: Final = "CZT"

Page = Any  # tifffile.TiffPage, which has no type stubs
Place = tuple[int, int, int]


@dataclass(frozen=True)
class Layout:
    """Axes of a file's directories, and where each plane lies among them.

    Attributes:
        axes: of the directories; samples of a pixel are not among the channels.
        order: of "C", "Z" and "T", the one that changes the fastest first.
        listed: directory of (channel, plane, frame), where the file lists them; else by `order`.
    """

    axes: Axes
    order: str = IMAGEJ_ORDER
    listed: Mapping[Place, int] = field(default_factory=dict)

    def directory(self, channel: int, plane: int, frame: int) -> int:
        """Index of the directory that holds a plane.

        Raises:
            UndecodableImage: the file lists its planes, but not this one.
        """
        if self.listed:
            if (channel, plane, frame) not in self.listed:
                raise UndecodableImage(
                    f"Channel {channel}, plane {plane} of frame {frame} lies in another file of this "
                    "OME-TIFF; choose what lies in this one, or save all in one file."
                )
            return self.listed[channel, plane, frame]
        return _index(self.axes, self.order, (channel, plane, frame))


def tiff_layout(page: Page, directories: int) -> Layout:
    """The layout that the first page's description gives, else one frame a directory.

    Arguments:
        page: tifffile.TiffPage.
        directories: their number.
    """
    description = str(page.description)[:XML_SEARCHED]
    found = None
    if page.is_ome:
        found = _from_ome(description, directories)
    elif page.is_imagej:
        found = _from_imagej(description)
    elif page.is_shaped:
        found = _from_shape(description, directories)
    return found or Layout(Axes(frames=directories))


def _from_ome(description: str, directories: int) -> Layout | None:
    pixels = _PIXELS.search(description)
    if pixels is None:
        return None
    given = dict(_ATTRIBUTE.findall(pixels[1]))
    end = _PIXELS_END.search(description, pixels.end())
    inside = description[pixels.end() : end.start() if end else None]
    channels = [dict(_ATTRIBUTE.findall(each)) for each in _CHANNEL.findall(inside)]
    samples = _size(channels[0], "SamplesPerPixel") if channels else 1
    axes = Axes(
        frames=_size(given, "SizeT"),
        planes=_size(given, "SizeZ"),
        channels=max(1, _size(given, "SizeC") // samples),
        names=tuple(html.unescape(each.get("Name", ""))[:LONGEST_NAME] for each in channels),
        interval_s=_seconds(given.get("TimeIncrement", ""), given.get("TimeIncrementUnit", "s")),
    )
    order = given.get("DimensionOrder", "XYCZT")[2:]
    if sorted(order) != sorted(IMAGEJ_ORDER):
        return None
    own = _OME_UUID.search(description)
    listed = (
        _listed(dict(_ATTRIBUTE.findall(block[1])), axes, order, directories)
        for block in _TIFF_DATA.finditer(inside)
        if not block[2] or own is None or block[2] == own[1]
    )
    # No sound file lists more than it has, and a hostile one may list all again and again.
    return Layout(axes, order, dict(islice(chain.from_iterable(listed), directories)))


def _listed(
    block: Mapping[str, str], axes: Axes, order: str, directories: int
) -> Iterator[tuple[Place, int]]:
    """Each place that one <TiffData> tells of, with its directory."""
    first = _number(block.get("IFD", ""), 0)
    # Without a directory all are meant, with one just that, unless a count is given.
    count = _number(block.get("PlaneCount", ""), 1 if "IFD" in block else directories)
    start = _index(axes, order, tuple(_number(block.get(f"First{axis}", ""), 0) for axis in IMAGEJ_ORDER))
    last = min(count, directories - first, axes.frames * axes.planes * axes.channels - start)
    return ((_place(axes, order, start + step), first + step) for step in range(last))


def _from_imagej(description: str) -> Layout | None:
    given = dict(_IMAGEJ.findall(description))
    if not given:
        return None
    interval = _IMAGEJ_INTERVAL.search(description)
    axes = Axes(
        frames=_size(given, "frames"),
        planes=_size(given, "slices"),
        channels=_size(given, "channels"),
        interval_s=_seconds(interval[1], "s") if interval else None,
    )
    return Layout(axes)


def _from_shape(description: str, directories: int) -> Layout | None:
    """Axes that tifffile wrote as JSON, if they are of time, z and channels; the last runs the fastest."""
    try:
        given = json.loads(description)
        sizes = dict(zip(given["axes"], given["shape"], strict=True))
        order = "".join(axis for axis in reversed(given["axes"]) if axis not in "YXS")
        sizes = {axis: int(sizes[axis]) for axis in order}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if set(order) - set(IMAGEJ_ORDER) or math.prod(sizes.values()) != directories:
        return None
    order += "".join(axis for axis in IMAGEJ_ORDER if axis not in order)
    return Layout(Axes(sizes.get("T", 1), sizes.get("Z", 1), sizes.get("C", 1)), order)


def _sizes(axes: Axes) -> dict[str, int]:
    return {"C": axes.channels, "Z": axes.planes, "T": axes.frames}


def _index(axes: Axes, order: str, place: tuple[int, ...]) -> int:
    """Number of a (channel, plane, frame) in the order of the axes."""
    at, sizes = dict(zip(IMAGEJ_ORDER, place, strict=True)), _sizes(axes)
    index = 0
    for axis in reversed(order):
        index = index * sizes[axis] + at[axis]
    return index


def _place(axes: Axes, order: str, index: int) -> Place:
    """The (channel, plane, frame) of a number, the other way round."""
    at, sizes = dict[str, int](), _sizes(axes)
    for axis in order:
        index, at[axis] = divmod(index, sizes[axis])
    return at["C"], at["Z"], at["T"]


def _size(given: Mapping[str, str], name: str) -> int:
    return max(1, _number(given.get(name, ""), 1))


def _seconds(text: str, unit: str) -> float | None:
    """A time as a description gives it; None where it is none."""
    try:
        return possible_interval(float(text) * _SECONDS[html.unescape(unit)])
    except (ValueError, KeyError):
        return None


def _number(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else default
