"""The stored values that show the fluorescence, of the picture itself or of a second one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from droplets.annotations.settings import AnnotationSettings
from droplets.ddpcr.false_colours import in_false_colours
from droplets.ddpcr.options import DdpcrOptions
from droplets.ddpcr.settings import DdpcrSettings
from droplets.errors import BadRequest
from droplets.types import Image

CHANNELS = ("red", "green", "blue")
BINNING = (2, 3, 4, 8)


def binning(image: Image, second: Image) -> int | None:
    """How many pixels of the picture, along a side, one of the second picture covers; None if it fits not."""
    factors = (1, *BINNING)
    sizes = ((image.width // factor, image.height // factor) for factor in factors)
    return next(
        (k for k, size in zip(factors, sizes, strict=True) if size == (second.width, second.height)), None
    )


def fluorescence_plane(
    image: Image,
    second: Image | None,
    options: DdpcrOptions,
    how: DdpcrSettings = DdpcrSettings(),
    annotations: AnnotationSettings = AnnotationSettings(),
) -> NDArray[np.generic]:
    """HxW stored values of the fluorescence: of the second picture, else of a channel of the first.

    A second picture that was binned by the camera is brought to the picture's size.

    Arguments:
        image: the picture in which droplets are found.
        second: its fluorescence; None where that is a channel of the picture.
        options: as the client wants it.
        how, annotations: the settings of digital PCR, and of scale bars in the second picture.

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
    plane = _of_second(second, options, how, annotations)
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


def _of_second(
    second: Image, options: DdpcrOptions, how: DdpcrSettings, annotations: AnnotationSettings
) -> NDArray[np.generic]:
    stored = second.original
    if not second.in_colour:
        if options.channel is not None:
            raise BadRequest("options.ddpcr.channel: the fluorescence picture is grey, leave it out.")
        return stored
    if stored.dtype == np.uint8 and in_false_colours(np.asarray(stored, np.uint8), how, annotations):
        raise BadRequest(
            "The fluorescence picture is in false colours (a lookup table), which are no measure of light: "
            "export its grey values, such as a TIFF of 16 bits."
        )
    if options.channel is not None:
        return _channel(stored, options.channel)
    return stored[..., int(stored.std(axis=(0, 1), dtype=np.float64).argmax())]


def _channel(stored: NDArray[np.generic], channel: str | int) -> NDArray[np.generic]:
    return stored[..., CHANNELS.index(channel) if isinstance(channel, str) else channel]
