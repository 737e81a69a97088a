"""Reads microscopes' own files: CZI (Zeiss), ND2 (Nikon) and LIF (Leica).

The libraries are those of the extra `microscopes`. They run in the process of confined.py alone, for they
trust what a file says. Of several scenes, positions or images in a file the first one is read.
"""

from __future__ import annotations

import html
import importlib
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from droplets.errors import UndecodableImage, UnsupportedImage
from droplets.reading.pixel_size import LARGEST_UM, SMALLEST_UM
from droplets.reading.planes import Axes, Source
from droplets.reading.stored import Stored, check_size, supported_type
from droplets.types import PixelSize, PixelSizeSource

_CZI_CHANNEL = re.compile(r"<Channel\s[^<>]{0,2000}?\bName\s{0,9}=\s{0,9}\"([^\"<>]{0,64})\"")
_CZI_CHANNELS = re.compile(r"<Channels>(.{0,100000}?)</Channels>", re.DOTALL)
_CZI_WIDTH = re.compile(r"<Distance\s[^<>]{0,99}Id=\"X\"[^<>]{0,99}>\s{0,99}<Value>([^<>]{1,32})</Value>")
ZSTD, ZSTD_WITH_HEADER = 5, 6

Block = Any  # czifile.DirectoryEntryDV; none of the three has type stubs


@contextmanager
def open_czi(path: str, max_pixels: int) -> Iterator[Source]:
    """A CZI file whose planes are put together from their tiles as they are asked for.

    Arguments:
        path: of the file.
        max_pixels: limit on width * height.

    Raises:
        UnsupportedImage: the library is not installed.
        UndecodableImage, TooManyPixels: as found from the directory.
        Exception: whatever the library raises on damaged files.
    """
    with _library("czifile", "CZI").CziFile(path, multifile=False) as czi:
        planes, axes = _czi_planes(czi.subblock_directory)
        metadata = str(czi.metadata())
        listed, width = _CZI_CHANNELS.search(metadata), _CZI_WIDTH.search(metadata)
        names = [html.unescape(name) for name in _CZI_CHANNEL.findall(listed[1])] if listed else []
        size, doubts = _pixel_size(float(width[1]) * 1e6 if width else math.nan, "CZI")

        def read(channel: int, plane: int, frame: int) -> Stored:
            if (channel, plane, frame) not in planes:
                raise UndecodableImage(
                    f"Channel {channel}, plane {plane} of frame {frame} is missing in the CZI."
                )
            return _stored(_czi_plane(planes[channel, plane, frame], max_pixels), size, doubts)

        yield Source(Axes(axes["T"], axes["Z"], axes["C"], tuple(names)), read)


def _czi_planes(directory: list[Block]) -> tuple[dict[tuple[int, int, int], list[Block]], dict[str, int]]:
    """Tiles in full size of each (channel, plane, frame) of the first scene, and the numbers of these."""
    tiles = [
        (block, {each.dimension: each for each in block.dimension_entries})
        for block in directory
        if block.pyramid_type == 0
    ]
    if not tiles:
        raise UndecodableImage("The CZI file is damaged or holds no picture.")
    for axis in {axis for _, at in tiles for axis in at} - set("XYMCZT"):
        first = min(at[axis].start for _, at in tiles if axis in at)
        tiles = [(block, at) for block, at in tiles if axis not in at or at[axis].start == first]
    first = {axis: min((at[axis].start for _, at in tiles if axis in at), default=0) for axis in "CZT"}
    planes: dict[tuple[int, int, int], list[Block]] = {}
    for block, at in tiles:
        channel, plane, frame = (at[axis].start - first[axis] if axis in at else 0 for axis in "CZT")
        planes.setdefault((channel, plane, frame), []).append(block)
    counts = (max(place[i] for place in planes) + 1 for i in range(3))
    return planes, dict(zip("CZT", counts, strict=True))


def _czi_plane(blocks: list[Block], max_pixels: int) -> NDArray[Any]:
    """HxW or HxWx3 of the tiles of one plane; what no tile covers is 0."""
    boxes = []
    for block in blocks:
        at = {each.dimension: each for each in block.dimension_entries}
        boxes.append((at["X"].start, at["Y"].start, at["X"].size, at["Y"].size))
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    width, height = max(box[0] + box[2] for box in boxes) - left, max(box[1] + box[3] for box in boxes) - top
    check_size(width, height, max_pixels)
    samples = blocks[0].stored_shape[-1]
    canvas = np.zeros((height, width, samples), np.dtype(blocks[0].dtype).base)
    for block, (x, y, wide, high) in zip(blocks, boxes, strict=True):
        if math.prod(block.stored_shape) != wide * high * samples:
            raise UndecodableImage("The tiles of this CZI differ in kind; save it as OME-TIFF.")
        tile = _czi_tile(block)
        canvas[y - top : y - top + high, x - left : x - left + wide] = tile.reshape(high, wide, samples)
    return canvas[..., 0] if samples == 1 else canvas[..., :3]


def _czi_tile(block: Block) -> NDArray[Any]:
    """Values of a tile as its directory describes them; the library knows nothing of Zstandard.

    Source: ZISRAW file format 1.2.2, compressions 5 and 6. The latter begins with a header whose first byte
    is its length; where it has three, the last bit says that of 16-bit values all low bytes come first.
    """
    segment = block.data_segment()
    if block.compression not in (ZSTD, ZSTD_WITH_HEADER):
        return np.asarray(segment.data(resize=False))
    data = segment.data(raw=True)
    header = data[: data[0]] if block.compression == ZSTD_WITH_HEADER else b""
    values = np.frombuffer(imagecodecs.zstd_decode(data[len(header) :]), np.uint8)
    if len(header) == 3 and header[2] & 1:
        values = np.ascontiguousarray(values.reshape(2, -1).T)
    tile = values.view(np.dtype(block.dtype).base).reshape(block.stored_shape)
    return np.asarray(tile[..., ::-1] if tile.shape[-1] == 3 else tile)  # blue comes first


@contextmanager
def open_nd2(path: str, max_pixels: int) -> Iterator[Source]:
    """An ND2 file, with the arguments and errors of `open_czi`."""
    with _library("nd2", "ND2").ND2File(path) as file:
        sizes = file.sizes
        loops = [axis for axis in sizes if axis not in "CYXS"]
        channels = (file.metadata.channels if file.metadata else None) or []
        volume = channels[0].volume if channels else None
        um = volume.axesCalibration[0] if volume and volume.axesCalibrated[0] else math.nan
        size, doubts = _pixel_size(float(um), "ND2")
        names = tuple(str(each.channel.name) for each in channels)

        def read(channel: int, plane: int, frame: int) -> Stored:
            check_size(sizes["X"], sizes["Y"], max_pixels)
            wanted = {"Z": plane, "T": frame}
            index = 0
            for axis in loops:
                index = index * sizes[axis] + wanted.get(axis, 0)
            shape = [sizes.get(axis, 1) for axis in "CYXS"]
            values = np.asarray(file.read_frame(index)).reshape(shape)[channel]
            return _stored(values[..., 0] if shape[3] == 1 else values[..., :3], size, doubts)

        yield Source(Axes(sizes.get("T", 1), sizes.get("Z", 1), sizes.get("C", 1), names), read)


@contextmanager
def open_lif(path: str, max_pixels: int) -> Iterator[Source]:
    """A LIF file, with the arguments and errors of `open_czi`."""
    with _library("liffile", "LIF").LifFile(path) as file:
        # Leica's other containers name files beside them, which are none of a client's business.
        if file.type.name != "LIF" or not len(file.images):
            raise UndecodableImage("The LIF file is damaged or holds no picture.")
        image = file.images[0]
        sizes = image.sizes
        across = image.coords.get("X", ())
        um = 1e6 * abs(across[-1] - across[0]) / (len(across) - 1) if len(across) > 1 else math.nan
        size, notes = _pixel_size(float(um), "LIF")
        if len(file.images) > 1:
            notes += (f"first of {len(file.images)} images",)

        def read(channel: int, plane: int, frame: int) -> Stored:
            check_size(sizes["X"], sizes["Y"], max_pixels)
            wanted = {"C": channel, "Z": plane, "T": frame}
            values = np.asarray(image.frame(**{axis: wanted[axis] for axis in wanted if axis in sizes}))
            return _stored(values if values.ndim == 2 else values[..., :3], size, notes)

        yield Source(Axes(sizes.get("T", 1), sizes.get("Z", 1), sizes.get("C", 1)), read)


def _library(name: str, file_format: str) -> ModuleType:
    """One of the extra's modules."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UnsupportedImage(
            f"{file_format} is not read here: install the extra microscopes, or save the picture as OME-TIFF."
        ) from None


def _pixel_size(um: float, source: PixelSizeSource) -> tuple[PixelSize | None, tuple[str, ...]]:
    """The size, if it is given and can be one."""
    if math.isnan(um):
        return None, ()
    if not SMALLEST_UM <= um <= LARGEST_UM:
        return None, (f"the pixel size in the {source} is not possible: ignored",)
    return PixelSize(um, source), ()


def _stored(values: NDArray[Any], size: PixelSize | None, notes: tuple[str, ...]) -> Stored:
    bits = 8 * values.dtype.itemsize
    values, repair = supported_type(np.ascontiguousarray(values), bits)
    return Stored(values, min(32, bits), notes=notes + repair, pixel_size=size)
