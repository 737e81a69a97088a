"""What a rendered picture shows, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

CORNERS = 64
"""Of an outline; corner k lies at the angle 2 pi k / 64 from the x axis towards the y axis."""
ANGLES = np.arange(CORNERS) * (2 * np.pi / CORNERS)

Floats = NDArray[np.float64]


Profile = Callable[[Floats], NDArray[np.float32]]
"""Strength of what shows an object's edge at distances from its outline in radii, negative inside."""
RASTER = 40
"""Pixels of the radius of the disc by which a blurred profile is measured."""
FINEST = 0.05
"""Relative steps of the radii for which it is."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A star-shaped object.

    Attributes:
        x, y: centre in pixels, pixel centres at integers.
        radii: 64 distances from the centre to the outer edge, in pixels.
        inner: it lies in another object.
        bead: it is a bead or cell, not a droplet.
        counts: False where a person may see it either way: training does not judge it.
        shown_by: what shows its edge at a radius in pixels; None where blur does not move the edge.
    """

    x: float
    y: float
    radii: Floats
    inner: bool = False
    bead: bool = False
    counts: bool = True
    shown_by: Callable[[float], Profile] | None = None

    @property
    def radius(self) -> float:
        """Of the circle of the same area, in pixels."""
        return float(np.sqrt(np.mean(self.radii**2)))

    def scaled(self, factor: float) -> Outline:
        """In a picture resampled to `factor` times the pixels a side."""
        x, y = (factor * (value + 0.5) - 0.5 for value in (self.x, self.y))
        return replace(self, x=x, y=y, radii=factor * self.radii)

    def blurred(self, blur: float) -> Outline:
        """With the edge where it is seen through a blur of that standard deviation in pixels."""
        if self.shown_by is None:
            return self
        step = 1 + FINEST
        radius = step ** round(np.log(max(self.radius, 0.5)) / np.log(step))
        factor = half_height(self.shown_by, radius, round(min(blur / radius, 0.7), 2))
        return replace(self, radii=factor * self.radii, shown_by=None)


@lru_cache(maxsize=4096)
def half_height(shown_by: Callable[[float], Profile], radius: float, blur: float) -> float:
    """Where the outermost flank of a blurred disc or ring has half its height, in radii.

    Arguments:
        shown_by: what is seen of a disc of that radius in pixels.
        radius: in pixels.
        blur: standard deviation of a Gaussian in radii.
    """
    axis = np.arange(-2 * RASTER, 2 * RASTER + 1) / RASTER
    away = np.hypot(axis[:, None], axis)
    image: NDArray[np.floating] = shown_by(radius)(away - 1)
    if blur * RASTER > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), blur * RASTER)
    line = image[2 * RASTER, 2 * RASTER :]
    top = int(np.argmax(line))
    below = np.flatnonzero(line[top:] < line[top] / 2)
    if not below.size or not below[0]:
        return 1.0
    last = top + int(below[0]) - 1
    part = (line[last] - line[top] / 2) / (line[last] - line[last + 1])
    return float((last + part) / RASTER)


def circle(
    x: float, y: float, radius: float, *, inner: bool = False, bead: bool = False, counts: bool = True
) -> Outline:
    """A round object."""
    radii = np.full(CORNERS, float(radius))
    return Outline(float(x), float(y), radii, inner=inner, bead=bead, counts=counts)


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

    def shrunk(self, times: int, least: float) -> Picture:
        """At a fraction of its size; what is smaller than `least` pixels of radius there is not judged."""
        size = (self.pixels.shape[1] // times, self.pixels.shape[0] // times)
        pixels = np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        objects = [one.scaled(1 / times) for one in self.objects]
        objects = [replace(one, counts=one.counts and one.radius >= least) for one in objects]
        return replace(self, pixels=pixels, objects=objects)
