"""What digital PCR gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from droplets.ddpcr.concentration import Concentration
from droplets.ddpcr.joint import Joint
from droplets.ddpcr.partitions import Exclusion
from droplets.ddpcr.registration import Registration
from droplets.ddpcr.threshold import Separation
from droplets.ddpcr.volume import Volume

ThresholdSource = Literal["request", "automatic", "blank"]


@dataclass(frozen=True, eq=False)
class DigitalPcr:
    """Result of digital PCR over the droplets that count; None where it cannot be told.

    Attributes:
        n, positives: numbers of droplets.
        concentration: copies a droplet and a microlitre, with intervals.
        threshold: amplitude from which a droplet is positive.
        threshold_source: who said so: the client, the picture, or a control without template.
        separation: of positives and negatives.
        volume: of a droplet.
        registration: of the fluorescence on the picture.
        excluded: number of droplets that do not count, by reason.
        saturated: number of those that count whose light is above what the file can hold.
        missed: number of vacant places that negatives may have been missed in.
        name: of the dye.
        further: results of the dyes beside this one.
        joint: each two dyes at once, where there are several.
        warnings: sentences on what weakens the result.
    """

    n: int
    positives: int | None
    concentration: Concentration
    threshold: float | None
    threshold_source: ThresholdSource | None
    separation: Separation
    volume: Volume
    registration: Registration
    excluded: Mapping[Exclusion, int] = field(default_factory=dict)
    saturated: int = 0
    missed: int = 0
    warnings: tuple[str, ...] = ()
    name: str = ""
    further: tuple[DigitalPcr, ...] = ()
    joint: tuple[Joint, ...] = ()

    @property
    def dyes(self) -> tuple[DigitalPcr, ...]:
        """The results of all dyes."""
        return (self, *self.further)
