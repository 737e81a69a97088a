"""Local density and packing, from the Delaunay triangulation of the droplets' centroids.

interior      a droplet of which all triangles are certain: no droplet beyond what is seen could
              lie in their circumcircles, for these lie within the frame less one median radius,
              and within the region where only what has its centre there was kept
neighbours    those joined to it by a Delaunay edge
gap           distance of the centroids less both equivalent radii
contact       a neighbour at a gap of at most a tenth of the mean of both radii
cell area     of its Voronoi cell, by the cotangents of the triangles' angles (Meyer et al. 2003)
psi6          |mean of exp(6 i angle)| over the neighbours (Nelson and Halperin 1979)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError

from droplets.figures.sizes import spread
from droplets.objects.polygons import distance, filled, holds
from droplets.types import Box, Droplet, PixelSize

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONTACT = 0.1
"""Largest gap of two droplets in contact, as part of the mean of their radii."""


@dataclass(frozen=True, eq=False)
class _Packing:
    """Figures of each of N droplets; those of droplets that are not interior mean nothing."""

    interior: NDArray[np.bool_]
    neighbours: Ints
    contacts: Ints
    nearest: Floats
    gap: Floats
    cell: Floats
    psi6: NDArray[np.complex128]


def neighbours(
    droplets: Sequence[Droplet], frame: Box, size: PixelSize | None, region: Floats | None = None
) -> dict[str, Any]:
    """How densely and how regularly the droplets proper lie.

    Arguments:
        droplets: what the filters left.
        frame: XYWH, the part of the picture that was analysed.
        size: of a pixel, None if not known.
        region: Kx2 (x, y) corners of the polygon in which the droplets' centres lie; None for the frame.

    Returns:
        "interior", the number of droplets that the figures are about; the spread over these of
        "nearest_distance" (centre to centre) and "nearest_gap" in pixels, "neighbours", "contacts",
        "cell_area" (pixels) and "psi6"; "psi6_global" (modulus of the mean psi6), "packing_fraction"
        (their area over that of their cells), "density_per_mm2"; "covered_fraction" (area of all droplets
        over that of the frame or region); "droplets", the interior ones singly with their ids. None where
        there are no interior droplets, the density also without a pixel size.
    """
    ids = np.array([i for i, droplet in enumerate(droplets) if droplet.kind == "droplet"], np.int64)
    areas = np.array([droplets[i].mask.area for i in ids], np.float64)
    centres = np.array([droplets[i].mask.centroid for i in ids]).reshape(-1, 2)
    radii = np.array([droplets[i].shape.equivalent_diameter for i in ids]) / 2
    packing = _packing(centres, radii, frame, region)
    inside = packing.interior
    cells, psi6 = packing.cell[inside], np.abs(packing.psi6[inside])
    any_inside = bool(inside.any())
    density = inside.sum() / cells.sum() if any_inside else None
    return {
        "interior": int(inside.sum()),
        "nearest_distance": spread(packing.nearest[inside]),
        "nearest_gap": spread(packing.gap[inside]),
        "neighbours": spread(packing.neighbours[inside]),
        "contacts": spread(packing.contacts[inside]),
        "cell_area": spread(cells),
        "psi6": spread(psi6),
        "psi6_global": float(abs(packing.psi6[inside].mean())) if any_inside else None,
        "packing_fraction": float(areas[inside].sum() / cells.sum()) if any_inside else None,
        "density_per_mm2": float(density / size.um**2 * 1e6) if size and density is not None else None,
        "covered_fraction": float(areas.sum()) / _area(frame, region),
        "droplets": _singly(ids, packing),
    }


def _singly(ids: Ints, packing: _Packing) -> list[dict[str, Any]]:
    columns = {
        "id": ids,
        "neighbours": packing.neighbours,
        "contacts": packing.contacts,
        "nearest_distance": packing.nearest,
        "nearest_gap": packing.gap,
        "cell_area": packing.cell,
        "psi6": np.abs(packing.psi6),
    }
    rows = zip(*(column[packing.interior].tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _area(frame: Box, region: Floats | None) -> int:
    """Pixels of the region, else of the frame."""
    if region is None:
        return frame[2] * frame[3]
    mask = filled(region - frame[:2], frame[2], frame[3])
    return mask.area if mask else 1


def _packing(centres: Floats, radii: Floats, frame: Box, region: Floats | None) -> _Packing:
    """Of Nx2 (x, y) centres with N radii, in pixels."""
    count = len(radii)
    triangles = _triangles(centres)
    if triangles is None:
        whole, real = np.zeros(count, np.int64), np.zeros(count)
        return _Packing(np.zeros(count, bool), whole, whole, real, real, real, real.astype(np.complex128))
    corners = centres[triangles.simplices]
    certain = _certain(corners, frame, region, float(np.median(radii)))
    interior = _interior(triangles, certain)
    first, second = _edges(triangles)
    step = centres[second] - centres[first]
    distance = np.hypot(step[:, 0], step[:, 1])
    gap = distance - radii[first] - radii[second]
    degree = np.bincount(first, minlength=count)
    turn = np.exp(6j * np.arctan2(step[:, 1], step[:, 0]))
    psi6 = np.empty(count, np.complex128)
    psi6.real = np.bincount(first, turn.real, count) / np.maximum(degree, 1)
    psi6.imag = np.bincount(first, turn.imag, count) / np.maximum(degree, 1)
    touching = gap <= CONTACT * (radii[first] + radii[second]) / 2
    return _Packing(
        interior,
        degree,
        np.bincount(first, touching, count).astype(np.int64),
        _least(distance, first, count),
        _least(gap, first, count),
        _cell_areas(triangles.simplices[certain], corners[certain], count),
        psi6,
    )


def _triangles(centres: Floats) -> Delaunay | None:
    """None of fewer than three points, and of points on a line."""
    if len(centres) <= centres.shape[1]:
        return None
    try:
        return Delaunay(centres)
    except QhullError:
        return None


def _certain(corners: Floats, frame: Box, region: Floats | None, margin: float) -> NDArray[np.bool_]:
    """Which of Tx3x2 triangles have their circumcircle within the frame less the margin, and in the region.

    A droplet nearer to the border than its radius is cut by it, and is left out by the filters.
    """
    a, b, c = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    twice = 2 * _cross(b, c)
    twice[twice == 0] = np.nan  # flat triangles on the hull are not certain
    b2, c2 = (b**2).sum(axis=1), (c**2).sum(axis=1)
    x = (c[:, 1] * b2 - b[:, 1] * c2) / twice
    y = (b[:, 0] * c2 - c[:, 0] * b2) / twice
    radius = np.hypot(x, y)
    reach = radius + margin
    left, top = frame[0] - 0.5, frame[1] - 0.5
    x, y = x + a[:, 0], y + a[:, 1]
    seen = (
        (x - reach >= left)
        & (x + reach <= left + frame[2])
        & (y - reach >= top)
        & (y + reach <= top + frame[3])
    )
    if region is not None:
        centres = np.stack([x, y], axis=1)
        seen &= holds(region, centres) & (distance(region, centres) >= radius)
    return np.asarray(seen)


def _interior(triangles: Delaunay, certain: NDArray[np.bool_]) -> NDArray[np.bool_]:
    interior = np.zeros(len(triangles.points), bool)
    interior[triangles.simplices[certain]] = True  # left out here: coincident points, which have no triangle
    interior[triangles.simplices[~certain]] = False
    interior[triangles.convex_hull] = False
    return interior


def _edges(triangles: Delaunay) -> tuple[Ints, Ints]:
    """Both ends of each edge, every edge in both directions."""
    starts, ends = triangles.vertex_neighbor_vertices
    first = np.repeat(np.arange(len(triangles.points)), np.diff(starts))
    return first, ends.astype(np.int64)


def _least(values: Floats, owner: Ints, count: int) -> Floats:
    """Smallest value of each owner; infinite for one that has none."""
    least = np.full(count, np.inf)
    np.minimum.at(least, owner, values)
    return least


def _cell_areas(simplices: NDArray[np.int32], corners: Floats, count: int) -> Floats:
    """Voronoi area of each point: |edge|^2 cot(opposite angle) / 8 from each edge in each triangle."""
    areas = np.zeros(count)
    for k in range(3):
        opposite, i, j = corners[:, k], (k + 1) % 3, (k + 2) % 3
        u, v = corners[:, i] - opposite, corners[:, j] - opposite
        cotangent = (u * v).sum(axis=1) / np.abs(_cross(u, v))
        share = ((u - v) ** 2).sum(axis=1) * cotangent / 8
        areas += np.bincount(simplices[:, i], share, count) + np.bincount(simplices[:, j], share, count)
    return areas


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
