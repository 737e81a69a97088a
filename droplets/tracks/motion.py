"""The motion that all droplets share, from one frame to the next: the first guess that linking starts from.

Each pair of a droplet and one of the next frame votes for the shift between both, the more the better their
sizes agree. The votes of droplets that are the same pile up at the true shift, others spread. So droplets may
move by more than the distance of neighbours, as long as these differ in size or distance. It is the
cross-correlation of both frames, made of what was found: walls and dirt that stand still have no vote.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from droplets.tracks.detections import Detections, Floats, Ints

REACH = 3.0
"""Largest shift that is looked for, in median distances of nearest neighbours."""
SHIFT_BINS = 24
"""Of a shift's histogram, for the distance of nearest neighbours."""
SMOOTH = 3.0
"""Standard deviation of its smoothing in bins: so that it hardly matters where in a bin the votes lie."""
SAME_SIZE = 0.015
"""Standard deviation of the difference of a droplet's diameters in two frames, over the diameter."""
STEADY = 1 / 3
"""Standard deviation of the shift around that of the whole series, in distances of nearest neighbours."""


def shared_motion(detections: Detections) -> Floats:
    """Shift of the droplets from each frame of the series to the next.

    Arguments:
        detections: of F frames.

    Returns:
        (F - 1)x2 (x, y) in pixels.
    """
    rows = detections.rows
    spacing = _spacing(detections, rows)
    if len(rows) <= 1 or spacing is None:
        return np.empty((0, 2))
    votes = [_votes(detections, before, after, REACH * spacing) for before, after in pairwise(rows)]
    axis = (np.arange(-REACH * SHIFT_BINS, REACH * SHIFT_BINS) + 0.5) * spacing / SHIFT_BINS
    piles = [_pile(shifts, weights, axis, spacing / SHIFT_BINS) for shifts, weights in votes]
    usual = _highest(np.sum(piles, axis=0), axis)
    near = np.exp(-((axis[:, None] - usual[0]) ** 2 + (axis - usual[1]) ** 2) / (2 * (STEADY * spacing) ** 2))
    return np.array(
        [
            _centre(shifts, weights, _highest(pile * near, axis), spacing / SHIFT_BINS)
            if pile.any()
            else usual
            for pile, (shifts, weights) in zip(piles, votes, strict=True)
        ]
    )


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


def _votes(detections: Detections, before: Ints, after: Ints, reach: float) -> tuple[Floats, Floats]:
    """Mx2 shifts of all pairs within reach, and M weights by how well their sizes agree."""
    if not before.size or not after.size:
        return np.empty((0, 2)), np.empty(0)
    trees = [KDTree(detections.position[each]) for each in (before, after)]
    pairs = trees[0].sparse_distance_matrix(trees[1], reach, output_type="ndarray")
    first, second = before[pairs["i"]], after[pairs["j"]]
    sizes = detections.diameter
    apart = (sizes[second] - sizes[first]) / (SAME_SIZE * (sizes[second] + sizes[first]) / 2)
    return detections.position[second] - detections.position[first], np.exp(-(apart**2) / 2)


def _pile(shifts: Floats, weights: Floats, axis: Floats, width: float) -> Floats:
    """Histogram of the votes over both axes, smooth."""
    edges = np.append(axis - width / 2, axis[-1] + width / 2)
    pile, _, _ = np.histogram2d(shifts[:, 0], shifts[:, 1], [edges, edges], weights=weights)
    return np.asarray(gaussian_filter(pile, SMOOTH, mode="constant"))


def _highest(pile: Floats, axis: Floats) -> Floats:
    """(x, y) of the highest bin."""
    return axis[np.array(np.unravel_index(pile.argmax(), pile.shape))]


def _centre(shifts: Floats, weights: Floats, peak: Floats, width: float) -> Floats:
    """(x, y), mean of the votes at a peak."""
    there = (np.abs(shifts - peak) <= SMOOTH * width).all(axis=1)
    if not weights[there].sum() > 0:
        return peak
    return np.asarray(np.average(shifts[there], axis=0, weights=weights[there]))
