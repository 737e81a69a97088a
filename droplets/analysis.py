"""The answer to a picture, as `pipeline.analyze` gives it to whoever serves or exports it."""

from __future__ import annotations

from dataclasses import dataclass

from droplets.ddpcr.result import DigitalPcr
from droplets.types import Droplet, PixelSize


@dataclass(frozen=True, eq=False)
class Analysis:
    """What was found in a picture.

    Attributes:
        droplets: what is left after the filters, largest area first; `parent` indexes this list.
        found: number of masks that the model gave, and of beads that were found without it.
        removed: number of masks taken out, by reason.
        timing_ms: milliseconds a stage took.
        pixel_size: of the picture; None if it is not known.
        ddpcr: digital PCR, where it was asked for.
        notes: remarks for the client, beside those on the picture's file.
    """

    droplets: list[Droplet]
    found: int
    removed: dict[str, int]
    timing_ms: dict[str, float]
    pixel_size: PixelSize | None = None
    ddpcr: DigitalPcr | None = None
    notes: tuple[str, ...] = ()
