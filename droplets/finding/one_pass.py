"""Finds all objects of a picture: one pass of the network at each scale that is worth it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from droplets.finding.colour import Showing, as_seen
from droplets.finding.decode import (
    Thresholds,
    calibrated,
    convincing,
    distinct,
    inner_heat,
    owners,
    peaks,
    sure,
)
from droplets.finding.head import STRIDE
from droplets.finding.pyramid import Level, Scales, Tile, tiles, tiles_around
from droplets.finding.stars import OUTER, Stars
from droplets.types import InnerHeat

Answer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""HxWx3 uint8 RGB frame -> the head's answer, 70x(H/4)x(W/4) float32; see `Network.answer`."""


@dataclass(frozen=True)
class Looking:
    """How a picture is looked at.

    Attributes:
        finer: also at twice the scale and more, where objects are small.
        showing: of the picture to the network.
        scales: the levels.
        thresholds: what is an object.
    """

    finer: bool = True
    showing: Showing = field(default_factory=Showing)
    scales: Scales = field(default_factory=Scales)
    thresholds: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen of a picture.

    Attributes:
        stars: its objects.
        unsure: those much less sure than these.
        inner: where something in objects is seen at the base level, also faintly.
        encoding_s: seconds that the network took.
    """

    stars: Stars
    unsure: Stars
    inner: InnerHeat
    encoding_s: float


def look(answer: Answer, pixels: NDArray[np.uint8], how: Looking) -> Seen:
    """All objects of a picture, in its pixels, best score first; see `Thresholds.relative` for unsure ones.

    Arguments:
        answer: of the network.
        pixels: HxWx3 uint8 RGB.
        how: at which scales.
    """
    eye = _Eye(answer, as_seen(pixels, how.showing), how)
    base = how.scales.base(eye.width, eye.height)
    inner = InnerHeat.unseen(eye.width, eye.height, base.scale / STRIDE)
    stars = eye.whole(base, inner)
    found = [_counting(stars, base, how)]
    for coarse in how.scales.coarse(base, eye.width, eye.height):
        found.append(_counting(eye.whole(coarse), coarse, how))
    level: Level | None = base
    while how.finer and level is not None and (small := eye.small(stars, level)).any():
        points, level = stars.centroid[small], how.scales.finer(level)
        if level is not None:
            stars, found = eye.again(points, level, found)
    kept, unsure = convincing(distinct(Stars.join(found), how.thresholds), how.thresholds.relative)
    kept, unsure = (calibrated(some, how.thresholds) for some in (kept, unsure))
    return Seen(kept, unsure, inner, eye.seconds)


def _counting(stars: Stars, level: Level, how: Looking) -> Stars:
    """What counts of the peaks seen on a level."""
    return sure(stars.take(level.counts(stars.diameter)), how.thresholds)


def radii_at(stars: Stars, points: NDArray[np.float64], nearby: int) -> NDArray[np.float64]:
    """N: radius in pixels of the smallest object around each of Nx2 (x, y) points.

    Where there is none it is the median of the `nearby` nearest, and infinite where there are none at all.
    """
    radii = np.full(len(points), np.inf)
    if not len(stars) or not len(points):
        return radii
    stars = stars.take(np.argsort(stars.diameter, kind="stable"))
    owner = owners(stars, points)
    near = cKDTree(stars.centroid).query(points, min(nearby, len(stars)))[1].reshape(len(points), -1)
    around = np.median(stars.diameter[near], axis=1)
    return np.where(owner >= 0, stars.diameter[owner], around) / 2


class _Eye:
    """Looks at one picture, and counts the seconds.

    Attributes:
        width, height: of the picture.
        seconds: that the network took so far.
    """

    def __init__(self, answer: Answer, pixels: NDArray[np.uint8], how: Looking) -> None:
        self._answer, self._pixels, self._how = answer, pixels, how
        self.height, self.width = pixels.shape[:2]
        self.seconds = 0.0

    def whole(self, level: Level, inner: InnerHeat | None = None) -> Stars:
        """Peaks of the whole picture on a level, also faint ones; `inner` takes in those in objects."""
        return self._at(tiles(self.width, self.height, level, self._how.scales), level, inner)

    def small(self, stars: Stars, level: Level) -> NDArray[np.bool_]:
        """N: the outer peaks that are worth a look at twice the scale; none if there are too few.

        Faint ones too: what is small is seen badly.
        """
        scales = self._how.scales
        outer = np.flatnonzero(stars.layer == OUTER)
        single = distinct(stars.take(outer), self._how.thresholds)
        number = np.count_nonzero(single.diameter * level.scale < scales.small)
        worth = number >= scales.share * len(single)
        small: NDArray[np.bool_] = (stars.layer == OUTER) & (stars.diameter * level.scale < scales.small)
        return small & worth

    def again(
        self, points: NDArray[np.float64], level: Level, found: list[Stars]
    ) -> tuple[Stars, list[Stars]]:
        """What a finer level shows around some points.

        Arguments:
            points: Nx2 (x, y) of small objects.
            level: the finer one.
            found: what counts so far.

        Returns:
            the level's peaks, and what counts now: the level's objects instead of the small ones.
        """
        around = tiles_around(points, self.width, self.height, level, self._how.scales)
        stars = self._at(around, level)
        coarser = Stars.join(found)
        small = coarser.diameter * level.scale < 2 * self._how.scales.small
        shown = np.zeros(len(coarser), np.bool_)
        for tile in around:
            shown |= tile.owns(coarser.centroid)
        return stars, [coarser.take(~(small & shown)), _counting(stars, level, self._how)]

    def _at(self, parts: Iterable[Tile], level: Level, inner: InnerHeat | None = None) -> Stars:
        """Peaks in the tiles' cores, in the picture's pixels."""
        found = []
        for tile in parts:
            frame = tile.cut(self._pixels, level.scale)
            started = time.perf_counter()
            answer = self._answer(frame)
            self.seconds += time.perf_counter() - started
            if inner is not None:
                inner.take_in(inner_heat(answer), *tile.box[:2])
            stars = peaks(answer, self._how.thresholds).placed(tile.box, frame.shape[:2])
            found.append(stars.take(tile.owns(stars.centroid)))
        return Stars.join(found)
