"""What the droplets of a picture have in common, and what a single one has not.

Droplets of a picture look alike: a dark ring, a lens that brightens inwards and towards the light. The
median over all droplets, by depth under the edge and by direction, is therefore the picture of an empty
one. What is left after taking it off is scaled by its own spread at that depth, which plays the ring
down wherever the mask puts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from droplets.measure import border_distance
from droplets.noise import MAD_TO_SIGMA
from droplets.types import Mask

Plane = NDArray[np.float32]
Indices = NDArray[np.int64]

RINGS, SECTORS = 14, 8
"""Parts of the depth and of the full turn over which droplets are compared."""
RIM = 0.2
"""Depth up to which the ring may differ between droplets that are alike."""
ENOUGH = 10
"""Fewer droplets are compared by depth alone: a bead would be in the median of its sector."""
SAMPLES = 200_000
"""Pixels that medians and fits are taken from at most."""
LEAST_SPREAD = 0.5
"""Grey levels, of a picture whose noise is below its steps."""
LARGEST_FIT = 3.0
"""Times the radius of the visible part's area: a larger circle was fitted to too short an edge."""
OUTLIER = 6.0
"""Spreads at which a pixel is cut off, so that one speck of dirt does not look like many beads."""
UNEQUAL = 6.0
"""Above this ratio of the 90th to the 10th percentile of how far droplets differ from the usual one they
are not alike, as in foam (7.6 to 58 in the reference pictures; 1.6 to 3.4 where droplets are alike)."""


@dataclass(frozen=True, eq=False)
class Interiors:
    """The pixels within the droplets of a picture.

    Attributes:
        index: N, in the flattened picture.
        label: N, index of the droplet.
        depth: N float32, distance to the droplet's edge over its radius, 0 to 1.
        x, y: N float32, position from the droplet's centroid over its radius.
        count: number of droplets.
        radius: median radius in pixels.
    """

    index: Indices
    label: Indices
    depth: Plane
    x: Plane
    y: Plane
    count: int
    radius: float

    @cached_property
    def ring(self) -> Indices:
        """N, the depth in whole RINGS."""
        return np.minimum((self.depth * RINGS).astype(np.int64), RINGS - 1)

    @property
    def sample(self) -> slice:
        """Every so many-th of the pixels, for medians and fits."""
        return slice(None, None, -(-self.index.size // SAMPLES))


def interiors(droplets: Sequence[Mask], width: int, height: int) -> Interiors:
    """Where each pixel lies in its droplet, in a picture of `width` x `height`; at least one droplet."""
    index: list[Indices] = []
    label: list[Indices] = []
    position: list[Plane] = []
    circles = [_circle(mask, width, height) for mask in droplets]
    for i, (mask, (x, y, radius)) in enumerate(zip(droplets, circles, strict=True)):
        rows, columns = np.nonzero(mask.crop)
        across, down = (columns + mask.x - x) / radius, (rows + mask.y - y) / radius
        depth = np.minimum(_distance_to_edge(mask, width, height)[rows, columns] / radius, 1)
        if _is_cut_off(mask, width, height):  # the edge may be near, beyond the border
            depth = np.clip(1 - np.hypot(across, down), 0, depth)
        index.append((rows + mask.y) * width + columns + mask.x)
        label.append(np.full(rows.size, i))
        position.append(np.stack([depth, across, down]).astype(np.float32))
    depth, across, down = np.concatenate(position, axis=1)
    return Interiors(
        np.concatenate(index),
        np.concatenate(label),
        depth,
        across,
        down,
        count=len(droplets),
        radius=float(np.median([radius for _, _, radius in circles])),
    )


def unusual(grey: NDArray[np.generic], inside: Interiors) -> Plane | None:
    """N spreads by which the pixels of HxW `grey` differ from what is usual at their place in a droplet.

    Returns:
        None if the droplets are not alike, so that nothing is usual.
    """
    values = grey.ravel()[inside.index].astype(np.float32)
    values = values - _mean_of_droplet(values, inside)
    residual = values - _usual(values, inside)
    some = inside.sample
    by_ring = ndimage.median(np.abs(residual[some]), inside.ring[some], np.arange(RINGS))
    spread = at_depth(MAD_TO_SIGMA * np.nan_to_num(by_ring), inside)
    weight = np.asarray(1 / np.maximum(spread, LEAST_SPREAD), np.float32)
    residual = residual - _slopes(residual, weight, inside)
    scaled = np.asarray(np.clip(residual * weight, -OUTLIER, OUTLIER), np.float32)
    return scaled if _alike(scaled, inside) else None


def at_depth(by_ring: NDArray[np.float64], inside: Interiors) -> Plane:
    """N values at the pixels' depths; none larger than those further out, where the dark ring is."""
    falling = np.maximum.accumulate(by_ring[::-1])[::-1]
    return np.asarray(np.interp(inside.depth * RINGS - 0.5, np.arange(RINGS), falling), np.float32)


def _circle(mask: Mask, width: int, height: int) -> tuple[float, float, float]:
    """Centre and radius of the droplet, also where the picture's border cuts it off.

    There it is the circle of least algebraic squares through the rest of the edge (Kasa 1976, IEEE
    Trans. Instrum. Meas. 25, 8).
    """
    centre, radius = mask.centroid, float(np.sqrt(mask.area / np.pi))
    if not _is_cut_off(mask, width, height):
        return (*centre, radius)
    outline = mask.crop & ~cv2.erode(np.pad(mask.crop, 1).astype(np.uint8), None)[1:-1, 1:-1].astype(bool)
    rows, columns = np.nonzero(outline)
    columns, rows = columns + mask.x, rows + mask.y
    # The row next to the last one too: beside gaps in the last one it is no edge of the droplet's.
    edge = (columns > 1) & (rows > 1) & (columns < width - 2) & (rows < height - 2)
    x, y = columns[edge] - centre[0], rows[edge] - centre[1]
    terms = np.stack([2 * x, 2 * y, np.ones_like(x)], axis=1)
    (a, b, c), _, rank, _ = np.linalg.lstsq(terms, x * x + y * y)
    fitted = float(np.sqrt(max(c + a * a + b * b, 0)))
    if rank < 3 or not radius <= fitted <= LARGEST_FIT * radius:
        return (*centre, radius)
    return centre[0] + float(a), centre[1] + float(b), fitted


def _is_cut_off(mask: Mask, width: int, height: int) -> bool:
    return bool(border_distance(mask, width, height).touching)


def _distance_to_edge(mask: Mask, width: int, height: int) -> Plane:
    """hxw pixels to the droplet's edge; the picture's border, which may cut the droplet off, is none.

    Nor are gaps in a last row along the border: no edge is seen there that would hold the outline.
    """
    inside = np.pad(mask.crop.astype(np.uint8), 1)
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
    inner = np.flatnonzero(inside.depth > RIM)
    inner = inner[:: -(-inner.size // SAMPLES) or 1]
    present, label = np.unique(inside.label[inner], return_inverse=True)
    if not present.size:
        return False
    size = ndimage.median(np.abs(scaled[inner]), label, np.arange(present.size))
    low, high = np.quantile(size, [0.1, 0.9])
    return bool(high <= UNEQUAL * low)


def _mean_of_droplet(values: Plane, inside: Interiors) -> Plane:
    sums = np.bincount(inside.label, values, inside.count)
    return np.asarray((sums / np.bincount(inside.label, minlength=inside.count))[inside.label], np.float32)


def _usual(values: Plane, inside: Interiors) -> Plane:
    """N medians over the droplets by depth and direction, interpolated."""
    sectors = SECTORS if inside.count >= ENOUGH else 1
    turn = np.arctan2(inside.y, inside.x) / (2 * np.pi) + 0.5
    cell = inside.ring * sectors + (turn * sectors).astype(np.int64) % sectors
    median = ndimage.median(values[inside.sample], cell[inside.sample], np.arange(RINGS * sectors))
    table = np.nan_to_num(median).reshape(RINGS, sectors).astype(np.float32)
    table = np.pad(np.pad(table, ((1, 1), (0, 0)), mode="edge"), ((0, 0), (1, 1)), mode="wrap")
    place = [inside.depth * RINGS + 0.5, turn * sectors + 0.5]
    return np.asarray(ndimage.map_coordinates(table, place, order=1))


def _slopes(residual: Plane, weight: Plane, inside: Interiors) -> Plane:
    """N values of the second-degree polynomial in (x, y) that fits each droplet's residual.

    It takes what light, focus and a mask a pixel off change over a whole droplet. Weighted least
    squares, twice: the second time what lies over two spreads from the first fit counts less.
    """
    some, label = inside.sample, inside.label[inside.sample]
    x, y = inside.x, inside.y
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])
    part, value = terms[:, some], residual[some]
    fit = np.zeros_like(value)
    for first in (True, False):
        far = np.abs(value - fit) * weight[some]
        trust = weight[some] if first else weight[some] * np.minimum(1, 2 / np.maximum(far, 1e-6))
        normal = np.empty((inside.count, len(terms), len(terms)))
        right = np.empty((inside.count, len(terms), 1))
        for i, row in enumerate(trust**2 * part):
            right[:, i, 0] = np.bincount(label, row * value, inside.count)
            for j in range(i, len(terms)):
                normal[:, i, j] = normal[:, j, i] = np.bincount(label, row * part[j], inside.count)
        damping = 1e-6 * (normal[:, :1, :1] + 1) * np.eye(len(terms))  # droplets of a few pixels
        factors = np.linalg.solve(normal + damping, right)[..., 0]
        fit = np.einsum("kn,nk->n", part, factors[label]).astype(np.float32)
    return np.asarray(np.einsum("kn,nk->n", terms, factors[inside.label]), np.float32)
