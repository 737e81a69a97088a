"""The motion that all droplets share, from one frame to the next: the first guess that linking starts from.

Each pair of a droplet and one of the next frame votes for the shift between both, the more the better their
sizes agree. The votes of droplets that are the same pile up at the true shift, others spread. So droplets may
move by more than the distance of neighbours, as long as these differ in size or distance. It is the
cross-correlation of both frames, made of what was found: walls and dirt that stand still have no vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from droplets.tracks.detections import Detections, Edge, Floats, Ints
from droplets.tracks.settings import TrackSettings


def shared_motion(detections: Detections, how: TrackSettings = TrackSettings()) -> Floats:
    """Shift of the droplets from each frame of the series to the next.

    Arguments:
        detections: of F frames.
        how: the stage's settings.

    Returns:
        (F - 1)x2 (x, y) in pixels.
    """
    rows = detections.rows
    spacing = _spacing(detections, rows)
    if len(rows) <= 1 or spacing is None:
        return np.empty((0, 2))
    votes = [_votes(detections, before, after, spacing, how) for before, after in pairwise(rows)]
    width, half = spacing / how.shift_bins, round(how.reach * how.shift_bins)
    axis = np.arange(-half + 0.5, half) * np.float64(width)
    piles = [_pile(shifts, weights, axis, width, how.smooth) for shifts, weights in votes]
    usual = _highest(np.sum(piles, axis=0), axis)
    away = (axis[:, None] - usual[0]) ** 2 + (axis - usual[1]) ** 2
    near = np.exp(-away / (2 * (how.steady * spacing) ** 2))
    return np.array(
        [
            _centre(shifts, weights, _highest(pile * near, axis), how.smooth * width) if pile.any() else usual
            for pile, (shifts, weights) in zip(piles, votes, strict=True)
        ]
    )


def local_motion(detections: Detections, edges: Sequence[Edge], shared: Floats, how: TrackSettings) -> Floats:
    """How the motion around each droplet differs from the shared one: the median over droplets nearby.

    Arguments:
        detections: N of F frames.
        edges: which of them are linked so far.
        shared: (F - 1)x2, of `shared_motion`.
        how: the stage's settings.

    Returns:
        Nx2 (x, y) in pixels a frame of the series.
    """
    own = np.zeros_like(detections.position)
    if not len(edges):
        return own
    before, after = np.array(edges).T
    index = (detections.frame - detections.frame[0]) // detections.step
    next_ones = index[after] == index[before] + 1
    before, after = before[next_ones], after[next_ones]
    if not before.size:
        return own
    apart = detections.position[after] - detections.position[before] - shared[index[before]]
    middle = (detections.position[after] + detections.position[before]) / 2
    _, nearby = KDTree(middle).query(detections.position, k=min(how.nearby, before.size))
    return np.asarray(np.median(apart[nearby.reshape(own.shape[0], -1)], axis=1))


def _spacing(detections: Detections, rows: list[Ints]) -> float | None:
    """Median distance of nearest neighbours; of single droplets their diameter."""
    nearest = [
        KDTree(detections.position[each]).query(detections.position[each], k=2)[0][:, 1]
        for each in rows
        if len(each) > 1
    ]
    if nearest:
        return float(np.median(np.concatenate(nearest)))
    return float(np.median(detections.diameter)) if detections.diameter.size else None


def _votes(
    detections: Detections, before: Ints, after: Ints, spacing: float, how: TrackSettings
) -> tuple[Floats, Floats]:
    """Mx2 shifts of all pairs within reach, and M weights by how well their sizes agree."""
    if not before.size or not after.size:
        return np.empty((0, 2)), np.empty(0)
    trees = [KDTree(detections.position[each]) for each in (before, after)]
    pairs = trees[0].sparse_distance_matrix(trees[1], how.reach * spacing, output_type="ndarray")
    first, second = before[pairs["i"]], after[pairs["j"]]
    sizes = detections.diameter
    apart = (sizes[second] - sizes[first]) / (how.same_size * (sizes[second] + sizes[first]) / 2)
    return detections.position[second] - detections.position[first], np.exp(-(apart**2) / 2)


def _pile(shifts: Floats, weights: Floats, axis: Floats, width: float, smooth: float) -> Floats:
    """Histogram of the votes over both axes, smooth."""
    edges = np.append(axis - width / 2, axis[-1] + width / 2)
    pile, _, _ = np.histogram2d(shifts[:, 0], shifts[:, 1], [edges, edges], weights=weights)
    return np.asarray(gaussian_filter(pile, smooth, mode="constant"))


def _highest(pile: Floats, axis: Floats) -> Floats:
    """(x, y) of the highest bin."""
    return axis[np.array(np.unravel_index(pile.argmax(), pile.shape))]


def _centre(shifts: Floats, weights: Floats, peak: Floats, reach: float) -> Floats:
    """(x, y), mean of the votes at a peak."""
    there = (np.abs(shifts - peak) <= reach).all(axis=1)
    if not weights[there].sum() > 0:
        return peak
    return np.asarray(np.average(shifts[there], axis=0, weights=weights[there]))
