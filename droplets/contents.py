"""What a droplet's interior holds that the other droplets' do not: brightfield beads and cells.

Droplets of a picture look alike: a dark ring, a lens that brightens inwards and towards the light. The
median over all droplets, by depth under the edge and by direction, is therefore the picture of an empty
one. What is left after taking it off is scaled by its own spread at that depth, which plays the ring
down wherever the mask puts it, and is searched for blobs with differences of Gaussians
(Lowe 2004, IJCV 60, 91) of several sizes, bright and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from droplets.types import Mask

Plane = NDArray[np.float32]

RINGS, SECTORS = 14, 8
"""Parts of the depth and of the full turn over which droplets are compared."""
RIM = 0.2
"""Depth up to which the ring may differ between droplets that are alike."""
ALIKE = 10
"""Fewer droplets are compared by depth alone: a bead would be in the median of its sector."""
SAMPLES = 200_000
"""Pixels that medians and fits are taken from at most."""
MAD_TO_SIGMA = 1.4826
OUTLIER = 6.0
"""Spreads at which a pixel is cut off, so that one speck of dirt does not look like many beads."""
SMALL, LARGE = (0.06,), (0.09, 0.13)
"""Sigmas of the Gaussians for small and for larger blobs, in median droplet radii; a blob's radius is
about twice as much."""
SMALL_SHARE = 0.8
"""Part of the blobs that must stand out more with the small Gaussian for the beads to be small."""
DIRT = 2.0
"""So many times more must stand out darkly for the beads to be dark: dirt is, while cells and clear beads
gather light."""
RATIO = 1.6
"""Of the two Gaussians' sigmas, for which their difference is closest to a Laplacian (Marr 1980)."""
SIGNIFICANT = 4.5
"""Spreads of the difference of Gaussians from which a blob is an object."""
ALIKE_SPREAD = 1.35
"""Above this ratio of its 80th percentile to that of a normal distribution of the same median the
difference of Gaussians shows droplets that are not alike, as in foam; then nothing is found."""
ROUND = 0.35
"""Ratio of the principal curvatures of the response under which a peak lies on a line, such as the rim of a
droplet above or below, and is no blob (Lowe 2004, section 4.1)."""
NEIGHBOURS = 0.15
"""Of the droplet radius: of blobs that are closer only the strongest counts,"""
SIDE_LOBE = 0.3
"""and so far from a stronger blob of the other polarity lies only the swing of its response."""


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

    index: NDArray[np.int64]
    label: NDArray[np.int64]
    depth: Plane
    x: Plane
    y: Plane
    count: int
    radius: float

    @property
    def sample(self) -> slice:
        """Every so many-th of the pixels, for medians and fits."""
        return slice(None, None, -(-self.index.size // SAMPLES))


@dataclass(frozen=True, eq=False)
class Blobs:
    """Peaks of the blob response.

    Attributes:
        response: HxW float32 in spreads of its own, positive where a blob is.
        x, y: N, columns and rows of the peaks.
        significance: N, the response there.
    """

    response: Plane
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    significance: NDArray[np.float64]


def interiors(droplets: Sequence[Mask], width: int, height: int) -> Interiors:
    """Where each pixel lies in its droplet, in a picture of `width` x `height`; at least one droplet."""
    parts: list[tuple[NDArray[np.generic], ...]] = []
    radii = np.sqrt([mask.area / np.pi for mask in droplets])
    for label, (mask, radius) in enumerate(zip(droplets, radii, strict=True)):
        distance = _distance_to_edge(mask, width, height)
        rows, columns = np.nonzero(mask.crop)
        x, y = mask.centroid
        parts.append((
            (rows + mask.y) * width + columns + mask.x,
            np.full(rows.size, label),
            np.minimum(distance[rows, columns] / radius, 1).astype(np.float32),
            ((columns + mask.x - x) / radius).astype(np.float32),
            ((rows + mask.y - y) / radius).astype(np.float32),
        ))  # fmt: skip
    index, label, depth, x, y = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Interiors(index, label, depth, x, y, len(droplets), float(np.median(radii)))


def _distance_to_edge(mask: Mask, width: int, height: int) -> Plane:
    """hxw pixels to the droplet's edge; the picture's border, which may cut the droplet off, is none."""
    inside = np.pad(mask.crop.astype(np.uint8), 1)
    inside[0, :] = inside[1, :] * (mask.y == 0)
    inside[-1, :] = inside[-2, :] * (mask.y + mask.height == height)
    inside[:, 0] = inside[:, 1] * (mask.x == 0)
    inside[:, -1] = inside[:, -2] * (mask.x + mask.width == width)
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def find_blobs(grey: Plane, droplets: Sequence[Mask]) -> Blobs | None:
    """Blobs in the droplets of HxW `grey`, all of one polarity and size: those that stand out most.

    Beads of one picture are alike. Taking the one pair of polarity and size under which the most
    stands out keeps dirt, noise and the response's own swings away.

    Returns:
        None if the droplets are not alike.
    """
    inside = interiors(droplets, grey.shape[1], grey.shape[0])
    unusual = _unlike_the_others(grey.ravel()[inside.index].astype(np.float32), inside)
    plane = np.zeros(grey.shape, np.float32)
    plane.ravel()[inside.index] = unusual
    if not _alike(plane, inside):
        return None
    responses = [_response(plane, sigma, inside) for sigma in LARGE]
    bright = np.maximum.reduce(responses)
    dark = np.maximum.reduce([-response for response in responses])
    dirty = DIRT * _power(bright, dark, inside)
    sign = -1 if _power(dark, bright, inside) > dirty else 1
    blobs = _peaks(bright if sign > 0 else dark, inside, LARGE[0])
    small = np.maximum.reduce([sign * _response(plane, sigma, inside) for sigma in SMALL])
    nearby = _dilated(small, NEIGHBOURS * inside.radius)[blobs.y, blobs.x]
    # Dirt is small too: only where nearly all blobs are small are beads looked for that small.
    if blobs.x.size and np.mean(nearby > blobs.significance) > SMALL_SHARE:
        return _peaks(small, inside, SMALL[0])
    return blobs


def _difference(plane: Plane, sigma: float, inside: Interiors) -> Plane:
    """N values of the difference of Gaussians."""
    wide = max(0.7, sigma * inside.radius)
    difference = cv2.GaussianBlur(plane, (0, 0), wide) - cv2.GaussianBlur(plane, (0, 0), RATIO * wide)
    return np.asarray(difference.ravel()[inside.index], np.float32)


def _alike(plane: Plane, inside: Interiors) -> bool:
    """Whether the interiors differ in few places only: small beads, seen with the largest Gaussian."""
    some = inside.sample
    size = np.abs(_difference(plane, LARGE[-1], inside)[some][inside.depth[some] > RIM])
    if not size.size:
        return False
    return bool(np.quantile(size, 0.8) <= 1.2816 * ALIKE_SPREAD * MAD_TO_SIGMA * np.median(size))


def _response(plane: Plane, sigma: float, inside: Interiors) -> Plane:
    """HxW difference of Gaussians in spreads at its depth."""
    values = _difference(plane, sigma, inside)
    ring = np.minimum((inside.depth * RINGS).astype(np.int64), RINGS - 1)
    sample, of_sample = values[inside.sample], ring[inside.sample]
    least = _spread(sample) or 1.0
    by_ring = np.array([max(least, _spread(sample[of_sample == i])) for i in range(RINGS)])
    response = np.zeros_like(plane)
    response.ravel()[inside.index] = values / _at_depth(by_ring, inside)
    return response


def _unlike_the_others(values: Plane, inside: Interiors) -> Plane:
    """N values as spreads from what is usual at their place in a droplet."""
    values = values - _mean_by(inside.label, values, inside.count)[inside.label]
    ring = np.minimum((inside.depth * RINGS).astype(np.int64), RINGS - 1)
    residual = values - _usual(values, ring, inside)
    some = inside.sample
    by_ring = ndimage.median(np.abs(residual[some]), ring[some], np.arange(RINGS))
    spread = _at_depth(MAD_TO_SIGMA * np.nan_to_num(by_ring), inside)
    weight = (1 / np.maximum(spread, 0.5)).astype(np.float32)
    residual = residual - _slopes(residual, weight, inside)
    return np.asarray(np.clip(residual * weight, -OUTLIER, OUTLIER), np.float32)


def _usual(values: Plane, ring: NDArray[np.int64], inside: Interiors) -> Plane:
    """N medians over the droplets by depth and direction, interpolated."""
    sectors = SECTORS if inside.count >= ALIKE else 1
    turn = np.arctan2(inside.y, inside.x) / (2 * np.pi) + 0.5
    cell = ring * sectors + (turn * sectors).astype(np.int64) % sectors
    median = ndimage.median(values[inside.sample], cell[inside.sample], np.arange(RINGS * sectors))
    table = np.nan_to_num(median).reshape(RINGS, sectors).astype(np.float32)
    table = np.pad(np.pad(table, ((1, 1), (0, 0)), mode="edge"), ((0, 0), (1, 1)), mode="wrap")
    return np.asarray(
        ndimage.map_coordinates(table, [inside.depth * RINGS + 0.5, turn * sectors + 0.5], order=1)
    )


def _slopes(residual: Plane, weight: Plane, inside: Interiors) -> Plane:
    """N values of the second-degree polynomial in (x, y) that fits each droplet's residual.

    It takes what light, focus and a mask a pixel off change over a whole droplet. Weighted least
    squares, twice: the second time what lies over two spreads from the first fit counts less.
    """
    some, label = inside.sample, inside.label[inside.sample]
    terms = np.stack(
        [np.ones_like(inside.x), inside.x, inside.y, inside.x**2, inside.y**2, inside.x * inside.y]
    )
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
    return np.einsum("kn,nk->n", terms, factors[inside.label]).astype(np.float32)


def _peaks(response: Plane, inside: Interiors, sigma: float) -> Blobs:
    """Significant maxima of the response within the droplets."""
    values = response.ravel()[inside.index]
    highest = _dilated(response, NEIGHBOURS * inside.radius).ravel()[inside.index]
    peak = (values == highest) & (values > SIGNIFICANT) & (inside.depth > sigma)
    places = np.unique(inside.index[peak])  # a pixel may lie in two droplets
    places = places[_roundness(response, places, max(1, round(sigma * inside.radius))) >= ROUND]
    y, x = np.divmod(places, response.shape[1])
    return Blobs(response, x, y, response.ravel()[places].astype(np.float64))


def _roundness(response: Plane, places: NDArray[np.int64], step: int) -> NDArray[np.float64]:
    """Smaller over larger principal curvature at N pixels, from values `step` pixels away; 0 on a line."""
    padded = np.pad(response, step, mode="edge")
    y, x = np.divmod(places, response.shape[1])

    def at(down: int, across: int) -> NDArray[np.float64]:
        return np.asarray(padded[y + step * (1 + down), x + step * (1 + across)], np.float64)

    across, down = at(0, 1) + at(0, -1) - 2 * at(0, 0), at(1, 0) + at(-1, 0) - 2 * at(0, 0)
    diagonal = (at(1, 1) + at(-1, -1) - at(1, -1) - at(-1, 1)) / 4
    mean, difference = (across + down) / 2, np.hypot((across - down) / 2, diagonal)
    return (mean + difference) / np.minimum(mean - difference, -1e-9)


def _power(response: Plane, opposite: Plane, inside: Interiors) -> float:
    """Sum of squares of what the peaks stand out by, without those beside a stronger one of the other polarity."""
    blobs = _peaks(response, inside, LARGE[0])
    swing = _dilated(opposite, SIDE_LOBE * inside.radius)[blobs.y, blobs.x]
    return float(((blobs.significance - SIGNIFICANT)[blobs.significance > swing] ** 2).sum())


def _dilated(plane: Plane, radius: float) -> Plane:
    size = 2 * max(1, int(radius)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(plane, kernel), np.float32)


def _spread(values: Plane) -> float:
    """Standard deviation of the values but for those that stand out, from the median of their size."""
    size = np.abs(values)
    for _ in range(2):
        if not size.size:
            return 0.0
        spread = MAD_TO_SIGMA * float(np.median(size))
        size = size[size <= 3 * spread]
    return spread


def _at_depth(by_ring: NDArray[np.float64], inside: Interiors) -> Plane:
    """N values at the pixels' depths; none larger than those further out, where the dark ring is."""
    falling = np.maximum.accumulate(by_ring[::-1])[::-1]
    return np.interp(inside.depth * RINGS - 0.5, np.arange(RINGS), falling).astype(np.float32)


def _mean_by(label: NDArray[np.int64], values: Plane, count: int) -> Plane:
    return np.asarray(np.bincount(label, values, count) / np.bincount(label, minlength=count), np.float32)
