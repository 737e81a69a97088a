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
from droplets.boundaries.profiles import Edges, Kind, find_edges, first_search, kind_of_edges, upper
from droplets.boundaries.rays import RAYS, Paths, chunks, enclosed, neighbour_distance, outlines
from droplets.boundaries.settings import EdgeSettings
from droplets.boundaries.uncertainty import uncertainty
from droplets.noise import white_noise
from droplets.objects.measure import equivalent_diameter
from droplets.types import Boundary, Mask

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LONGEST_SIDE = 32_766  # pixels of a side that OpenCV can sample
CORNERS_A_RAY = 2  # of a contour a ray
AT_BORDER = 0.6  # pixels from the outermost pixels' centres: nearer an outline is the picture's border

NOT_WANTED = "refine_edges is off"
TOO_LARGE = f"the picture has a side of more than {LONGEST_SIDE} pixels"
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
    grey: NDArray[np.generic],
    masks: Sequence[Mask],
    count: int | None = None,
    kind: Kind | None = None,
    how: EdgeSettings = EdgeSettings(),
) -> list[Boundary]:
    """The true edge of what each mask shows.

    Arguments:
        grey: HxW of any real type.
        masks: any number, in the picture's frame.
        count: of the first masks, whose edges are wanted; the others only show where neighbours lie and
            what edges the picture has. None: all.
        kind: of edges that the objects have; None: told from the picture.
        how: the stage's settings.

    Returns:
        One boundary for each of the first `count` masks, in order. Where no edge is found that the mask
        may be moved to, the mask stays, and `kept_because` says why.
    """
    height, width = grey.shape
    if max(height, width) > LONGEST_SIDE:
        return [as_found(mask, TOO_LARGE, how) for mask in masks[:count]]
    if not masks:
        return []
    model = outlines(masks)
    start, is_round = _start(model, width, height, how)
    reasons = _unfit(masks, model, is_round, width, height, how)
    boundaries = [as_found(m, r or NO_EDGE, how) for m, r in zip(masks, reasons, strict=True)][:count]
    fit = np.flatnonzero([reason is None for reason in reasons])
    wanted = fit[fit < len(boundaries)]
    if wanted.size:
        picture = grey.astype(np.float32)
        telling = np.flatnonzero([not (masks[i].inner or masks[i].shows_bead) for i in fit.tolist()])
        curves = _fitted(
            picture,
            start.take(fit),
            is_round[fit],
            len(wanted),
            kind or _kind(picture, start.take(fit), telling, how),
            how,
        )
        some = [masks[i] for i in wanted.tolist()]
        moved = _moved(some, start.take(wanted), curves, _noise(picture), (width, height), how)
        for i, boundary in zip(wanted.tolist(), moved, strict=True):
            boundaries[i] = boundary
    return boundaries


def as_found(mask: Mask, reason: str, how: EdgeSettings) -> Boundary:
    """The boundary of a mask that stays as it was found, and why."""
    off = how.as_found if reason in (TOO_LARGE, NOT_WANTED) else how.unseen
    return Boundary(mask, uncertainty=off * equivalent_diameter(mask.area), kept_because=reason)


def _unfit(
    masks: Sequence[Mask], paths: Paths, is_round: Bools, width: int, height: int, how: EdgeSettings
) -> list[str | None]:
    """Why single masks are not to be moved, None for those that are."""
    inside = enclosed(masks, paths, is_round)
    return [
        ACROSS
        if mask.spans(width, height)
        else TOO_SMALL
        if paths.size[i] < how.smallest
        else ENCLOSED
        if inside[i]
        else None
        for i, mask in enumerate(masks)
    ]


def _kind(picture: NDArray[np.float32], start: Paths, telling: NDArray[np.intp], how: EdgeSettings) -> Kind:
    """What edges the objects have, by those that are `telling`, if there are any."""
    some = telling if telling.size else np.arange(len(start.size))
    return kind_of_edges(picture, start.take(some), neighbour_distance(start, how)[some], how)


def _fitted(
    picture: NDArray[np.float32],
    start: Paths,
    is_round: Bools,
    count: int,
    kind: Kind,
    how: EdgeSettings,
) -> _Curves:
    """From the masks' outlines to the curves of the first `count`."""
    limit = neighbour_distance(start, how)
    if kind.lit:
        picture = -picture
    own = start.take(slice(count))
    first = _trace(picture, own, limit[:count], kind, first_search(how), how)
    paths = recentred(_sane(first, own, how), is_round[:count])
    known = paths.followed_by(start.take(slice(count, None)))
    return _trace(picture, paths, neighbour_distance(known, how)[:count], kind, (-how.again, how.again), how)


def _sane(curves: _Curves, start: Paths, how: EdgeSettings) -> Paths:
    """The curves; where one went astray, the start widened as the others were."""
    change = curves.paths.size / start.size
    astray = (
        (np.abs(change - 1) > how.move) | (curves.agreeing < how.agreeing) | (curves.visible < how.visible)
    )
    usual = float(np.median(change[~astray])) if not astray.all() else 1.0
    return Paths(
        curves.paths.centre,
        np.where(astray[:, None], usual * start.radius, curves.paths.radius),
        np.where(astray, usual * start.size, curves.paths.size),
    )


def _start(model: Paths, width: int, height: int, how: EdgeSettings) -> tuple[Paths, Bools]:
    """Circles for round outlines, else the outlines without their pixels' steps; and which are round."""
    points = model.points()
    inside = (points > AT_BORDER) & (points < (width - 1 - AT_BORDER, height - 1 - AT_BORDER))
    weight = inside.all(axis=-1).astype(float)
    centre, radius, rms = fit_circles(points, weight, how.residual_floor)
    whole = weight.all(axis=1)
    is_round = (rms < how.round_within * radius) & (radius > how.round_least * model.size)
    is_round &= radius < np.where(whole, how.round_most, how.round_most_cut) * model.size
    is_round &= weight.mean(axis=1) > how.round_seen
    smooth = low_pass(model.radius, how.free_order)
    return Paths(
        np.where(is_round[:, None], centre, model.centre),
        np.where(is_round[:, None], radius[:, None], smooth),
        np.where(is_round, radius, model.size),
    ), is_round


def _trace(
    picture: NDArray[np.float32],
    paths: Paths,
    limit: Floats,
    kind: Kind,
    search: tuple[float, float],
    how: EdgeSettings,
) -> _Curves:
    """Curves through the edges found near paths."""
    count = len(paths.size)
    radius = np.empty((count, RAYS))
    figures = np.empty((7, count))
    for group in chunks(paths.size):
        near = paths.take(group)
        edges = find_edges(picture, near, limit[group], search, kind, how)
        clearest = upper(edges.height, how)
        share = np.clip(edges.height / np.maximum(clearest, 1e-9)[:, None], 0, 1)
        weight = np.where(share > how.lowest, share**2, 0.0)
        fitted, counted = _fit(edges.offset, weight, near.size, how)
        radius[group] = near.radius + fitted
        agreeing = ((counted > how.counted * weight) & (share > how.lowest)).sum(axis=1)
        figures[:, group] = (
            root_mean_square(edges.offset - fitted, counted),
            clearest,
            _mean(edges.slope, counted),
            _mean(edges.height / np.maximum(edges.slope, 1e-9), counted),
            _inner_diameter(near, edges, counted, how),
            agreeing / RAYS,
            agreeing / np.maximum((share > how.lowest).sum(axis=1), 1),
        )
    return _Curves(Paths(paths.centre, radius, radius.mean(axis=1)), *figures)


def _mean(values: Floats, weight: Floats) -> Floats:
    """N weighted means of NxK values."""
    return np.asarray((values * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9))


def _inner_diameter(paths: Paths, edges: Edges, counted: Floats, how: EdgeSettings) -> Floats:
    """N equivalent diameters of the inner edges of dark rims; 0 where most rays show none."""
    dark = counted * (edges.depth > how.dip * edges.height) * (edges.width > 0)
    has_rim = dark.sum(axis=1) > 0.5 * counted.sum(axis=1)
    inner, _ = fit_offsets(edges.inner, dark, paths.size, how.stiff_order, how)
    radius = np.maximum(paths.radius + inner, 0)
    return np.where(has_rim, 2 * np.sqrt(np.mean(radius**2, axis=1)), 0)


def _fit(offset: Floats, weight: Floats, size: Floats, how: EdgeSettings) -> tuple[Floats, Floats]:
    """A stiff curve, or a free one where that leaves much."""
    fitted, counted = fit_offsets(offset, weight, size, how.stiff_order, how)
    residual = spread(offset - fitted, weight)
    told = np.minimum(RAYS, 2 * np.pi * size / how.independent)
    loose = np.flatnonzero(
        (residual > how.loose * size)
        & (weight.mean(axis=1) > how.seen_for_free)
        & (told > 2 * how.free_order + 1)
    )
    if loose.size:
        free, free_counted = fit_offsets(offset[loose], weight[loose], size[loose], how.free_order, how)
        left = spread(offset[loose] - free, weight[loose])
        freedom = (told[loose] - 2 * how.free_order - 1) / (told[loose] - 2 * how.stiff_order - 1)
        better = left < how.worth * np.sqrt(freedom) * residual[loose]
        fitted[loose[better]], counted[loose[better]] = free[better], free_counted[better]
    return fitted, counted


def _noise(picture: NDArray[np.float32]) -> float:
    """Standard deviation of a pixel, at least a step of ten bits: files may have none."""
    return max(white_noise(picture), 1e-3 * float(np.ptp(picture)), 1e-9)


def _verdicts(curves: _Curves, start: Paths, noise: float, how: EdgeSettings) -> list[str | None]:
    """Why curves do not stand, None for those that do."""
    change = curves.paths.size / start.size
    shift = np.hypot(*(curves.paths.centre - start.centre).T)
    unseen = (curves.height < how.noises * noise) | (curves.visible < how.visible)
    uneven = (curves.agreeing < how.agreeing) | (curves.residual > how.uneven * start.size)
    uneven |= curves.paths.radius.min(axis=1) <= 1
    far = (np.abs(change - 1) > how.move) | (shift > how.move * start.size)
    return [
        NO_EDGE if a else UNEVEN if b else FAR if c else None
        for a, b, c in zip(unseen, uneven, far, strict=True)
    ]


def _moved(
    masks: Sequence[Mask],
    start: Paths,
    curves: _Curves,
    noise: float,
    frame: tuple[int, int],
    how: EdgeSettings,
) -> list[Boundary]:
    """Curves that stand as contours, with masks of the model's scores; else the model's masks."""
    verdicts = _verdicts(curves, start, noise, how)
    contrast = curves.slope / noise
    boundaries = [
        replace(as_found(mask, reason or FAR, how), contrast=float(value))
        for mask, value, reason in zip(masks, contrast, verdicts, strict=True)
    ]
    diameter, found = 2 * curves.paths.size, 2 * start.size
    off = uncertainty(curves.residual, curves.rise, diameter, found, how)
    contours = replace(curves.paths, radius=upsample(curves.paths.radius, CORNERS_A_RAY)).points()
    standing = np.flatnonzero([reason is None for reason in verdicts])
    for group in chunks(2 * curves.paths.size[standing]):
        some = standing[group]
        drawn = rasterise(curves.paths.centre[some], contours[some], *frame)
        for i, mask in zip(some.tolist(), drawn, strict=True):
            boundaries[i] = (
                Boundary(
                    masks[i].redrawn(mask),
                    clip(contours[i], *frame),
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
