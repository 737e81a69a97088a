"""Width of a pixel in micrometres, from what a TIFF file says of itself.

In this order, the first that is there:

OME-TIFF     PhysicalSizeX and PhysicalSizeY of the first <Pixels>, with their units
ImageJ TIFF  `unit=` of the description, with the resolution tags as pixels a unit
TIFF         the resolution tags, in pixels a centimetre or inch

Programs that know nothing of the microscope write the resolution of a screen, camera or printer into the
tags. So one in inches or centimetres is taken only if a pixel is of a microscope's size and the resolution
is no round number, as those are: what a calibration gives has more than `ROUND_DIGITS` digits. PNG and JPEG
files are not asked: their densities are those of screens and printers.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from droplets.types import PixelSize, PixelSizeSource

SMALLEST_UM, LARGEST_UM = 0.001, 1000.0
TAGGED_UM: Final = (0.02, 20.0)  # where no description says that it is a microscope's
DROPLET_UM: Final = (1.0, 2000.0)  # what droplets of such a picture measure
ROUND_DIGITS = 3
DPI_ROUNDING = 1e-5  # relative: whole pixels a metre, as some programs count, are so near to dots an inch
LARGEST_ANISOTROPY = 0.01
SEARCHED = 1_000_000  # characters of a description; <Pixels> stands near its beginning

INCH_UM, CM_UM = 25_400.0, 10_000.0
UNITS: Final = {
    "pm": 1e-6,
    "å": 1e-4,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "um": 1.0,
    "µm": 1.0,  # micro sign
    "μm": 1.0,  # Greek mu
    "micron": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "cm": CM_UM,
    "m": 1e6,
    "in": INCH_UM,
    "inch": INCH_UM,
}
X_RESOLUTION_TAG, Y_RESOLUTION_TAG, RESOLUTION_UNIT_TAG = 282, 283, 296
TAGGED_UNITS: Final = {2: INCH_UM, 3: CM_UM}

_PIXELS = re.compile(r"<(?:\w{1,32}:)?Pixels\s([^<>]{0,20000})>")
_ATTRIBUTE = re.compile(r"\b(PhysicalSize[XY](?:Unit)?)\s{0,9}=\s{0,9}[\"']([^\"'<>]{0,64})[\"']")
_IMAGEJ_UNIT = re.compile(r"^unit=([^\r\n]{1,32})", re.MULTILINE)
_ESCAPED = re.compile(r"\\u([0-9A-Fa-f]{4})")

Page = Any  # tifffile.TiffPage, which has no type stubs
Found = tuple[PixelSize | None, tuple[str, ...]]


def tiff_pixel_size(page: Page) -> Found:
    """Pixel size that the first page of a TIFF file gives, and notes on what was not taken.

    The OME-XML is searched for one element's attributes, not parsed: entities that a hostile file
    defines are never expanded.

    Arguments:
        page: tifffile.TiffPage.
    """
    description = str(page.description)[:SEARCHED]
    if page.is_ome and (found := _from_ome(description)):
        return found
    if page.is_imagej and (found := _from_imagej(page, description)):
        return found
    return _from_tags(page)


def believable(size: PixelSize | None, diameters: Sequence[float]) -> Found:
    """The pixel size, unless the resolution tags alone gave it and the droplets cannot be that large.

    Arguments:
        size: that the file gave.
        diameters: of the droplets, in pixels.
    """
    if size is None or size.source != "TIFF" or not len(diameters):
        return size, ()
    usual, (smallest, largest) = float(np.median(diameters)) * size.um, DROPLET_UM
    if smallest <= usual <= largest:
        return size, ()
    return None, (
        f"the file's resolution ({size.um:.3g} um a pixel) would make the droplets {usual:.3g} um wide: "
        "no pixel size; options.pixel_size_um gives it",
    )


def _from_ome(description: str) -> Found | None:
    pixels = _PIXELS.search(description)
    given = dict(_ATTRIBUTE.findall(pixels[1])) if pixels else {}
    if "PhysicalSizeX" not in given:
        return None
    x = _number(given["PhysicalSizeX"]) * _unit_um(given.get("PhysicalSizeXUnit", "um"))
    y = _number(given.get("PhysicalSizeY", "")) * _unit_um(given.get("PhysicalSizeYUnit", "um"))
    return _square(x, y if "PhysicalSizeY" in given else x, "OME-TIFF")


def _from_imagej(page: Page, description: str) -> Found | None:
    unit = _IMAGEJ_UNIT.search(description)
    um = _unit_um(unit[1]) if unit else math.nan
    x, y = _resolution(page, X_RESOLUTION_TAG), _resolution(page, Y_RESOLUTION_TAG)
    if math.isnan(um) or x == 0 or (um in (INCH_UM, CM_UM) and not _is_microscope(um / x)):
        return None
    return _square(um / x, um / (y or x), "ImageJ TIFF")


def _from_tags(page: Page) -> Found:
    um = TAGGED_UNITS.get(page.tags.valueof(RESOLUTION_UNIT_TAG, 1))
    x, y = _resolution(page, X_RESOLUTION_TAG), _resolution(page, Y_RESOLUTION_TAG)
    if um is None or not x or not y:
        return None, ()
    if _is_microscope(um / x):
        return _square(um / x, um / y, "TIFF")
    return None, (
        f"the file's resolution of {INCH_UM * x / um:.6g} dots an inch ({um / x:.3g} um a pixel) is that of "
        "a screen, camera or printer: no pixel size; options.pixel_size_um gives it",
    )


def _square(x: float, y: float, source: PixelSizeSource) -> Found:
    """The size if it can be one and the pixels are square, else why not."""
    if not all(SMALLEST_UM <= size <= LARGEST_UM for size in (x, y)):  # not a number fails too
        return None, (f"the pixel size in the {source} is not possible: ignored",)
    if abs(x - y) > LARGEST_ANISOTROPY * max(x, y):
        return None, (f"the pixels are not square ({x:g} x {y:g} um by the {source}): pixel size not taken",)
    return PixelSize((x + y) / 2, source), ()


def _is_microscope(um: float) -> bool:
    """Whether a pixel of `um` is that of a microscope rather than of a screen, camera or printer."""
    smallest, largest = TAGGED_UM
    return smallest <= um <= largest and not any(_is_round(unit / um) for unit in TAGGED_UNITS.values())


def _is_round(number: float) -> bool:
    return math.isclose(number, float(f"{number:.{ROUND_DIGITS}g}"), rel_tol=DPI_ROUNDING)


def _resolution(page: Page, tag: int) -> float:
    """Pixels a unit; 0 where the tag is missing or damaged."""
    value = page.tags.valueof(tag, None)
    if not (isinstance(value, tuple) and len(value) == 2 and all(isinstance(part, int) for part in value)):
        return 0.0
    return value[0] / value[1] if value[0] > 0 and value[1] > 0 else 0.0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _unit_um(text: str) -> float:
    """Micrometres in a unit of length, given in XML or as ImageJ writes it; not a number for others."""
    plain = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), html.unescape(text)).strip().lower()
    return UNITS.get(plain, UNITS.get(plain.removesuffix("s"), math.nan))
