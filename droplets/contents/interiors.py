"""What the droplets of a picture have in common, and what a single one has not.

Droplets of a picture look alike: a dark ring, a lens that brightens inwards and towards the light. The
median over all droplets, by depth under the edge and by direction, is therefore the picture of an empty
one. What is left after taking it off is scaled by its own spread at that depth, which plays the ring
down wherever the mask puts it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.boundaries.curves import fit_circles
from droplets.contents.settings import ContentSettings
from droplets.noise import MAD_TO_SIGMA
from droplets.objects.measure import equivalent_diameter, touches_border
from droplets.types import Mask

Plane = NDArray[np.float32]
Indices = NDArray[np.int64]

FEWEST_ON_A_CIRCLE = 4  # pixels: three lie on one in any case
MOST_SAMPLES = 200_000
"""Pixels that medians and fits are taken from at most."""


@dataclass(frozen=True, eq=False)
class _Groups:
    """Which of N values belong together: their indices, group by group, and where each next one begins."""

    order: Indices
    ends: Indices

    @classmethod
    def of(cls, group: NDArray[np.int16], count: int) -> _Groups:
        """From the number of each value's group, under `count`."""
        order = np.argsort(group, kind="stable")  # of 16 bits: counting, no comparing
        return cls(order, np.cumsum(np.bincount(group, minlength=count))[:-1])

    def parts(self, values: Plane) -> list[Plane]:
        """The values of each group."""
        return np.split(values[self.order], self.ends)


@dataclass(frozen=True, eq=False)
class Interiors:
    """The pixels within the droplets of a picture.

    Attributes:
        index: N, in the flattened picture, one droplet after the other.
        areas: pixels of each droplet.
        depth: N float32, distance to the droplet's edge over its radius, 0 to 1.
        x, y: N float32, position from the droplet's centroid over its radius.
        radius: median radius in pixels.
        how: the stage's settings.
    """

    index: Indices
    areas: Indices
    depth: Plane
    x: Plane
    y: Plane
    radius: float
    how: ContentSettings

    @property
    def count(self) -> int:
        """Number of droplets."""
        return self.areas.size

    @cached_property
    def label(self) -> Indices:
        """N, index of the droplet."""
        return self.of_pixels(np.arange(self.count))

    @cached_property
    def ring(self) -> NDArray[np.int16]:
        """N, the depth in whole rings."""
        return np.minimum(
            (self.depth * np.float32(self.how.rings)).astype(np.int16), np.int16(self.how.rings - 1)
        )

    @cached_property
    def between(self) -> tuple[Indices, Plane]:
        """N, the ring whose middle lies outside of the pixel and how far it lies towards the next, 0 to 1."""
        place = np.clip(self.depth * np.float32(self.how.rings) - np.float32(0.5), 0, self.how.rings - 1)
        lower = np.minimum(place.astype(np.int64), self.how.rings - 2)
        return lower, place - lower.astype(np.float32)

    def of_pixels(self, values: NDArray[Any]) -> NDArray[Any]:
        """N, at each pixel the value of its droplet."""
        return np.repeat(values, self.areas)

    def rings(self, sampled: Plane) -> list[Plane]:
        """Values at the sample's pixels, ring by ring."""
        return self._rings.parts(sampled)

    @cached_property
    def _rings(self) -> _Groups:
        return _Groups.of(self.ring[self.sample], self.how.rings)

    @cached_property
    def sample(self) -> Indices:
        """Indices of some of the pixels, for medians and fits: of no droplet more than of a usual one.

        So a large area with an edge around it does not tell what droplets look like.
        """
        most = max(1, min(int(np.median(self.areas)), MOST_SAMPLES // self.count))
        place = np.arange(self.index.size) - self.of_pixels(np.cumsum(self.areas) - self.areas)
        return np.flatnonzero(place % -(-self.of_pixels(self.areas) // most) == 0)


def interiors(droplets: Sequence[Mask], width: int, height: int, how: ContentSettings) -> Interiors:
    """Where each pixel lies in its droplet, in a picture of `width` x `height`; at least one droplet."""
    circles = np.array([_circle(mask, width, height, how) for mask in droplets])
    corners = np.array([(mask.x, mask.y) for mask in droplets])
    areas = np.array([mask.area for mask in droplets])
    rows, columns = np.concatenate([np.nonzero(mask.crop) for mask in droplets], axis=1)
    index = np.repeat(corners[:, 1] * width + corners[:, 0], areas) + rows * width + columns
    circles[:, :2] -= corners
    x, y, radius = (np.repeat(column, areas) for column in circles.T)
    across, down = ((columns - x) / radius).astype(np.float32), ((rows - y) / radius).astype(np.float32)
    distance = np.concatenate([_distance_to_edge(mask, width, height)[mask.crop] for mask in droplets])
    depth = np.minimum(distance / radius.astype(np.float32), 1)
    # Where the border cuts a droplet off, its edge may be near, beyond the border.
    cut = np.repeat([touches_border(mask, width, height) for mask in droplets], areas)
    depth[cut] = np.clip(1 - np.hypot(across[cut], down[cut]), 0, depth[cut])
    return Interiors(index, areas, depth, across, down, float(np.median(circles[:, 2])), how)


def unusual(grey: NDArray[np.generic], inside: Interiors) -> Plane | None:
    """N spreads by which the pixels of HxW `grey` differ from what is usual at their place in a droplet.

    Returns:
        None if the droplets are not alike, so that nothing is usual.
    """
    values = grey.ravel()[inside.index].astype(np.float32)
    values = values - _mean_of_droplet(values, inside)
    residual = values - _usual(values, inside)
    some = inside.sample
    spread = at_depth(MAD_TO_SIGMA * _medians(inside.rings(np.abs(residual[some]))), inside)
    weight = np.asarray(1 / np.maximum(spread, inside.how.least_spread), np.float32)
    residual = residual - _slopes(residual, weight, inside)
    scaled = np.asarray(np.clip(residual * weight, -inside.how.outlier, inside.how.outlier), np.float32)
    return scaled if _alike(scaled, inside) else None


def at_depth(by_ring: NDArray[np.float64], inside: Interiors) -> Plane:
    """N values at the pixels' depths; none larger than those further out, where the dark ring is."""
    falling = np.maximum.accumulate(by_ring[::-1])[::-1]
    lower, share = inside.between
    values = falling.astype(np.float32)
    return values[lower] + share * np.diff(values)[lower]


def _medians(parts: Sequence[Plane]) -> NDArray[np.float64]:
    """The median of each part, 0 of an empty one."""
    ordered = [np.sort(part) for part in parts]  # sooner than np.median up to some thousands
    middle = [part[(part.size - 1) // 2 : part.size // 2 + 1] for part in ordered]
    return np.array([float(part[0] + part[-1]) / 2 if part.size else 0.0 for part in middle])


def _circle(mask: Mask, width: int, height: int, how: ContentSettings) -> tuple[float, float, float]:
    """Centre and radius of the droplet, also where the picture's border cuts it off.

    There it is the circle through the rest of the edge, to which its pixels lie within half of one.
    """
    centre, radius = mask.centroid, equivalent_diameter(mask.area) / 2
    if not touches_border(mask, width, height):
        return (*centre, radius)
    outline = mask.crop & ~cv2.erode(np.pad(mask.crop, 1).astype(np.uint8), None)[1:-1, 1:-1].astype(bool)
    rows, columns = np.nonzero(outline)
    columns, rows = columns + mask.x, rows + mask.y
    # The row next to the last one too: beside gaps in the last one it is no edge of the droplet's.
    edge = (columns > 1) & (rows > 1) & (columns < width - 2) & (rows < height - 2)
    if np.count_nonzero(edge) < FEWEST_ON_A_CIRCLE:
        return (*centre, radius)
    points = np.stack([columns[edge], rows[edge]], axis=1).astype(np.float64)
    [(x, y)], [fitted], _ = fit_circles(points[None], np.ones((1, len(points))), 0.5 / radius)
    if not radius <= fitted <= how.largest_fit * radius:
        return (*centre, radius)
    return float(x), float(y), float(fitted)


def _distance_to_edge(mask: Mask, width: int, height: int) -> Plane:
    """hxw pixels to the droplet's edge; the picture's border, which may cut the droplet off, is none.

    Nor are gaps in a last row along the border: no edge is seen there that would hold the outline.
    """
    inside = np.zeros((mask.height + 2, mask.width + 2), np.uint8)
    inside[1:-1, 1:-1] = mask.crop
    if mask.y == 0:
        inside[:2] = inside[1] | inside[2]
    if mask.y + mask.height == height:
        inside[-2:] = inside[-2] | inside[-3]
    if mask.x == 0:
        inside[:, :2] = (inside[:, 1] | inside[:, 2])[:, None]
    if mask.x + mask.width == width:
        inside[:, -2:] = (inside[:, -2] | inside[:, -3])[:, None]
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def _alike(scaled: Plane, inside: Interiors) -> bool:
    """Whether most droplets differ from the usual one by about as much, but for small places."""
    inner = np.flatnonzero(inside.depth > inside.how.rim)
    inner = inner[:: -(-inner.size // MOST_SAMPLES) or 1]
    if not inner.size:
        return False
    label = inside.label[inner]
    first = np.flatnonzero(np.diff(label)) + 1  # pixels of a new droplet
    size = _medians(np.split(np.abs(scaled[inner]), first))
    low, high = np.quantile(size, [0.1, 0.9])
    return bool(high <= inside.how.unequal * low)


def _mean_of_droplet(values: Plane, inside: Interiors) -> Plane:
    sums = np.bincount(inside.label, values, inside.count)
    return inside.of_pixels((sums / inside.areas).astype(np.float32))


def _usual(values: Plane, inside: Interiors) -> Plane:
    """N medians over the droplets by depth and direction, interpolated."""
    rings, sectors = inside.how.rings, inside.how.sectors if inside.count >= inside.how.enough else 1
    turn = np.arctan2(inside.y, inside.x) / np.float32(2 * np.pi) + np.float32(0.5)
    some = inside.sample
    cell = inside.ring[some] * sectors + (turn[some] * sectors).astype(np.int16) % sectors
    median = _medians(_Groups.of(cell, rings * sectors).parts(values[some]))
    table = np.pad(median.astype(np.float32).reshape(rings, sectors), ((0, 0), (1, 1)), mode="wrap")
    place = turn * sectors + np.float32(0.5)
    left = place.astype(np.int64)
    (ring, deeper), further = inside.between, place - left.astype(np.float32)
    values, row = table.ravel(), table.shape[1]
    at = ring * row + left
    outer, inner = ((1 - further) * values[i] + further * values[i + 1] for i in (at, at + row))
    return np.asarray((1 - deeper) * outer + deeper * inner)


def _slopes(residual: Plane, weight: Plane, inside: Interiors) -> Plane:
    """N values of the second-degree polynomial in (x, y) that fits each droplet's residual.

    It takes what light, focus and a mask a pixel off change over a whole droplet. Weighted least
    squares, twice: the second time what lies over two spreads from the first fit counts less.
    """
    some, label = inside.sample, inside.label[inside.sample]
    terms = np.stack(_terms(inside.x[some], inside.y[some]))
    value, weight = residual[some], weight[some]
    known = np.concatenate([terms, value[None]]).astype(np.float64)
    count = len(terms)
    ends = np.searchsorted(label, np.arange(inside.count + 1)).tolist()
    sums = np.empty((inside.count, count, count + 1))
    trust = weight
    for _ in range(2):
        weighted = trust**2 * known[:count]
        for i, (first, last) in enumerate(itertools.pairwise(ends)):
            np.matmul(weighted[:, first:last], known[:, first:last].T, out=sums[i])
        damping = 1e-6 * (sums[:, :1, :1] + 1) * np.eye(count)  # droplets of a few pixels
        factors = np.linalg.solve(sums[:, :, :count] + damping, sums[:, :, count:])[..., 0].astype(np.float32)
        far = np.abs(value - np.einsum("kn,nk->n", terms, factors[label])) * weight
        trust = weight * np.minimum(1, 2 / np.maximum(far, np.float32(1e-6)))
    slopes = np.zeros_like(residual)
    for term, factor in zip(_terms(inside.x, inside.y), factors.T, strict=True):
        slopes += term * inside.of_pixels(factor)
    return slopes


def _terms(x: Plane, y: Plane) -> tuple[Plane, ...]:
    """Of a polynomial of the second degree, at N places."""
    return np.ones_like(x), x, y, x * x, y * y, x * y
