"""Edges on single rays: in a picture's grey values sampled along rays, and what kind they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from droplets.polar import Paths, sample

Mode = Literal["ring", "fall", "wall"]
Floats = NDArray[np.float64]
Values = NDArray[np.float32]

SPACING = 0.4  # pixels between samples, at most
FEWEST, MOST = 24, 160  # samples a ray
LAG = 0.03  # of the radius: half the distance that a slope is taken over
REACH: dict[Mode, float] = {"ring": 0.2, "wall": 0.2, "fall": 0.35}
"""Of the radius: how far from the steepest point the levels on both sides of an edge are looked for."""
SAMPLED = 200  # masks that show what kind of edges a picture has
SEARCH = (-0.2, 0.4)  # of the radius, from the outline of a mask: where its edge lies
UPPER = 0.85  # quantile of the rays' heights: those that see the background
DARK = 0.5  # of a ray's range: no edge rises from above, such as the shading of a lens
COMMON, AROUND = 0.9, 11  # a ray's outside is at least this part of the brightest of so many rays around
RING = 0.12  # rise outwards over fall outwards: less is no ring
THIN = 0.168  # of the radius: full width of an edge of which a wall's thinnest tenth is thinner,
ALIKE = 1.35  # or the widths' 7th decile over their 1st: more are not alike in proportion to the radius
SHARED = 0.12  # of the radius: a wall's half that lies on the neighbour's side


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
    rising = find_edges(grey, some, within, SEARCH, "ring")
    falling = find_edges(-grey, some, within, SEARCH, "fall")
    rise, fall = upper(rising.height), upper(falling.height)
    if np.median(rise / np.maximum(fall, 1e-6)) < RING:
        return "fall"
    clear = rising.height > 0.6 * rise[:, None]
    width = np.ma.median(np.ma.masked_array(rising.inside + rising.outside, ~clear), axis=1).filled(np.inf)
    # A wall is as thick around large objects as around small ones; a ring grows with its droplet.
    first, seventh = np.quantile(width / some.size, [0.1, 0.7])
    return "wall" if first < THIN or seventh > ALIKE * first else "ring"


def upper(height: Floats) -> Floats:
    """N: the height that the clearest of each object's rays show."""
    ordered = np.sort(height, axis=1)
    found = (height > 0).sum(axis=1)
    at = height.shape[1] - 1 - np.floor((1 - UPPER) * found).astype(np.intp)
    return np.asarray(np.take_along_axis(ordered, np.minimum(at, height.shape[1] - 1)[:, None], axis=1)[:, 0])


def find_edges(grey: Values, paths: Paths, limit: Floats, search: tuple[float, float], mode: Mode) -> Edges:
    """The steepest rise outwards on each ray, and the half height in it.

    Arguments:
        grey: HxW; negated where objects are brighter than what is around them.
        paths: where to look; `limit`: NxRAYS, pixels from the centres that rays may reach.
        search: lowest and highest offset of the steepest point, in units of the paths' size.
        mode: what is looked for.
    """
    low, high = search[0] - REACH[mode], search[1] + REACH[mode]
    count = int(np.clip(np.ceil((high - low) * float(paths.size.max()) / SPACING), FEWEST, MOST))
    offsets = np.linspace(low, high, count)
    values = sample(grey, paths, offsets)
    values = 0.25 * np.roll(values, 1, axis=1) + 0.5 * values + 0.25 * np.roll(values, -1, axis=1)
    reach = (limit - paths.radius) / paths.size[:, None] + (SHARED if mode == "wall" else 0)
    valid = ~np.isnan(values) & (offsets.astype(np.float32) <= reach[..., None].astype(np.float32))
    values = np.where(valid, values, np.float32(0))
    return _edges(values, valid, offsets, search, mode, paths.size)


def _edges(
    values: Values,
    valid: NDArray[np.bool_],
    offsets: Floats,
    search: tuple[float, float],
    mode: Mode,
    size: Floats,
) -> Edges:
    step = float(offsets[1] - offsets[0])
    lag, window = max(1, round(LAG / step)), max(1, round(REACH[mode] / step))
    index = np.arange(len(offsets), dtype=np.int16)
    here = np.flatnonzero((offsets >= search[0]) & (offsets <= search[1]))
    first, last = max(int(here[0]), lag), min(int(here[-1]), len(offsets) - 1 - lag) + 1
    rise = values[..., first + lag : last + lag] - values[..., first - lag : last - lag]
    rise *= valid[..., first + lag : last + lag] & valid[..., first - lag : last - lag]
    if mode != "fall":
        darkest = np.where(valid, values, np.inf).min(axis=-1)
        brightest = np.where(valid, values, -np.inf).max(axis=-1)
        rise *= (
            values[..., first - lag : last - lag]
            <= np.where(valid.any(axis=-1), (1 - DARK) * darkest + DARK * brightest, 0)[..., None]
        )
    steepest = rise.argmax(axis=-1)
    slope = _at(rise, steepest) / (2 * lag * step * size[:, None])
    steepest = (steepest + first).astype(np.int16)[..., None]
    near = valid & (np.abs(index - steepest) <= window)
    lowest = np.where(near & (index <= steepest), values, np.inf).argmin(axis=-1)
    highest = np.where(near & (index >= steepest), values, -np.inf).argmax(axis=-1)
    bottom, top = _at(values, lowest), _at(values, highest)
    before = valid & (index <= lowest[..., None]) & (index >= lowest[..., None] - window)
    shoulder = np.where(before, values, -np.inf).max(axis=-1)
    after = (index >= lowest[..., None]) & (index <= highest[..., None])
    height = np.where(slope > 0, top - bottom, 0)
    # Between close neighbours the background does not come up to its full brightness.
    full = maximum_filter1d(height, AROUND, axis=1, mode="wrap")
    full = COMMON * uniform_filter1d(full, AROUND, axis=1, mode="wrap")
    level = bottom + np.minimum(np.maximum(height, full) / 2, 0.9 * height)
    outer = _first_above(values, after, level)
    inner = len(offsets) - 1 - _first_above(values[..., ::-1], before[..., ::-1], (bottom + shoulder) / 2)
    found = (slope > 0) & (top > bottom)
    scale = np.where(found, step * size[:, None], 0.0)
    return Edges(
        offset=scale * outer + np.where(found, offsets[0] * size[:, None], 0.0),
        height=np.where(found, height, 0.0).astype(np.float64),
        slope=np.where(found, slope, 0.0),
        inside=scale * (lowest - inner),
        outside=scale * (outer - lowest),
    )


def _first_above(values: Values, window: NDArray[np.bool_], level: Values) -> Floats:
    """Index, between samples, at which the values first reach the level within the window."""
    at = (window & (values >= level[..., None])).argmax(axis=-1)
    above, below = _at(values, at), _at(values, np.maximum(at - 1, 0))
    share = (above - level) / np.maximum(above - below, 1e-6)
    return at - np.clip(share, 0, 1)


def _at(values: Values, index: NDArray[np.intp]) -> Values:
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]
