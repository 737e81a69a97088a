"""Whether a picture's colours are those of a lookup table, which are no measure of light.

A table has one colour for each light, so that the colours lie on a curve; those of two dyes and their
mixtures lie on a surface. The curve is the shortest path between the two colours that are furthest apart,
with cubed steps, so that it follows the colours. Light only adds up: from the ground's colour on, no channel
falls. A curve with no such colour is that of a table. One on which every channel grows, of a single hue, say,
is a measure.

Each colour counts once, however few pixels have it. Two looks are taken: at all pixels, and in coarser steps
at even places, where a compressed picture (JPEG) has kept its colours.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.distance import cdist

from droplets.annotations.scale_bar import find_scale_bar
from droplets.annotations.settings import AnnotationSettings
from droplets.ddpcr.settings import DdpcrSettings

Colours = NDArray[np.float64]
LEVELS = 256


def in_false_colours(pixels: NDArray[np.uint8], how: DdpcrSettings, annotations: AnnotationSettings) -> bool:
    """Whether the colours are those of a table in which some channel falls while light grows.

    Arguments:
        pixels: HxWx3 uint8, as stored.
        how, annotations: the settings of the stage, and of the scale bar, around which colours say nothing.
    """
    looked_at = np.ones(pixels.shape[:2], np.uint8)
    if bar := find_scale_bar(pixels, annotations):
        x, y, width, height = bar.box
        reach = round(annotations.reach * bar.length_px)
        looked_at[max(0, y - reach) : y + height + reach, max(0, x - reach) : x + width + reach] = 0
    window = np.ones((how.even_window, how.even_window), np.uint8)
    span = cv2.subtract(cv2.dilate(pixels, window), cv2.erode(pixels, window)).max(axis=2)
    even = looked_at & (span <= how.even_span)
    looks = (looked_at, how.colour_step), (even, how.even_colour_step)
    return any(_is_table(_colours(pixels, where, step, how), step, how) for where, step in looks)


def _colours(pixels: NDArray[np.uint8], where: NDArray[np.uint8], step: int, how: DdpcrSettings) -> Colours:
    """Mx3 colours that there are, in steps of so many levels; every so many-th if they are too many."""
    seen = cv2.calcHist([pixels], [0, 1, 2], where, [LEVELS // step] * 3, [0, LEVELS] * 3)
    colours = (np.argwhere(seen) + 0.5) * step
    return np.asarray(colours[:: -(-len(colours) // how.most_colours) or 1], np.float64)


def _is_table(colours: Colours, step: int, how: DdpcrSettings) -> bool:
    if not len(colours):
        return False
    curve, near = _curve(colours), how.near_curve * step
    if np.mean(_distance(colours, curve) <= near) < how.on_curve:
        return False
    falls = max(how.least_fall * np.ptp(curve, axis=0).max(), near)
    return bool(_least_fall(curve) > falls)


def _curve(colours: Colours) -> Colours:
    """Kx3 of the colours: the shortest path between the two that are furthest apart by such paths."""
    steps = cdist(colours, colours) ** 3
    first = int(dijkstra(steps, indices=0).argmax())
    distance, before = dijkstra(steps, indices=first, return_predecessors=True)
    path = [int(distance.argmax())]
    while path[-1] != first:
        path.append(int(before[path[-1]]))
    return colours[path]


def _distance(colours: Colours, curve: Colours) -> NDArray[np.float64]:
    """M: of each colour from the nearest piece of the curve."""
    start, along = curve[:-1], np.diff(curve, axis=0)
    if not len(along):
        return np.asarray(cdist(colours, curve)[:, 0])
    off = colours[:, None] - start
    share = np.clip((off * along).sum(axis=2) / (along**2).sum(axis=1), 0, 1)
    return np.asarray(np.linalg.norm(off - share[..., None] * along, axis=2).min(axis=1))


def _least_fall(curve: Colours) -> float:
    """How much some channel falls from the ground to either end; the ground is where that is least."""
    falls = np.maximum(_rises(curve), _rises(curve[::-1])[::-1])
    return float(falls.max(axis=1).min())


def _rises(curve: Colours) -> Colours:
    """Kx3: how far each channel rises until there, from any colour to a later one."""
    return np.asarray(np.maximum.accumulate(curve - np.minimum.accumulate(curve)))
