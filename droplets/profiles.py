"""Edges on single rays: in a picture's grey values sampled along rays, and what kind they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from droplets.curves import weighted_median
from droplets.polar import Paths, sample

Mode = Literal["ring", "fall", "wall"]
Floats = NDArray[np.float64]
Values = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]

SPACING = 0.4  # pixels between samples, at most
FEWEST, MOST = 24, 160  # samples a ray
LAG = 0.03  # of the radius: half the distance that a slope is taken over
REACH: dict[Mode, float] = {"ring": 0.2, "wall": 0.2, "fall": 0.35}
"""Of the radius: how far from the steepest point the levels on both sides of an edge are looked for."""
SAMPLED = 100  # masks that show what kind of edges a picture has
SEARCH = (-0.2, 0.4)  # of the radius, from the outline of a mask: where its edge lies
UPPER = 0.85  # quantile of the rays' heights: those that see the background
DARK = 0.5  # of a ray's range: no edge rises from above, such as the shading of a lens
COMMON, AROUND = 0.9, 11  # a ray's background: this part of the brightest of so many rays around, or more,
HIGHEST = 0.9  # but half its height is found on the ray itself, below this part of it
RING = 0.12  # rise outwards over fall outwards: less is no ring
GROWTH = 0.5  # of the logarithms of widths and radii: a wall's slope is 0, a ring's 1
NEARLY_ALL = 0.8  # of the clear rays of an object
VARIED = 0.3  # difference of the logarithms of radii between quartiles: objects of one size do not tell it,
APART = 0.2  # nor do two radii whose logarithms differ less


@dataclass(frozen=True, eq=False)
class Edges:
    """One edge a ray, NxRAYS each.

    Attributes:
        offset: of the half height outside the lowest point, in pixels from the path.
        height: grey values from the lowest to the highest point; 0 where there is no edge.
        slope: steepest rise, grey values a pixel.
        inside, outside: pixels from the lowest point to the half heights on its two sides.
    """

    offset: Floats
    height: Floats
    slope: Floats
    inside: Floats
    outside: Floats

    def position(self, mode: Mode) -> Floats:
        """Offset of the object's edge, in pixels."""
        return self.offset - (self.inside + self.outside) / 2 if mode == "wall" else self.offset


def picture_mode(grey: Values, paths: Paths, limit: Floats) -> Mode:
    """What edges most objects of an HxW picture have, from their masks' outlines.

    Arguments:
        grey: HxW.
        paths: outlines.
        limit: NxRAYS, pixels from the centres that rays may reach.
    """
    every = max(1, -(-len(paths.size) // SAMPLED))
    some = paths.take(slice(None, None, every))
    within = limit[::every]
    rising = find_edges(grey, some, within, SEARCH, "wall")
    falling = find_edges(-grey, some, within, SEARCH, "fall")
    rise, fall = upper(rising.height), upper(falling.height)
    if np.median(rise / np.maximum(fall, 1e-6)) < RING:
        return "fall"
    clear = rising.height > 0.6 * rise[:, None]
    width = weighted_median(rising.inside + rising.outside, clear.astype(float))
    # A wall is as thick around large objects as around small ones; a ring grows with its droplet.
    growth = _growth(width, some.size)
    if growth is not None:
        return "wall" if growth < GROWTH else "ring"
    # Of one size: only walls have objects on both sides nearly everywhere.
    reached = some.radius + rising.offset + width[:, None] / 2
    shared = (clear & (within < reached)).sum(axis=1) / np.maximum(clear.sum(axis=1), 1)
    return "wall" if np.median(shared) > NEARLY_ALL else "ring"


def _growth(width: Floats, size: Floats) -> float | None:
    """Slope of the logarithm of N widths over that of sizes (Theil, 1950); None if sizes hardly differ."""
    there = width > 0
    high, low = np.log(width[there]), np.log(size[there])
    if len(low) < 2 or np.subtract(*np.quantile(low, (0.75, 0.25))) < VARIED:
        return None
    first, second = np.triu_indices(len(low), 1)
    apart = np.abs(low[second] - low[first]) > APART
    first, second = first[apart], second[apart]
    return float(np.median((high[second] - high[first]) / (low[second] - low[first])))


def upper(height: Floats) -> Floats:
    """N: the height that the clearest of each object's rays show."""
    ordered = np.sort(height, axis=1)
    found = (height > 0).sum(axis=1)
    at = height.shape[1] - 1 - np.floor((1 - UPPER) * found).astype(np.intp)
    return np.asarray(np.take_along_axis(ordered, np.minimum(at, height.shape[1] - 1)[:, None], axis=1)[:, 0])


def find_edges(grey: Values, paths: Paths, limit: Floats, search: tuple[float, float], mode: Mode) -> Edges:
    """The steepest rise outwards on each ray, and the half heights around it.

    Arguments:
        grey: HxW; negated where objects are brighter than what is around them.
        paths: where to look; `limit`: NxRAYS, pixels from the centres that rays may reach.
        search: lowest and highest offset of the steepest point, in units of the paths' size.
        mode: what is looked for; the far side of the lowest point only for a wall.
    """
    low, high = search[0] - REACH[mode], search[1] + REACH[mode]
    count = int(np.clip(np.ceil((high - low) * float(paths.size.max()) / SPACING), FEWEST, MOST))
    offsets = np.linspace(low, high, count)
    values = sample(grey, paths, offsets)
    after = np.roll(values, -1, axis=1)
    values = 0.5 * values + 0.25 * (after + np.roll(after, 2, axis=1))
    reach = ((limit - paths.radius) / paths.size[:, None]).astype(np.float32)
    valid = ~np.isnan(values) & (offsets.astype(np.float32) <= reach[..., None])
    np.copyto(values, 0, where=~valid)
    step = paths.size[:, None] * (offsets[1] - offsets[0])
    window = max(1, round(REACH[mode] / (offsets[1] - offsets[0])))
    steepest, slope = _steepest(values, valid, offsets, search, shaded=mode != "fall")
    lowest, highest = _lowest_and_highest(values, valid, steepest, window)
    bottom, top = _at(values, lowest), _at(values, highest)
    found = (slope > 0) & (top > bottom)
    height = np.where(found, top - bottom, 0)
    index = np.arange(count, dtype=np.int16)
    rising = (index >= lowest[..., None]) & (index <= highest[..., None])
    outer = _first_above(values, rising, bottom + _half(height))
    inner = _inner(values, valid, lowest, window) if mode == "wall" else lowest
    return Edges(
        offset=np.where(found, offsets[0] * paths.size[:, None] + outer * step, 0.0),
        height=height.astype(np.float64),
        slope=np.where(found, slope, 0) / step,
        inside=np.where(found, lowest - inner, 0) * step,
        outside=np.where(found, outer - lowest, 0) * step,
    )


def _steepest(
    values: Values, valid: Bools, offsets: Floats, search: tuple[float, float], *, shaded: bool
) -> tuple[Index, Values]:
    """Sample at which each ray rises most, and by how much a sample; 0 where none rises.

    Inside a ring the shading of the lens rises too, so a `shaded` object's edge must rise from the dark.
    """
    lag = max(1, round(LAG / (offsets[1] - offsets[0])))
    here = np.flatnonzero((offsets >= search[0]) & (offsets <= search[1]))
    first, last = max(int(here[0]), lag), min(int(here[-1]), len(offsets) - 1 - lag) + 1
    lower, upper_end = np.s_[..., first - lag : last - lag], np.s_[..., first + lag : last + lag]
    rise = (values[upper_end] - values[lower]) * (valid[lower] & valid[upper_end])
    if shaded:
        darkest = values.min(axis=-1, where=valid, initial=np.inf)
        brightest = values.max(axis=-1, where=valid, initial=-np.inf)
        level = darkest + DARK * np.maximum(brightest - darkest, 0)
        rise *= values[lower] <= level[..., None]
    steepest = rise.argmax(axis=-1)
    return steepest + first, _at(rise, steepest) / (2 * lag)


def _lowest_and_highest(values: Values, valid: Bools, steepest: Index, window: int) -> tuple[Index, Index]:
    """Samples of the lowest value before and the highest after the steepest one, within the window."""
    away = np.arange(values.shape[-1], dtype=np.int16) - steepest.astype(np.int16)[..., None]
    before, after = valid & (away <= 0) & (away >= -window), valid & (away >= 0) & (away <= window)
    lowest = np.where(before, values, np.float32(np.inf)).argmin(axis=-1)
    return lowest, np.where(after, values, np.float32(-np.inf)).argmax(axis=-1)


def _half(height: Values) -> Values:
    """Half the height to the background, which does not come up to its full brightness in narrow gaps."""
    full = maximum_filter1d(height, AROUND, axis=1, mode="wrap")
    full = COMMON * uniform_filter1d(full, AROUND, axis=1, mode="wrap")
    return np.asarray(np.minimum(np.maximum(height, full) / 2, HIGHEST * height))


def _inner(values: Values, valid: Bools, lowest: Index, window: int) -> Floats:
    """Sample, between samples, of the half height before the lowest one."""
    away = np.arange(values.shape[-1], dtype=np.int16) - lowest.astype(np.int16)[..., None]
    before = valid & (away <= 0) & (away >= -window)
    shoulder = np.where(before, values, np.float32(-np.inf)).max(axis=-1)
    level = (_at(values, lowest) + shoulder) / 2
    return np.asarray(values.shape[-1] - 1 - _first_above(values[..., ::-1], before[..., ::-1], level))


def _first_above(values: Values, window: Bools, level: Values) -> Floats:
    """Sample, between samples, at which the values first reach the level within the window."""
    at = (window & (values >= level[..., None])).argmax(axis=-1)
    above, below = _at(values, at), _at(values, np.maximum(at - 1, 0))
    share = (above - level) / np.maximum(above - below, 1e-6)
    return np.asarray(at - np.clip(share, 0, 1))


def _at(values: Values, index: Index) -> Values:
    return np.asarray(np.take_along_axis(values, index[..., None], axis=-1)[..., 0])
