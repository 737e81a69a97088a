"""From the head's answer to objects: peaks of the heat, and of those that show the same object the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from droplets.finding.head import FIRST, HEAD_RAYS, HEAT, KIND, LAYER_CHANNELS, LAYERS, QUALITY, RAY, STRIDE
from droplets.finding.stars import DIRECTIONS, INNER, OUTER, Stars
from droplets.tuning import tuned

LONGEST_RAY = 10.0
"""Logarithm of the longest ray in cells, 22000: an answer that means nothing shall not overflow."""
RINGS = 4
"""Points along every second ray by which two outlines are compared, in rings of equal area."""
COMPARED_AT_ONCE = 20_000
"""Outlines that are compared at once, for memory's sake."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.int64]


OVERLAPPING = "rendered contents, clumps and rings around gaps, tests/droplets/finding/test_decode.py"


@dataclass(frozen=True)
class Thresholds:
    """Which peaks are objects, and when two are one.

    Attributes:
        heat: probability of a centre that a peak must exceed, of an outer object.
        expected_iou: that its outline must exceed.
        inner_heat, inner_expected_iou: the same of what lies in objects.
        relative: part of the median score of a picture's outer objects that each of them must have: what a
            gap between droplets is taken for, or a speck beside them, is less sure than they are.
        same: IoU over which two objects of a layer are one.
        within: part of the smaller one over which no outer object may lie in another.
        twin: IoU over which an inner object is the outer one that it lies in, seen twice; a core fills
            less of its shell.
        calibration: by layer, the mean true IoU of reported objects for which the head expects one in each of
            several even steps from 0 to 1, on rendered pictures; what is reported is read off there.
    """

    heat: float = 0.3
    expected_iou: float = 0.3
    inner_heat: float = 0.3
    inner_expected_iou: float = 0.3
    relative: float = 0.0
    same: float = 0.5
    within: float = 0.6
    twin: float = 0.85
    calibration: tuple[tuple[float, ...], ...] = ()
    faint: float = tuned(
        0.5, "threshold", "what exceeds so much of it may be an object too small to be seen well", OVERLAPPING
    )
    content: float = tuned(0.5, "diameter", "of an object: what is smaller may be its content", OVERLAPPING)
    full: float = tuned(0.5, "area", "of an object: what is seen in a holder fills less", OVERLAPPING)


def peaks(answer: NDArray[np.float32], thresholds: Thresholds) -> Stars:
    """Objects at all peaks of the heat, also faint ones, in the frame's pixels; several may show the same.

    Arguments:
        answer: 70xhxw, see `Head.forward`.
        thresholds: those of heat and expected IoU count.
    """
    outer, inner = answer.reshape(len(LAYERS), LAYER_CHANNELS, *answer.shape[1:])
    return Stars.join(
        [
            _peaks(OUTER, outer, thresholds.faint * thresholds.heat),
            _peaks(INNER, inner, thresholds.faint * thresholds.inner_heat),
        ]
    )


def inner_heat(answer: NDArray[np.float32]) -> NDArray[np.float32]:
    """hxw of an answer of 70xhxw: the highest logit of an inner centre in each cell and those beside it."""
    inner = answer.reshape(len(LAYERS), LAYER_CHANNELS, *answer.shape[1:])[INNER]
    return np.asarray(cv2.dilate(inner[HEAT], np.ones((3, 3), np.uint8)), np.float32)


def sure(stars: Stars, thresholds: Thresholds) -> Stars:
    """Those that exceed the thresholds of their layer."""
    outer = stars.layer == OUTER
    heat = np.where(outer, thresholds.heat, thresholds.inner_heat)
    expected = np.where(outer, thresholds.expected_iou, thresholds.inner_expected_iou)
    return stars.take((stars.heat > heat) & (stars.expected_iou > expected))


def read_off(expected: Floats, curve: Sequence[float]) -> Floats:
    """What IoUs that the head expects stand for, by the curve of a layer; see `Thresholds.calibration`."""
    return np.interp(expected, (np.arange(len(curve)) + 0.5) / len(curve), curve)


def calibrated(stars: Stars, thresholds: Thresholds) -> Stars:
    """The same with what the head expects put right; see `Thresholds.calibration`."""
    expected = stars.expected_iou.copy()
    for layer, curve in enumerate(thresholds.calibration):
        own = stars.layer == layer
        expected[own] = read_off(expected[own], curve)
    return replace(stars, expected_iou=expected)


def _peaks(layer: int, maps: NDArray[np.float32], heat: float) -> Stars:
    """Objects of one layer, 35xhxw."""
    logits = np.ascontiguousarray(maps[HEAT])
    highest = logits >= cv2.dilate(logits, np.ones((3, 3), np.uint8))
    row, column = np.nonzero(highest & (logits > _logit(heat)))
    there = maps[:, row, column].astype(np.float64)
    return Stars(
        centre=np.column_stack([column, row]).astype(np.float64) * STRIDE + FIRST,
        rays=STRIDE * np.exp(np.minimum(there[RAY:], LONGEST_RAY)).T.reshape(-1, HEAD_RAYS),
        layer=np.full(len(row), layer, np.int64),
        bead=_sigmoid(there[KIND]),
        heat=_sigmoid(there[HEAT]),
        expected_iou=_sigmoid(there[QUALITY]),
    )


def distinct(stars: Stars, thresholds: Thresholds) -> Stars:
    """One star an object, best score first.

    Of two objects of a layer that show the same the one of the higher score stays; of two outer ones of which
    one lies mostly within the other, too, unless the larger one holds the smaller one as what it contains;
    see `_holds`. What lies in no outer object is left out unless it is a bead.
    """
    stars = stars.take(np.argsort(-stars.score, kind="stable"))
    outer, inner = stars.take(stars.layer == OUTER), stars.take(stars.layer == INNER)
    outer, contents = _outermost(outer, thresholds)
    inner = Stars.join([inner, contents])
    inner = inner.take(np.argsort(-inner.score, kind="stable"))
    inner = inner.take(_unsuppressed(len(inner), *_clashes(inner, thresholds.same, np.inf)))
    inner = inner.take(_belongs(inner, outer, thresholds.twin))
    stars = Stars.join([outer, inner])
    return stars.take(np.argsort(-stars.score, kind="stable"))


def convincing(stars: Stars, relative: float) -> tuple[Stars, Stars]:
    """Outer objects of that part of their median score, with what lies in them; and the others."""
    outer = stars.layer == OUTER
    if not outer.any():
        return stars, Stars.none()
    sure = stars.score >= relative * float(np.median(stars.score[outer]))
    kept = stars.take(sure | ~outer)
    inner = kept.layer == INNER
    owned = owners(kept.take(~inner), kept.centroid) >= 0
    return kept.take(~inner | owned | kept.is_bead), stars.take(~sure & outer)


def _outermost(stars: Stars, thresholds: Thresholds) -> tuple[Stars, Stars]:
    """Of outer objects, best first, one of each; and those that proved to be contents of others."""
    larger, smaller = _clashes(stars, thresholds.same, thresholds.within)
    rivals = stars.area[smaller] >= thresholds.content**2 * stars.area[larger]
    keep = _unsuppressed(len(stars), larger[rivals], smaller[rivals])
    left = keep[larger] & keep[smaller] & ~rivals
    larger, smaller = larger[left], smaller[left]
    held = _holds(stars, larger, smaller, thresholds.full)[larger]
    keep &= _unsuppressed(len(stars), larger[~held], smaller[~held])
    held &= keep[larger] & keep[smaller]
    larger, smaller = larger[held], smaller[held]
    inside, part = np.zeros(len(stars), np.bool_), np.zeros(len(stars))
    inside[smaller] = True
    np.maximum.at(part, smaller, np.sqrt(stars.area[smaller] / stars.area[larger]))
    contents = replace(
        stars, layer=np.full_like(stars.layer, INNER), bead=1 / (1 + (part / thresholds.content) ** 4)
    )
    return stars.take(keep & ~inside), contents.take(inside)


def _holds(stars: Stars, larger: Indices, smaller: Indices, part: float) -> Bools:
    """N: whether an object is one beside what was seen in it, of pairs of which that is much smaller.

    It is if it is surer than the most of that, which fills no more than a `part` of it: a ring of droplets
    around a gap, and a clump, are full.
    """
    stands = np.zeros(len(stars), np.bool_)
    for holder in np.unique(larger).tolist():
        held = smaller[larger == holder]
        full = stars.area[held].sum() > part * stars.area[holder]
        stands[holder] = not full and stars.score[holder] >= np.median(stars.score[held])
    return stands


def _unsuppressed(count: int, first: Indices, second: Indices) -> Bools:
    """Which of `count` objects, best first, have no better one among pairs that show the same."""
    better, worse = np.minimum(first, second), np.maximum(first, second)
    keep = np.ones(count, np.bool_)
    order = np.lexsort((worse, better))
    for i, j in zip(better[order].tolist(), worse[order].tolist(), strict=True):
        if keep[i]:
            keep[j] = False
    return keep


def _clashes(stars: Stars, same: float, within: float) -> tuple[Indices, Indices]:
    """P indices of larger objects, and of smaller ones that show the same or lie mostly in them."""
    larger, smaller = _pairs(stars)
    area = stars.area
    shared = shared_part(stars, smaller, stars, larger)
    both = shared * area[smaller]
    clash = (shared > within) | (both > same * (area[smaller] + area[larger] - both))
    return larger[clash], smaller[clash]


def _pairs(stars: Stars) -> tuple[Indices, Indices]:
    """P indices of larger objects, and of smaller ones whose centroid they may hold.

    Two outlines of which the smaller one lies by half or more in the other are always such a pair.
    """
    holder, held = _around(stars, stars.centroid)
    area = stars.area
    larger = (area[held] < area[holder]) | ((area[held] == area[holder]) & (held > holder))
    return holder[larger], held[larger]


def _around(stars: Stars, points: Floats) -> tuple[Indices, Indices]:
    """P indices of objects and of Nx2 points that lie no further from their centres than the longest ray."""
    if not len(stars) or not len(points):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    near = cKDTree(points).query_ball_point(stars.centre, stars.longest)
    counts = [len(found) for found in near]
    return np.repeat(np.arange(len(stars)), counts), np.concatenate(near).astype(np.int64)


def shared_part(stars: Stars, which: Indices, others: Stars, around: Indices) -> Floats:
    """P: part of the area of stars[which[p]] that lies in others[around[p]], by 64 points of it."""
    share = np.sqrt((np.arange(RINGS) + 0.5) / RINGS)
    parts = [np.zeros(0)]
    for first in range(0, len(which), COMPARED_AT_ONCE):
        own = which[first : first + COMPARED_AT_ONCE]
        rays = stars.rays[own][:, ::2]
        points = rays[:, None, :, None] * share[:, None, None] * DIRECTIONS[::2]
        points = points.reshape(len(own), -1, 2) + stars.centre[own][:, None]
        inside = others.hold(around[first : first + COMPARED_AT_ONCE], points).reshape(
            len(own), RINGS, rays.shape[1]
        )
        weight = rays**2
        parts.append((inside.mean(axis=1) * weight).sum(axis=1) / weight.sum(axis=1))
    return np.concatenate(parts)


def owners(stars: Stars, points: Floats) -> Indices:
    """N: index of the best object that holds each of Nx2 points, -1 where none does; stars best first."""
    holder, held = _around(stars, points)
    inside = stars.hold(holder, points[held][:, None])[:, 0]
    found = np.full(len(points), len(stars), np.int64)
    np.minimum.at(found, held[inside], holder[inside])
    return np.where(found < len(stars), found, -1)


def _belongs(inner: Stars, outer: Stars, twin: float) -> Bools:
    """N: whether an inner object lies in an outer one that is not just the same, or is a free bead."""
    owner = owners(outer, inner.centroid)
    owned = np.flatnonzero(owner >= 0)
    both = shared_part(inner, owned, outer, owner[owned]) * inner.area[owned]
    union = inner.area[owned] + outer.area[owner[owned]] - both
    belongs = inner.is_bead.copy()
    belongs[owned] = both <= twin * union
    return belongs


def _sigmoid(logits: NDArray[np.floating]) -> Floats:
    return 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -50, 50)))


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))
