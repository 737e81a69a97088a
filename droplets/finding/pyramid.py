"""At which scales a picture is looked at, in which tiles, and what of the objects found there counts.

A level is the picture at one scale. Objects count at a level by their diameter in its pixels, so that a
picture and its doubled self give the same objects. The coarse and the base level show all of the picture;
finer ones only where the level before has found objects that are small there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.tuning import tuned
from droplets.types import Box

SCALE_ROUNDING = 1e-6
SEEN = "rendered grids of sizes and frames, `python -m benchmarks.kinds`"

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Level:
    """A scale, and the objects that count there; lengths in pixels of the level.

    Attributes:
        scale: pixels of the level per pixel of the picture.
        smallest, largest: diameters of objects that count.
        context: what must be seen around an object's centre: tiles reach so far beyond their core.
    """

    scale: float
    smallest: float
    largest: float
    context: float

    def counts(self, diameter: Floats) -> Bools:
        """Whether objects of these diameters, in pixels of the picture, count."""
        own = diameter * self.scale
        return (own >= self.smallest) & (own <= self.largest)


@dataclass(frozen=True)
class Scales:
    """Which levels there are; lengths in pixels of the level at hand."""

    frame: int = tuned(
        1024, "px", "longest side of what the network sees at once", "the head was trained on such frames"
    )
    largest: float = tuned(4.0, "", "scale of the base level of the smallest pictures", SEEN)
    finest: float = tuned(
        2.0, "", "scale of the finest level", "derived: beyond it a picture has no more to show"
    )
    least: float = tuned(
        0.25, "", "scale of the base level of the largest pictures, of which it takes several tiles", SEEN
    )
    coarser: float = tuned(
        2.0, "", "factor from level to coarser level, at which the cost falls to a quarter", SEEN
    )
    coarsest: int = tuned(
        128, "px", "side of a frame that all of the picture fits at the coarsest level", SEEN
    )
    coarse_from: float = tuned(
        32.0,
        "px",
        "diameter from which objects count at coarser levels",
        "derived: eight cells of the answer give an exact outline",
    )
    # Rays of four to twelve cells are exact, and thin walls are seen better than at the coarser level. In
    # between both levels' objects compete. It is more than three times the other: what two levels see a fifth
    # apart counts at one of them.
    base_to: float = tuned(
        100.0,
        "px",
        "diameter up to which they count at all levels but the coarsest",
        "foams with thin walls, rendered",
    )
    smallest: float = tuned(
        8.0, "px", "diameter from which objects count", "derived: two cells; below it outlines are guesses"
    )
    small: float = tuned(
        12.0,
        "px",
        "diameter under which objects are looked for at twice the scale and replaced by those",
        SEEN,
    )
    share: float = tuned(0.05, "objects", "part of the level's that must be small for that", SEEN)
    tile: int = tuned(256, "px", "that sides of finer tiles are multiples of", "bounds time: few sizes occur")
    slack: float = tuned(
        4.0,
        "px",
        "around its core, in which a tile owns what has its centre there",
        "derived: one cell, by which centres differ",
    )

    def base(self, width: int, height: int) -> Level:
        """The base level of a picture."""
        scale = min(self.largest, max(self.least, self.frame / max(width, height)))
        return Level(scale, self.smallest, self.base_to, context=self.base_to / 2 + self.small)

    def coarse(self, base: Level, width: int, height: int) -> list[Level]:
        """The levels for large objects, finest first; the last one shows all of the picture at once."""
        levels: list[Level] = []
        scale, smallest = base.scale / self.coarser, self.coarse_from
        while scale * max(width, height) > self.coarsest + SCALE_ROUNDING:
            levels.append(Level(scale, smallest, self.base_to, base.context))
            scale /= self.coarser
        return [*levels, Level(scale, smallest, math.inf, base.context)]

    def finer(self, level: Level) -> Level | None:
        """The level for the objects that are small at another one; None beyond the finest."""
        if 2 * level.scale > self.finest:
            return None
        return Level(2 * level.scale, self.smallest, self.base_to, level.context)


@dataclass(frozen=True)
class Tile:
    """A part of the picture that is looked at, in the picture's pixels.

    Attributes:
        box: what is seen, XYWH.
        core: left, top, right and bottom of the part in which objects' centres count.
    """

    box: Box
    core: tuple[float, float, float, float]

    def owns(self, points: Floats) -> Bools:
        """Whether Nx2 (x, y) lie in the core."""
        left, top, right, bottom = self.core
        x, y = points.T
        owned: Bools = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        return owned

    @property
    def area(self) -> int:
        """Pixels that are seen."""
        return self.box[2] * self.box[3]

    def cut(self, pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
        """The frame: that part of HxWx3 pixels, `scale` times as large."""
        x, y, width, height = self.box
        part = pixels[y : y + height, x : x + width]
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if size == (width, height):
            return np.ascontiguousarray(part)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(part, size, interpolation=how), np.uint8)


def tiles(width: int, height: int, level: Level, scales: Scales) -> list[Tile]:
    """Tiles whose cores cover a picture; one if all of it fits the frame."""
    return [
        Tile((x.start, y.start, len(x), len(y)), (left, top, right, bottom))
        for y, top, bottom in _spans(height, level, scales)
        for x, left, right in _spans(width, level, scales)
    ]


def tiles_around(points: Floats, width: int, height: int, level: Level, scales: Scales) -> list[Tile]:
    """Those tiles that have any of Nx2 (x, y) points in their core, cut down to what is around these.

    Arguments:
        points: centroids of objects small enough to be looked at again, in pixels of the picture.
        width, height: of the picture.
        level: that they are looked at on.
        scales: of all levels.
    """
    found: list[Tile] = []
    for tile in tiles(width, height, level, scales):
        found += _closest(tile, points[tile.owns(points)], level, scales)
    return found


def _closest(tile: Tile, points: Floats, level: Level, scales: Scales) -> list[Tile]:
    """The tile cut down to what is around points that it owns; or its halves, where they show less in all."""
    if not len(points):
        return []
    near = 2 * scales.small / level.scale  # the diameter of such an object
    low, high = points.min(axis=0) - near, points.max(axis=0) + near
    left, top, right, bottom = tile.core
    core = max(left, low[0]), max(top, low[1]), min(right, high[0]), min(bottom, high[1])
    x = _around(core[0], core[2], range(tile.box[0], tile.box[0] + tile.box[2]), level, scales)
    y = _around(core[1], core[3], range(tile.box[1], tile.box[1] + tile.box[3]), level, scales)
    whole = replace(tile, box=(x.start, y.start, len(x), len(y)), core=core)
    axis = int(core[3] - core[1] > core[2] - core[0])
    if len(points) == 1 or whole.box[2 + axis] * level.scale <= scales.tile:
        return [whole]
    middle, slack = (core[axis] + core[2 + axis]) / 2, scales.slack / level.scale
    halves: list[Tile] = []
    for side, border in ((2 + axis, middle + slack), (axis, middle - slack)):
        half = replace(tile, core=(*core[:side], border, *core[side + 1 :]))
        halves += _closest(half, points[half.owns(points)], level, scales)
    return halves if sum(half.area for half in halves) < whole.area else [whole]


def _spans(length: int, level: Level, scales: Scales) -> list[tuple[range, float, float]]:
    """Along one axis: the pixels that a tile shows, and from where to where it owns them."""
    most, margin = scales.frame / level.scale, level.context / level.scale
    number = _number(length, most, margin)
    slack = scales.slack / level.scale
    borders = [length * i / number for i in range(number + 1)]
    spans = []
    for i in range(number):
        first = max(0, math.ceil(borders[i] - margin))
        last = min(length, math.floor(borders[i + 1] + margin))
        left = -math.inf if i == 0 else borders[i] - 0.5 - slack
        right = math.inf if i == number - 1 else borders[i + 1] - 0.5 + slack
        spans.append((range(first, last), left, right))
    return spans


def _number(length: int, most: float, margin: float) -> int:
    """How many tiles of at most `most` pixels cover a length; the outer ones need no margin outside it."""
    if length <= most * (1 + SCALE_ROUNDING):
        return 1
    if length / 2 + margin <= most:
        return 2
    return math.ceil(length / (most - 2 * margin))


def _around(low: float, high: float, within: range, level: Level, scales: Scales) -> range:
    """What a tile has to show around a core from `low` to `high`, rounded up, within what it may show."""
    margin, step = level.context / level.scale, scales.tile / level.scale
    first = max(within.start, math.floor(low - margin))
    last = min(within.stop, math.ceil(high + margin) + 1)
    side = min(len(within), math.floor(step * math.ceil((last - first) / step)))
    first = min(first, within.stop - side)
    return range(first, first + side)
