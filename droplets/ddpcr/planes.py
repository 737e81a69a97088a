"""The stored values that show the fluorescence, of the picture itself or of a second one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from droplets.ddpcr.options import DdpcrOptions
from droplets.errors import BadRequest
from droplets.types import GREY_AXES, Image

CHANNELS = ("red", "green", "blue")
BINNING = (2, 3, 4, 8)
PALETTE_COLOURS = 256
FALLS = 0.1
"""Of a channel's range: colours of growing light in which one falls by more are those of a lookup table."""
WRITING = 0.005
"""Of the pixels, those of the rarest colours: letters of a scale bar may have any."""


def binning(image: Image, second: Image) -> int | None:
    """How many pixels of the picture, along a side, one of the second picture covers; None if it fits not."""
    factors = (1, *BINNING)
    sizes = ((image.width // factor, image.height // factor) for factor in factors)
    return next(
        (k for k, size in zip(factors, sizes, strict=True) if size == (second.width, second.height)), None
    )


def fluorescence_plane(image: Image, second: Image | None, options: DdpcrOptions) -> NDArray[np.generic]:
    """HxW stored values of the fluorescence: of the second picture, else of a channel of the first.

    A second picture that was binned by the camera is brought to the picture's size.

    Raises:
        BadRequest: the second picture has another size or false colours, or there is no such channel.
    """
    if second is None:
        return _of_picture(image, options)
    factor = binning(image, second)
    if factor is None:
        raise BadRequest(
            f"fluorescence must be of the picture's size, {image.width} x {image.height} pixels, or binned "
            f"by {', '.join(map(str, BINNING))}; it is {second.width} x {second.height}."
        )
    plane = _of_second(second, options)
    if factor == 1:
        return plane
    wide = plane.repeat(factor, axis=0).repeat(factor, axis=1)
    beyond = (0, image.height - wide.shape[0]), (0, image.width - wide.shape[1])
    return np.pad(wide, beyond, mode="edge")


def _of_picture(image: Image, options: DdpcrOptions) -> NDArray[np.generic]:
    if not image.in_colour:
        raise BadRequest("options.ddpcr needs a second picture, fluorescence, or a picture in colour.")
    if options.channel is None:
        raise BadRequest("options.ddpcr.channel must say which channel shows the fluorescence.")
    return _channel(image.original, options.channel)


def _of_second(second: Image, options: DdpcrOptions) -> NDArray[np.generic]:
    stored = second.original
    if not second.in_colour:
        if options.channel is not None:
            raise BadRequest("options.ddpcr.channel: the fluorescence picture is grey, leave it out.")
        return stored
    if _in_false_colours(stored):
        raise BadRequest(
            "The fluorescence picture is in false colours (a lookup table), which are no measure of light: "
            "export its grey values, such as a TIFF of 16 bits."
        )
    if options.channel is not None:
        return _channel(stored, options.channel)
    return stored[..., int(stored.std(axis=(0, 1), dtype=np.float64).argmax())]


def _channel(stored: NDArray[np.generic], channel: str | int) -> NDArray[np.generic]:
    return stored[..., CHANNELS.index(channel) if isinstance(channel, str) else channel]


def _in_false_colours(stored: NDArray[np.generic]) -> bool:
    """Whether HxWx3 bytes are those of a table of colours in which not every channel grows with the light."""
    if stored.dtype != np.uint8 or stored.ndim == GREY_AXES:
        return False
    packed = stored.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    colours, counts = np.unique(packed, return_counts=True)
    if colours.size > PALETTE_COLOURS:
        return False
    rarest = counts.argsort()
    colours = colours[rarest[counts[rarest].cumsum() > WRITING * packed.size]]
    channels = np.stack([colours >> 16, (colours >> 8) & 255, colours & 255], axis=1).astype(int)
    ordered = channels[channels.sum(axis=1).argsort(kind="stable")]
    fallen = (np.maximum.accumulate(ordered, axis=0) - ordered).max(axis=0)
    return bool((fallen > FALLS * np.ptp(ordered, axis=0).max()).any())
