"""What a rendered picture shows, exactly."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

CORNERS = 64
"""Of an outline; corner k lies at the angle 2 pi k / 64 from the x axis towards the y axis."""
ANGLES = np.arange(CORNERS) * (2 * np.pi / CORNERS)

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outline:
    """A star-shaped object.

    Attributes:
        x, y: centre in pixels, pixel centres at integers.
        radii: 64 distances from the centre to the outer edge, in pixels.
        inner: it lies in another object.
        bead: it is a bead or cell, not a droplet.
        counts: False where a person may see it either way: training does not judge it.
    """

    x: float
    y: float
    radii: Floats
    inner: bool = False
    bead: bool = False
    counts: bool = True

    @property
    def radius(self) -> float:
        """Of the circle of the same area, in pixels."""
        return float(np.sqrt(np.mean(self.radii**2)))

    def scaled(self, factor: float) -> Outline:
        """In a picture resampled to `factor` times the pixels a side."""
        x, y = (factor * (value + 0.5) - 0.5 for value in (self.x, self.y))
        return replace(self, x=x, y=y, radii=factor * self.radii)


def circle(x: float, y: float, radius: float, **rest: bool) -> Outline:
    """A round object."""
    return Outline(float(x), float(y), np.full(CORNERS, float(radius)), **rest)


@dataclass(frozen=True, eq=False)
class Picture:
    """A rendered picture.

    Attributes:
        pixels: HxWx3 uint8 RGB.
        objects: all that it shows.
        look: name of the kind of picture.
    """

    pixels: NDArray[np.uint8]
    objects: list[Outline] = field(default_factory=list)
    look: str = ""
