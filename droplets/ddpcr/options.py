"""What a client may set about digital PCR."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from droplets.parameters import Parameters


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
