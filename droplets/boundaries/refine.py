"""Moves the boundaries of masks to the objects' true edges, to a fraction of a pixel.

The grey values along rays through each mask's outline show the edge: the half height outside a dark rim,
the middle of a rim that two neighbours share, or the half height between inside and background of an
object that glows (profiles.py). A smooth closed curve is fitted to the rays' edges robustly,
twice: from the mask, then from the first curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from droplets.boundaries.contours import clip, rasterise
from droplets.boundaries.curves import (
    fit_circles,
    fit_offsets,
    low_pass,
    recentred,
    root_mean_square,
    spread,
    upsample,
)
from droplets.boundaries.profiles import DIP, SEARCH, Edges, Kind, find_edges, kind_of_edges, upper
from droplets.boundaries.rays import RAYS, Paths, chunks, enclosed, neighbour_distance, outlines
from droplets.boundaries.uncertainty import AS_FOUND, UNSEEN, uncertainty
from droplets.noise import MAD_TO_SIGMA
from droplets.objects.measure import equivalent_diameter
from droplets.types import Boundary, Mask

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LONGEST = 32_766  # pixels of a side that OpenCV can sample
SMALLEST = 3.5  # pixels of radius
MOVE = 0.35  # of the radius, at most
ROUND = 0.08  # of the radius: an outline nearer to its circle starts from that
NEAR = (-0.12, 0.12)  # of the radius, from the first curve: where the edge is looked for again
STIFF, FREE = 2, 8  # harmonics of the curve of a round object, and of any other
LOOSE = 0.015  # of the radius: a stiff curve of a smaller residual stays
SEEN = 0.5  # of the rays: fewer say too little about a free curve
WORTH = 0.5  # a free curve must leave at most this part of the stiff one's residual, per degree of freedom:
APART = 3.0  # pixels along an outline from which on edges are told independently of each other
LOWEST = 0.35  # of the height on the clearest rays: what a ray must show to count
NOISES = 4.0
VISIBLE = 0.08  # of the rays
AGREEING = 0.6  # of the rays that show an edge
WIDEST = 0.06  # of the radius: residual
CORNERS = 2  # of a contour a ray

NOT_WANTED = "refine_edges is off"
TOO_LARGE = f"the picture has a side of more than {LONGEST} pixels"
TOO_SMALL = "too small for its edge to be measured"
ACROSS = "it reaches across the picture"
ENCLOSED = "it lies in a larger mask"
NO_EDGE = "no edge stands out from the noise around enough of it"
UNEVEN = "the edge found around it does not lie on one smooth curve"
FAR = "the edge found lies too far from the model's mask"


@dataclass(frozen=True, eq=False)
class _Curves:
    """Curves fitted around N objects.

    Attributes:
        paths: the curves; their size is that of the circle of the same mean radius.
        residual: N, root mean square distance of the rays' edges, in pixels.
        height, slope: N, of the edge, in grey values and grey values a pixel.
        rise: N, pixels over which the edge rises: its height over its slope.
        inner: N, equivalent diameter of the rim's inner edge in pixels; 0 where there is none.
        visible: N, share of the rays whose edge lies on the curve.
        agreeing: N, the same as a share of the rays that show an edge.
    """

    paths: Paths
    residual: Floats
    height: Floats
    slope: Floats
    rise: Floats
    inner: Floats
    visible: Floats
    agreeing: Floats


def find_boundaries(
    grey: NDArray[np.generic], masks: Sequence[Mask], count: int | None = None
) -> list[Boundary]:
    """The true edge of what each mask shows.

    Arguments:
        grey: HxW of any real type.
        masks: any number, in the picture's frame.
        count: of the first masks, whose edges are wanted; the others only show where neighbours lie and
            what edges the picture has. None: all.

    Returns:
        One boundary for each of the first `count` masks, in order. Where no edge is found that the mask
        may be moved to, the mask stays, and `kept_because` says why.
    """
    height, width = grey.shape
    if max(height, width) > LONGEST:
        return [as_found(mask, TOO_LARGE) for mask in masks[:count]]
    if not masks:
        return []
    model = outlines(masks)
    start, is_round = _start(model, width, height)
    reasons = _unfit(masks, model, is_round, width, height)
    boundaries = [as_found(m, r or NO_EDGE) for m, r in zip(masks, reasons, strict=True)][:count]
    fit = np.flatnonzero([reason is None for reason in reasons])
    wanted = fit[fit < len(boundaries)]
    if wanted.size:
        picture = grey.astype(np.float32)
        telling = np.flatnonzero([not (masks[i].inner or masks[i].shows_bead) for i in fit.tolist()])
        curves = _fitted(picture, start.take(fit), is_round[fit], len(wanted), telling)
        some = [masks[i] for i in wanted.tolist()]
        moved = _moved(some, start.take(wanted), curves, _noise(picture), width, height)
        for i, boundary in zip(wanted.tolist(), moved, strict=True):
            boundaries[i] = boundary
    return boundaries


def as_found(mask: Mask, reason: str) -> Boundary:
    """The boundary of a mask that stays as it was found, and why."""
    off = AS_FOUND if reason in (TOO_LARGE, NOT_WANTED) else UNSEEN
    return Boundary(mask, uncertainty=off * equivalent_diameter(mask.area), kept_because=reason)


def _unfit(masks: Sequence[Mask], paths: Paths, is_round: Bools, width: int, height: int) -> list[str | None]:
    """Why single masks are not to be moved, None for those that are."""
    inside = enclosed(masks, paths, is_round)
    return [
        ACROSS
        if mask.spans(width, height)
        else TOO_SMALL
        if paths.size[i] < SMALLEST
        else ENCLOSED
        if inside[i]
        else None
        for i, mask in enumerate(masks)
    ]


def _fitted(
    picture: NDArray[np.float32], start: Paths, is_round: Bools, count: int, telling: NDArray[np.intp]
) -> _Curves:
    """From the masks' outlines to the curves of the first `count`; by those `telling` edges are judged."""
    limit = neighbour_distance(start)
    some = telling if telling.size else np.arange(len(start.size))
    kind = kind_of_edges(picture, start.take(some), limit[some])
    if kind.lit:
        picture = -picture
    own = start.take(slice(count))
    first = _trace(picture, own, limit[:count], kind, SEARCH)
    paths = recentred(_sane(first, own), is_round[:count])
    known = paths.followed_by(start.take(slice(count, None)))
    return _trace(picture, paths, neighbour_distance(known)[:count], kind, NEAR)


def _sane(curves: _Curves, start: Paths) -> Paths:
    """The curves; where one went astray, the start widened as the others were."""
    change = curves.paths.size / start.size
    astray = (np.abs(change - 1) > MOVE) | (curves.agreeing < AGREEING) | (curves.visible < VISIBLE)
    usual = float(np.median(change[~astray])) if not astray.all() else 1.0
    return Paths(
        curves.paths.centre,
        np.where(astray[:, None], usual * start.radius, curves.paths.radius),
        np.where(astray, usual * start.size, curves.paths.size),
    )


def _start(model: Paths, width: int, height: int) -> tuple[Paths, Bools]:
    """Circles for round outlines, else the outlines without their pixels' steps; and which are round."""
    points = model.points()
    weight = ((points > 0.6) & (points < (width - 1.6, height - 1.6))).all(axis=-1).astype(float)
    centre, radius, rms = fit_circles(points, weight)
    whole = weight.all(axis=1)
    is_round = (rms < ROUND * radius) & (radius > 0.7 * model.size)
    is_round &= radius < np.where(whole, 1.4, 2.5) * model.size
    is_round &= weight.sum(axis=1) > RAYS / 3
    smooth = low_pass(model.radius, FREE)
    return Paths(
        np.where(is_round[:, None], centre, model.centre),
        np.where(is_round[:, None], radius[:, None], smooth),
        np.where(is_round, radius, model.size),
    ), is_round


def _trace(
    picture: NDArray[np.float32], paths: Paths, limit: Floats, kind: Kind, search: tuple[float, float]
) -> _Curves:
    """Curves through the edges found near paths."""
    count = len(paths.size)
    radius = np.empty((count, RAYS))
    figures = np.empty((7, count))
    for group in chunks(paths.size):
        near = paths.take(group)
        edges = find_edges(picture, near, limit[group], search, kind)
        clearest = upper(edges.height)
        share = np.clip(edges.height / np.maximum(clearest, 1e-9)[:, None], 0, 1)
        weight = np.where(share > LOWEST, share**2, 0.0)
        fitted, counted = _fit(edges.offset, weight, near.size)
        radius[group] = near.radius + fitted
        agreeing = ((counted > 0.3 * weight) & (share > LOWEST)).sum(axis=1)
        figures[:, group] = (
            root_mean_square(edges.offset - fitted, counted),
            clearest,
            _mean(edges.slope, counted),
            _mean(edges.height / np.maximum(edges.slope, 1e-9), counted),
            _inner_diameter(near, edges, counted),
            agreeing / RAYS,
            agreeing / np.maximum((share > LOWEST).sum(axis=1), 1),
        )
    return _Curves(Paths(paths.centre, radius, radius.mean(axis=1)), *figures)


def _mean(values: Floats, weight: Floats) -> Floats:
    """N weighted means of NxK values."""
    return np.asarray((values * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9))


def _inner_diameter(paths: Paths, edges: Edges, counted: Floats) -> Floats:
    """N equivalent diameters of the inner edges of dark rims; 0 where most rays show none."""
    dark = counted * (edges.depth > DIP * edges.height) * (edges.width > 0)
    has_rim = dark.sum(axis=1) > 0.5 * counted.sum(axis=1)
    inner, _ = fit_offsets(edges.inner, dark, paths.size, STIFF)
    radius = np.maximum(paths.radius + inner, 0)
    return np.where(has_rim, 2 * np.sqrt(np.mean(radius**2, axis=1)), 0)


def _fit(offset: Floats, weight: Floats, size: Floats) -> tuple[Floats, Floats]:
    """A stiff curve, or a free one where that leaves much."""
    fitted, counted = fit_offsets(offset, weight, size, STIFF)
    residual = spread(offset - fitted, weight)
    told = np.minimum(RAYS, 2 * np.pi * size / APART)
    loose = np.flatnonzero((residual > LOOSE * size) & (weight.mean(axis=1) > SEEN) & (told > 2 * FREE + 1))
    if loose.size:
        free, free_counted = fit_offsets(offset[loose], weight[loose], size[loose], FREE)
        left = spread(offset[loose] - free, weight[loose])
        freedom = (told[loose] - 2 * FREE - 1) / (told[loose] - 2 * STIFF - 1)
        better = left < WORTH * np.sqrt(freedom) * residual[loose]
        fitted[loose[better]], counted[loose[better]] = free[better], free_counted[better]
    return fitted, counted


def _noise(picture: NDArray[np.float32]) -> float:
    """Standard deviation of a pixel, from the differences of neighbours in every fourth row."""
    steps = np.abs(np.diff(picture[::4], axis=1))
    return max(MAD_TO_SIGMA * float(np.median(steps)) / 2**0.5, 1e-3 * float(np.ptp(picture)), 1e-9)


def _verdicts(curves: _Curves, start: Paths, noise: float) -> list[str | None]:
    """Why curves do not stand, None for those that do."""
    change = curves.paths.size / start.size
    shift = np.hypot(*(curves.paths.centre - start.centre).T)
    unseen = (curves.height < NOISES * noise) | (curves.visible < VISIBLE)
    uneven = (curves.agreeing < AGREEING) | (curves.residual > WIDEST * start.size)
    uneven |= curves.paths.radius.min(axis=1) <= 1
    far = (np.abs(change - 1) > MOVE) | (shift > MOVE * start.size)
    return [
        NO_EDGE if a else UNEVEN if b else FAR if c else None
        for a, b, c in zip(unseen, uneven, far, strict=True)
    ]


def _moved(
    masks: Sequence[Mask], start: Paths, curves: _Curves, noise: float, width: int, height: int
) -> list[Boundary]:
    """Curves that stand as contours, with masks of the model's scores; else the model's masks."""
    verdicts = _verdicts(curves, start, noise)
    contrast = curves.slope / noise
    boundaries = [
        replace(as_found(mask, reason or FAR), contrast=float(value))
        for mask, value, reason in zip(masks, contrast, verdicts, strict=True)
    ]
    diameter, found = 2 * curves.paths.size, 2 * start.size
    off = uncertainty(curves.residual, curves.rise, diameter, found)
    contours = replace(curves.paths, radius=upsample(curves.paths.radius, CORNERS)).points()
    standing = np.flatnonzero([reason is None for reason in verdicts])
    for group in chunks(2 * curves.paths.size[standing]):
        some = standing[group]
        drawn = rasterise(curves.paths.centre[some], contours[some], width, height)
        for i, mask in zip(some.tolist(), drawn, strict=True):
            boundaries[i] = (
                Boundary(
                    masks[i].redrawn(mask),
                    clip(contours[i], width, height),
                    residual=float(curves.residual[i]),
                    contrast=float(contrast[i]),
                    rise=float(curves.rise[i]),
                    uncertainty=float(off[i]),
                    inner_diameter=float(curves.inner[i]) or None,
                )
                if mask
                else boundaries[i]
            )
    return boundaries
