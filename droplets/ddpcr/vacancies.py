"""Places between found partitions that a further one would fill: where negatives may have been missed.

A place counts where a partition of the usual size has room, as far from its nearest neighbour as these
are from theirs, and where neighbours lie at that distance on all sides of it. A raft's outside, and what is
missed in whole patches, has none; so the number is a lower one.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from droplets.ddpcr.settings import DdpcrSettings

Points = NDArray[np.float64]
DETAIL = 4  # pixels that the radius is scaled to
NEIGHBOURS = 8  # that fit around a place, at most
ALL_SIDES = math.pi  # a wider angle without a neighbour is an outside


def vacancies(
    centres: Points, radius: float, shape: tuple[int, ...], how: DdpcrSettings = DdpcrSettings()
) -> Points:
    """Kx2 (x, y) of vacant places.

    Arguments:
        centres: Nx2 (x, y) of all that was found.
        radius: usual one of a partition, in pixels.
        shape: height and width of the picture.
        how: the stage's settings.
    """
    if len(centres) <= how.neighbours:
        return np.empty((0, 2))
    tree = cKDTree(centres)
    pitch = max(float(np.median(tree.query(centres, k=2)[0][:, 1])), 2 * radius)
    places = _roomy(centres, radius, pitch, shape, how)
    away, near = tree.query(places, k=NEIGHBOURS, distance_upper_bound=how.neighbour_reach * pitch)
    away, near = away.reshape(-1, NEIGHBOURS), near.reshape(-1, NEIGHBOURS)
    there = np.isfinite(away)
    good = (away[:, 0] >= how.room * pitch) & (there.sum(axis=1) >= how.neighbours)
    places, near, there = places[good], near[good], there[good]
    around = np.concatenate([centres, [[np.nan, np.nan]]])[near] - places[:, None]
    widest = _widest_angle(np.arctan2(around[..., 1], around[..., 0]))
    order = np.lexsort([widest, -there.sum(axis=1)])
    return _apart(places[order[widest[order] <= ALL_SIDES]], how.room * pitch)


def closest_packing(shape: tuple[int, ...], diameter: float) -> int:
    """Number of partitions that fill a picture of this height and width (pixels), hexagonally packed."""
    return math.ceil(shape[0] * shape[1] / (math.sqrt(3) / 2 * diameter**2))


def _roomy(
    centres: Points, radius: float, pitch: float, shape: tuple[int, ...], how: DdpcrSettings
) -> Points:
    """Mx2 places of a grid, about as far from the nearest centre as neighbours are, in the picture."""
    step = max(1.0, radius / DETAIL)
    height, width = (math.ceil(side / step) for side in shape[:2])
    free = np.ones((height, width), np.uint8)
    column, row = np.floor(centres / step).astype(int).T
    free[row.clip(0, height - 1), column.clip(0, width - 1)] = 0
    away = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * step
    ring = (away >= how.room * pitch - 2 * step) & (away <= how.neighbour_reach * pitch + step)
    y, x = np.nonzero(ring)
    places = (np.column_stack([x, y]) + 0.5) * step
    limits = np.array(shape[1::-1]) - 1
    return np.asarray(places[((places >= radius) & (places <= limits - radius)).all(axis=1)])


def _widest_angle(angles: Points) -> NDArray[np.float64]:
    """M: the widest gap between successive ones of MxK directions in radians, NaN for none."""
    ordered = np.sort(angles, axis=1)
    first = ordered[:, :1] + 2 * math.pi
    closed = np.concatenate([np.where(np.isnan(ordered), first, ordered), first], axis=1)
    return np.asarray(np.diff(closed, axis=1).max(axis=1, initial=0.0))


def _apart(places: Points, distance: float) -> Points:
    """Those of Mx2 places, the first ones first, of which no two are nearer than the distance."""
    tree = cKDTree(places)
    left = np.ones(len(places), bool)
    for i in range(len(places)):
        if left[i]:
            left[tree.query_ball_point(places[i], distance)] = False
            left[i] = True
    return places[left]
