"""Edges on single rays, in a picture's grey values sampled along them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from droplets.boundaries.curves import weighted_median
from droplets.boundaries.rays import Paths, sample
from droplets.boundaries.settings import EdgeSettings
from droplets.types import EdgeKind

Floats = NDArray[np.float64]
Values = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Edges:
    """One edge a ray, NxRAYS each.

    Attributes:
        offset: in pixels from the path.
        height: grey values from the lowest to the highest point; 0 where there is no edge.
        slope: steepest rise, grey values a pixel.
        width: of a dark rim, in pixels between its half heights; 0 for a light.
        inner: of the half height within a dark rim, in pixels from the path.
        depth: of a dark rim, grey values under what is within it.
    """

    offset: Floats
    height: Floats
    slope: Floats
    width: Floats
    inner: Floats
    depth: Floats


@dataclass(frozen=True)
class Kind:
    """What edges the objects of a picture have.

    Attributes:
        lit: they end where it becomes darker outwards: they glow, or have a bright rim.
        walls: their dark rims are walls between them, as in foam.
    """

    lit: bool = False
    walls: bool = False


KINDS: dict[EdgeKind, Kind] = {"ring": Kind(), "fall": Kind(lit=True), "wall": Kind(walls=True)}
"""By what a client may say; not of "auto"."""


def kind_of_edges(grey: Values, paths: Paths, limit: Floats, how: EdgeSettings) -> Kind:
    """What most of the objects show.

    Arguments:
        grey: HxW.
        paths: outlines.
        limit: NxRAYS, pixels from the centres to the lines halfway to neighbours.
        how: the stage's settings.
    """
    every = max(1, -(-len(paths.size) // how.sampled_objects))
    some, within = paths.take(slice(None, None, every)), limit[::every]
    if np.median(_shows_dark_rim(grey, some, within, how)) < 1 / 2:
        return Kind(lit=True)
    between = np.mean(within < some.radius + how.wall_reach * some.size[:, None], axis=1)
    if np.median(between) < 1 / 2:
        return Kind()
    single = find_edges(grey, some, within, first_search(how), Kind(), how)
    return Kind(walls=shows_walls(_median(single.width, single, how), some.size, how))


def _shows_dark_rim(grey: Values, paths: Paths, limit: Floats, how: EdgeSettings) -> Bools:
    """N: whether the outermost edge is one at which it becomes brighter outwards.

    Told by what is seen up to half way to neighbours: between two discs that glow it is dark as in a rim, and
    what rises beyond is the other's light.
    """
    search, together, own = first_search(how), how.rays_together, replace(how, beyond_halfway=0.0)
    rising = find_edges(grey, paths, limit, search, Kind(), own, together)
    falling = find_edges(-grey, paths, limit, search, Kind(lit=True), own, together)
    rise, fall = upper(rising.height, how), upper(falling.height, how)
    outermost = _median(rising.offset, rising, how) > _median(falling.offset, falling, how)
    is_rim = _median(rising.depth, rising, how) > how.dip * rise  # and not just darker inside
    return np.asarray((rise > how.ring * fall) & ((fall < how.halo * rise) | outermost | is_rim))


def _median(values: Floats, edges: Edges, how: EdgeSettings) -> Floats:
    """N, over the rays that show the edge clearly."""
    clear = edges.height > how.clear_share * upper(edges.height, how)[:, None]
    return weighted_median(values, clear.astype(float))


def shows_walls(width: Floats, size: Floats, how: EdgeSettings) -> bool:
    """Whether dark rims are the walls of foam: as wide around large objects as around small ones.

    The rim of a droplet is made by its curvature and grows with it: the logarithm of its width has a slope
    of 1 over that of the radius, a wall's 0 (over all pairs, as in Theil's estimator, 1950). Objects of one
    size do not tell it.

    Arguments:
        width: N, of the rims in pixels, 0 where none is seen.
        size: N radii in pixels.
        how: the stage's settings.
    """
    there = width > 0
    high, low = np.log(width[there]), np.log(size[there])
    if len(low) < how.fewest_for_walls or np.subtract(*np.quantile(low, (0.75, 0.25))) < how.varied:
        return False
    first, second = np.triu_indices(len(low), 1)
    apart = np.abs(low[second] - low[first]) > how.apart
    first, second = first[apart], second[apart]
    slopes = (high[second] - high[first]) / (low[second] - low[first])
    return bool(np.quantile(slopes, how.sure_of_walls) < how.growth)


def upper(height: Floats, how: EdgeSettings) -> Floats:
    """N: the height that the clearest of each object's rays show."""
    ordered = np.sort(height, axis=1)
    found = (height > 0).sum(axis=1)
    at = height.shape[1] - 1 - np.floor((1 - how.clear_quantile) * found).astype(np.intp)
    return np.asarray(np.take_along_axis(ordered, np.minimum(at, height.shape[1] - 1)[:, None], axis=1)[:, 0])


def first_search(how: EdgeSettings) -> tuple[float, float]:
    """Where the edge of an outline as found is looked for; see `find_edges`."""
    return how.search_inwards, how.search_outwards


def find_edges(
    grey: Values,
    paths: Paths,
    limit: Floats,
    search: tuple[float, float],
    kind: Kind,
    how: EdgeSettings,
    together: int = 1,
) -> Edges:
    """The steepest rise outwards on each ray, and the half heights around it.

    The edge of a dark rim is the half height outside of it. Where a ray is not out of the dark again half way
    to a neighbour, both share what is dark, as rims that touch do, and the edge is the middle of that, though
    not before half way.

    Arguments:
        grey: HxW; negated where objects are lit, which share nothing.
        paths: where to look; `limit`: NxRAYS, pixels from the centres to the lines halfway to neighbours.
        search: lowest and highest offset of the steepest point, in units of the paths' size.
        kind: of edges; that of walls is the middle of what is dark everywhere.
        how: the stage's settings.
        together: rays that are averaged, against noise.
    """
    reach = how.light_reach if kind.lit else how.rim_reach
    low, high = search[0] - reach, search[1] + reach
    count = int(
        np.clip(
            np.ceil((high - low) * float(paths.size.max()) / how.spacing),
            how.fewest_samples,
            how.most_samples,
        )
    )
    offsets = np.linspace(low, high, count)
    halfway = (limit - paths.radius) / paths.size[:, None]
    values, valid = _along(
        grey, paths, offsets, halfway if kind.lit else halfway + how.beyond_halfway, together
    )
    apart = offsets[1] - offsets[0]
    window = max(1, round(reach / apart))
    steepest, slope = _steepest(values, valid, offsets, search, None if kind.lit else window, how)
    lowest, highest = _lowest_and_highest(values, valid, steepest, window)
    bottom, top = _at(values, lowest), _at(values, highest)
    found = (slope > 0) & (top > bottom)
    height = np.where(found, top - bottom, 0)
    index = np.arange(count, dtype=np.int16)
    rising = (index >= lowest[..., None]) & (index <= highest[..., None])
    edge = _first_above(values, rising, bottom + _half(height, how))
    inner, depth = (edge, height) if kind.lit else _inner(values, valid, lowest, window)
    middle, line = (edge + inner) / 2, (halfway - offsets[0]) / apart
    place = middle if kind.walls else np.where(edge > line, np.maximum(middle, line), edge)
    return Edges(
        offset=np.where(found, (offsets[0] + place * apart) * paths.size[:, None], 0.0),
        height=height.astype(np.float64),
        slope=np.where(found, slope, 0) / (apart * paths.size[:, None]),
        width=np.where(found, (edge - inner) * apart * paths.size[:, None], 0.0),
        inner=np.where(found, (offsets[0] + inner * apart) * paths.size[:, None], 0.0),
        depth=np.where(found, depth, 0).astype(np.float64),
    )


def _along(grey: Values, paths: Paths, offsets: Floats, last: Floats, together: int) -> tuple[Values, Bools]:
    """Grey values along rays, NxRAYSxS, smoothed over neighbouring rays; and which of them count.

    Arguments:
        offsets: S, in units of the paths' size; `last`: NxRAYS, up to which of them values count.
        together: as in `find_edges`.
    """
    values = sample(grey, paths, offsets)
    after = np.roll(values, -1, axis=1)
    values = 0.5 * values + 0.25 * (after + np.roll(after, 2, axis=1))
    valid = ~np.isnan(values) & (offsets.astype(np.float32) <= last.astype(np.float32)[..., None])
    np.copyto(values, 0, where=~valid)
    if together > 1:
        weight = uniform_filter1d(valid.astype(np.float32), together, axis=1, mode="wrap")
        values = uniform_filter1d(values, together, axis=1, mode="wrap") / np.maximum(weight, 1e-6) * valid
    return values, valid


def _steepest(
    values: Values,
    valid: Bools,
    offsets: Floats,
    search: tuple[float, float],
    window: int | None,
    how: EdgeSettings,
) -> tuple[Index, Values]:
    """Sample at which each ray rises most, and by how much a sample; 0 where none rises.

    Inside a ring the shading of the lens and bright lines rise too, so with a `window` it must come from
    the dark within so many samples.
    """
    lag = max(1, round(how.slope_reach / (offsets[1] - offsets[0])))
    here = np.flatnonzero((offsets >= search[0]) & (offsets <= search[1]))
    first, last = max(int(here[0]), lag), min(int(here[-1]), len(offsets) - 1 - lag) + 1
    lower, upper_end = np.s_[..., first - lag : last - lag], np.s_[..., first + lag : last + lag]
    rise = (values[upper_end] - values[lower]) * (valid[lower] & valid[upper_end])
    if window is not None:
        darkest = values.min(axis=-1, where=valid, initial=np.inf)
        brightest = values.max(axis=-1, where=valid, initial=-np.inf)
        level = darkest + how.dark * np.maximum(brightest - darkest, 0)
        before = np.where(valid, values, np.float32(np.inf))
        before = minimum_filter1d(before, window, axis=-1, origin=(window - 1) // 2, mode="nearest")
        rise *= before[..., first:last] <= level[..., None]
    steepest = rise.argmax(axis=-1)
    return steepest + first, _at(rise, steepest) / (2 * lag)


def _lowest_and_highest(values: Values, valid: Bools, steepest: Index, window: int) -> tuple[Index, Index]:
    """Samples of the lowest value before and the highest after the steepest one, within the window."""
    away = np.arange(values.shape[-1], dtype=np.int16) - steepest.astype(np.int16)[..., None]
    before, after = valid & (away <= 0) & (away >= -window), valid & (away >= 0) & (away <= window)
    lowest = np.where(before, values, np.float32(np.inf)).argmin(axis=-1)
    return lowest, np.where(after, values, np.float32(-np.inf)).argmax(axis=-1)


def _half(height: Values, how: EdgeSettings) -> Values:
    """Half the height to the background, which does not come up to its full brightness in narrow gaps."""
    full = maximum_filter1d(height, how.rays_around, axis=1, mode="wrap")
    full = how.common_background * uniform_filter1d(full, how.rays_around, axis=1, mode="wrap")
    return np.asarray(np.minimum(np.maximum(height, full) / 2, how.highest_half * height))


def _inner(values: Values, valid: Bools, lowest: Index, window: int) -> tuple[Floats, Values]:
    """Sample, between samples, of the half height before the lowest one, and that height."""
    away = np.arange(values.shape[-1], dtype=np.int16) - lowest.astype(np.int16)[..., None]
    before = valid & (away <= 0) & (away >= -window)
    shoulder = np.where(before, values, np.float32(-np.inf)).max(axis=-1)
    bottom = _at(values, lowest)
    inner = _first_above(values[..., ::-1], before[..., ::-1], (bottom + shoulder) / 2)
    return np.asarray(values.shape[-1] - 1 - inner), shoulder - bottom


def _first_above(values: Values, window: Bools, level: Values) -> Floats:
    """Sample, between samples, at which the values first reach the level within the window."""
    at = (window & (values >= level[..., None])).argmax(axis=-1)
    above, below = _at(values, at), _at(values, np.maximum(at - 1, 0))
    share = (above - level) / np.maximum(above - below, 1e-6)
    return np.asarray(at - np.clip(share, 0, 1))


def _at(values: Values, index: Index) -> Values:
    return np.asarray(np.take_along_axis(values, index[..., None], axis=-1)[..., 0])
