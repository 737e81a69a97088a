"""What a client may set about digital PCR, and the plane that is meant."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from droplets.errors import BadRequest
from droplets.parameters import Parameters
from droplets.types import Image

CHANNELS = ("red", "green", "blue")


class DdpcrOptions(Parameters):
    """How digital PCR is evaluated."""

    threshold: float | None = Field(
        None, description="Amplitude from which a droplet is positive; null: found from the picture."
    )
    channel: Literal["red", "green", "blue"] | Annotated[int, Field(ge=0, le=2)] | None = Field(
        None,
        description="Channel that shows the fluorescence, by name or index; needed where no second picture "
        "is sent. null: of a second picture in colour the one that varies most.",
    )
    registration: Literal["auto", "none"] = Field(
        "auto",
        description="auto: find shift and drift of the second picture; none: it lies as the first one.",
    )


def fluorescence_plane(image: Image, second: Image | None, options: DdpcrOptions) -> NDArray[np.generic]:
    """HxW stored values of the fluorescence: of the second picture, else of a channel of the first.

    Raises:
        BadRequest: the second picture has another size, or there is no such channel.
    """
    if second is not None and (second.width, second.height) != (image.width, image.height):
        raise BadRequest(
            f"fluorescence must be of the picture's size, {image.width} x {image.height} pixels; "
            f"it is {second.width} x {second.height}."
        )
    shown = second or image
    stored = shown.original
    if not shown.in_colour:
        if second is None:
            raise BadRequest("options.ddpcr needs a second picture, fluorescence, or a picture in colour.")
        if options.channel is not None:
            raise BadRequest("options.ddpcr.channel: the fluorescence picture is grey, leave it out.")
        return stored
    if options.channel is not None:
        channel = options.channel
        return stored[..., CHANNELS.index(channel) if isinstance(channel, str) else channel]
    if second is None:
        raise BadRequest("options.ddpcr.channel must say which channel shows the fluorescence.")
    return stored[..., int(stored.std(axis=(0, 1), dtype=np.float64).argmax())]
