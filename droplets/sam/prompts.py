"""Where to prompt: centres of round objects, found by the vote of their edges.

Every edge pixel votes for the points that lie a radius away along its gradient, to both sides, for
edges of droplets may be dark or bright (radial symmetry: Loy and Zelinsky 2003). A centre gets the
votes of its whole rim. The votes are cheap and forgiving; the model decides what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

SMALLEST, LARGEST, STEP = 3.0, 100.0, 1.26  # radii in pixels, and the factor between two of them
FINEST = 10.0
"""Radii of twice this and more are looked for in a halved picture, of four times in a quartered one."""
ENLARGED = 1280
"""Small objects are looked for in a doubled or quadrupled picture if its longer side stays within this."""
SMALLEST_ENLARGED = 6.0  # radius in pixels of the enlarged picture
EDGE_NOISE = 4.0
"""An edge is steeper than this many times the median gradient's deviation, and among the steepest."""
EDGE_SHARE = 0.35
"""At most this share of the pixels vote."""
MIN_SUPPORT, MIN_SUPPORT_SMALL, SMALL = 0.35, 0.75, 6.0
"""Support that a centre needs, and that one of a radius under SMALL pixels does: noise makes small rings."""
MIN_SUPPORT_ENLARGED = 0.5
"""Support that a centre needs in an enlarged picture, in which the noise is smooth."""
STRONG, OF_STRONG = 0.99, 0.6
"""An edge has its full weight at this part of the steepness that this share of the pixels stay under."""

EXPLAINED = 0.5
"""A centre of less than this part of its neighbour's support is explained by it if their rims cross."""
BEAD = 0.35
"""What lies in a droplet and has less than this part of its radius may be a bead."""
REACH = 3.0
"""Radii within which neighbours are compared."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """Places worth a prompt, best supported first.

    Attributes:
        points: Nx2 float64 (x, y) in pixels of the picture.
        radius: N float64, in pixels.
        support: N float64, the weight of the votes over the length of the rim.
    """

    points: NDArray[np.float64]
    radius: NDArray[np.float64]
    support: NDArray[np.float64]

    def at(self, chosen: NDArray[np.generic]) -> Proposals:
        """Some of them, by index or flag."""
        return Proposals(self.points[chosen], self.radius[chosen], self.support[chosen])

    def scaled(self, factor: float) -> Proposals:
        """In a picture resized by a factor."""
        return Proposals((self.points + 0.5) * factor - 0.5, self.radius * factor, self.support)


def propose(pixels: NDArray[np.uint8], radii: Sequence[float] | None = None) -> Proposals:
    """Centres of round objects in HxWx3 uint8 RGB, one each.

    Arguments:
        pixels: the picture.
        radii: radii to look for, in pixels; by default a series from 3 to 100.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    wanted = radii or _series(SMALLEST, min(LARGEST, min(grey.shape) / 3))
    return _one_each(
        [part for level, own in _by_level(wanted).items() for part in _at_level(grey, level, own)]
    )


def propose_small(pixels: NDArray[np.uint8]) -> Proposals:
    """Centres of round objects of a radius under 10 pixels, looked for in an enlarged picture.

    There are none in a picture that has as many pixels as the model's frame already.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    scale, large = enlarged(grey)
    if scale == 1:
        return _one_each([])
    edges = _edges(large)
    found = []
    for radius in _series(SMALLEST_ENLARGED, FINEST * scale):
        votes = _votes(edges, radius, large.shape)
        found.append(_peaks(votes, radius, MIN_SUPPORT_ENLARGED).scaled(1 / scale))
    return _one_each(found)


def enlarged(grey: NDArray[np.uint8]) -> tuple[int, NDArray[np.uint8]]:
    """How many times a picture may be enlarged within 1280 pixels (1, 2 or 4), and it enlarged so."""
    scale = next(scale for scale in (4, 2, 1) if scale == 1 or scale * max(grey.shape) <= ENLARGED)
    size = (scale * grey.shape[1], scale * grey.shape[0])
    return scale, np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _series(smallest: float, largest: float) -> list[float]:
    return [float(radius) for radius in smallest * STEP ** np.arange(40) if radius <= largest]


def _by_level(radii: Sequence[float]) -> dict[int, list[float]]:
    """Radii by the number of times that the picture is halved before they are looked for."""
    levels: dict[int, list[float]] = {}
    for radius in radii:
        levels.setdefault(max(0, int(np.log2(radius / FINEST))), []).append(radius)
    return levels


def _at_level(grey: NDArray[np.uint8], level: int, radii: Sequence[float]) -> list[Proposals]:
    scale = 2**level
    if level:
        size = (-(-grey.shape[1] // scale), -(-grey.shape[0] // scale))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    edges = _edges(grey)
    found = []
    for radius in radii:
        votes = scale * _votes(edges, radius / scale, grey.shape)  # a rim is thinner in a halved picture
        enough = MIN_SUPPORT_SMALL if radius < SMALL else MIN_SUPPORT
        found.append(_peaks(votes, radius / scale, enough).scaled(scale))
    return found


@dataclass(frozen=True, eq=False)
class _Edges:
    """K edge pixels: Kx2 (x, y), Kx2 unit gradients, and K weights of 0 to 1 by their steepness."""

    points: NDArray[np.float32]
    directions: NDArray[np.float32]
    weights: NDArray[np.float32]


def _edges(grey: NDArray[np.uint8]) -> _Edges:
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0).astype(np.float32)
    across = cv2.Scharr(smooth, cv2.CV_32F, 1, 0)
    down = cv2.Scharr(smooth, cv2.CV_32F, 0, 1)
    steepness = np.hypot(across, down)
    noise = float(np.median(steepness))
    limit = max(EDGE_NOISE / 2 * noise, float(np.quantile(steepness[::2, ::2], 1 - EDGE_SHARE)))
    rows, columns = np.nonzero(steepness > limit)
    length = steepness[rows, columns]
    directions = np.stack([across[rows, columns] / length, down[rows, columns] / length], axis=1)
    strong = OF_STRONG * float(np.quantile(steepness[::2, ::2], STRONG))
    steep = max(strong, float(np.quantile(length, 0.8))) if length.size else 1.0
    weights = np.minimum(length / steep, 1).astype(np.float32)
    return _Edges(np.stack([columns, rows], axis=1).astype(np.float32), directions, weights)


def _votes(edges: _Edges, radius: float, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """HxW: support of a centre of that radius at each pixel."""
    height, width = shape[:2]
    votes = np.zeros(height * width, np.float64)
    for sign in (-1, 1):
        x, y = np.rint(edges.points + sign * radius * edges.directions).astype(np.int32).T
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        votes += np.bincount(y[inside] * width + x[inside], edges.weights[inside], height * width)
    spread = max(0.8, 0.12 * radius)
    gathered = cv2.GaussianBlur(votes.reshape(height, width).astype(np.float32), (0, 0), spread)
    return np.asarray(gathered * (2 * np.pi * spread**2) / (2 * np.pi * radius), np.float32)


def _peaks(votes: NDArray[np.float32], radius: float, enough: float) -> Proposals:
    reach = 2 * max(1, round(0.4 * radius)) + 1
    highest = cv2.dilate(votes, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    rows, columns = np.nonzero((votes == highest) & (votes > enough))
    return Proposals(
        np.stack([columns, rows], axis=1).astype(np.float64),
        np.full(len(rows), radius),
        votes[rows, columns].astype(np.float64),
    )


def _one_each(parts: Sequence[Proposals]) -> Proposals:
    """Best supported first; what a better supported neighbour explains is dropped.

    A neighbour explains centres nearby of about its own radius, and weaker ones whose rims cross
    its own: gaps between droplets, and circles through several of them. What lies well inside it
    and is much smaller may be a bead, and stays.
    """
    if not sum(len(part.points) for part in parts):
        return Proposals(np.empty((0, 2)), np.empty(0), np.empty(0))
    found = Proposals(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.radius for part in parts]),
        np.concatenate([part.support for part in parts]),
    )
    ranked = found.at(np.argsort(-found.support, kind="stable"))
    dropped = np.zeros(len(ranked.points), bool)
    tree = cKDTree(ranked.points)
    for i, (point, radius) in enumerate(zip(ranked.points, ranked.radius, strict=True)):
        if dropped[i]:
            continue
        near = np.array(tree.query_ball_point(point, REACH * radius))
        near = near[near > i]
        distance = np.hypot(*(ranked.points[near] - point).T)
        ratio = ranked.radius[near] / radius
        same = (distance < 0.6 * radius) & (ratio > 0.5) & (ratio < 2)
        inside = (distance < 0.85 * radius) & (ratio < BEAD)
        crossing = ~inside & (distance < (1 + 0.7 * ratio) * radius)
        weaker = ranked.support[near] < EXPLAINED * ranked.support[i]
        dropped[near[same | (crossing & weaker)]] = True
    return ranked.at(~dropped)
