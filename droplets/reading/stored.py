"""A picture as its file stores it, and how deep values become the 8 bits that the model sees.

The window. Pictures of more than 8 bits are shown through one linear window over all channels:
`low` becomes 0, `high` becomes 255, what lies beyond is clipped. The ends are taken from the
values that a 3x3 median leaves, so that hot and dead pixels do not count, and leave the 50 most
extreme values out on either side (0.1 % in a picture of under 50,000 values). 50 pixels are a
speck; a percentile of a whole frame would be more than a few small bright droplets in a dark
fluorescence frame and would make them disappear in stretched noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.errors import TooManyPixels, UndecodableImage
from droplets.types import ONE_PLANE, FileAxes, PixelSize

SMALLEST_SIDE = 8
SPECK_PIXELS = 50
SPECK_FRACTION = 0.001


@dataclass(frozen=True, eq=False)
class Stored:
    """One frame as it lies in its file, before orientation.

    Attributes:
        values: HxW (grey) or HxWx3 (RGB), uint8, uint16 or float32 (finite).
        bit_depth: bits of one stored value, 1 to 32.
        orientation: the EXIF or TIFF orientation, 1 to 8.
        notes: remarks for the client.
        pixel_size: as the file's tags give it; None if they do not.
        plane: which of the file's planes it is, in words; empty where there is but one.
        axes: what else the file holds.
    """

    values: NDArray[np.generic]
    bit_depth: int
    orientation: int = 1
    notes: tuple[str, ...] = ()
    pixel_size: PixelSize | None = None
    plane: str = ""
    axes: FileAxes = ONE_PLANE


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture by the size in its header.

    Arguments:
        width, height: in pixels, as the header gives them.
        max_pixels: the largest width * height that is taken.

    Raises:
        UndecodableImage: a side is under 8 pixels.
        TooManyPixels: over `max_pixels`.
    """
    if width < SMALLEST_SIDE or height < SMALLEST_SIDE:
        raise UndecodableImage(
            f"The image is {width} x {height} pixels; at least {SMALLEST_SIDE} x {SMALLEST_SIDE} are needed."
        )
    if width * height > max_pixels:
        raise TooManyPixels(
            f"The image is {width} x {height} = {width * height} pixels; the limit is {max_pixels}. "
            "Crop it or scale it down."
        )


def supported_type(values: NDArray[Any], bits: int) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Values as uint8, uint16 or finite float32, and notes on what that changed.

    Arguments:
        values: any shape, of any kind of real numbers in native byte order.
        bits: of one value in the file.

    Raises:
        UndecodableImage: no value is finite.
    """
    if values.dtype in (np.uint8, np.uint16):
        return values, ()
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    notes: tuple[str, ...] = ()
    if bits > 32 or (values.dtype.kind in "iu" and not np.array_equal(rounded, values)):
        notes = ("values rounded to 32-bit float",)
    finite = np.isfinite(rounded)
    if finite.all():
        return rounded, notes
    if not finite.any():
        raise UndecodableImage("The image holds no finite values.")
    low, high = float(rounded[finite].min()), float(rounded[finite].max())
    repaired = np.nan_to_num(rounded, nan=low, posinf=high, neginf=low)
    count = int(finite.size - np.count_nonzero(finite))
    return repaired, (*notes, f"{count} values that are not finite numbers replaced")


def find_window(values: NDArray[np.generic]) -> tuple[float, float]:
    """Ends (low, high) of the display window, by the rule at the head of this module.

    Arguments:
        values: HxW or HxWx3, uint16 or float32, finite.

    Returns:
        low <= high; they are equal only where the whole picture is constant.
    """
    calm = cv2.medianBlur(np.ascontiguousarray(values), 3).ravel()
    beyond = min(SPECK_PIXELS, int(SPECK_FRACTION * calm.size))
    ordered = np.partition(calm, (beyond, calm.size - 1 - beyond))
    low, high = float(ordered[beyond]), float(ordered[-1 - beyond])
    if low == high:  # nothing but specks on a constant ground: show the specks
        low, high = (float(end) for end in (np.min(values), np.max(values)))
    return low, high


def to_8bit(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Values through the linear window (low, high), rounded; all zero where low == high.

    Arguments:
        values: any shape, uint16 or float32, finite.
        low, high: the values that become 0 and 255.

    Returns:
        uint8 of the same shape.
    """
    if values.dtype == np.uint16:
        table = _window(np.arange(65536), low, high)
        return np.take(table, values.astype(np.uint16, copy=False))
    return _window(values, low, high)


def _window(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    if low == high:
        return np.zeros(values.shape, np.uint8)
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
