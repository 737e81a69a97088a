"""Where to prompt: centres of round objects, found by the vote of their edges.

Every edge pixel votes for the points that lie a radius away along its gradient, to both sides, for
edges of droplets may be dark or bright (radial symmetry: Loy and Zelinsky 2003). A centre gets the
votes of its whole rim. The votes are cheap and forgiving; the model decides what is there.
"""

from __future__ import annotations

import math
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
"""Smaller radii are looked for in a doubled or quadrupled picture too, if its longer side stays within this."""
SMALLEST_ENLARGED = 8.0  # pixels of the enlarged picture
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


def propose(pixels: NDArray[np.uint8], radii: Sequence[float] | None = None) -> Proposals:
    """Centres of round objects in HxWx3 uint8 RGB, one each.

    Arguments:
        pixels: the picture.
        radii: radii to look for, in pixels; by default a series from 3 (2 in a small picture) to 100.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    largest = min(LARGEST, min(grey.shape) / 3)
    finest = min(0, -math.floor(math.log2(ENLARGED / max(grey.shape))))
    smallest = min(SMALLEST, SMALLEST_ENLARGED * 2.0**finest)
    wanted = radii or [float(r) for r in smallest * STEP ** np.arange(40) if r <= largest]
    found = [part for level, own in _by_level(wanted, finest).items() for part in _at_level(grey, level, own)]
    merged = Proposals(
        np.concatenate([part.points for part in found]),
        np.concatenate([part.radius for part in found]),
        np.concatenate([part.support for part in found]),
    )
    return _one_each(merged)


def _by_level(radii: Sequence[float], finest: int) -> dict[int, list[float]]:
    """Radii by the number of times that the picture is halved before they are looked for.

    Levels under 0, down to `finest`, are those of doubled pictures.
    """
    levels: dict[int, list[float]] = {}
    for radius in radii:
        level = math.floor(math.log2(radius / FINEST))
        if level < 0 and finest < 0:
            levels.setdefault(max(finest, level), []).append(radius)
        if radius >= SMALLEST:
            levels.setdefault(max(0, level), []).append(radius)
    return levels


def _at_level(grey: NDArray[np.uint8], level: int, radii: Sequence[float]) -> list[Proposals]:
    scale = 2.0**level
    if level:
        size = (math.ceil(grey.shape[1] / scale), math.ceil(grey.shape[0] / scale))
        interpolation = cv2.INTER_AREA if level > 0 else cv2.INTER_CUBIC
        grey = np.asarray(cv2.resize(grey, size, interpolation=interpolation), np.uint8)
    edges = _edges(grey)
    found = []
    for radius in radii:
        # A rim is thinner in a halved picture.
        votes = np.float32(max(1.0, scale)) * _votes(edges, radius / scale, grey.shape)
        peaks = _peaks(votes, radius / scale, _support_needed(radius, level))
        found.append(Proposals((peaks.points + 0.5) * scale - 0.5, peaks.radius * scale, peaks.support))
    return found


def _support_needed(radius: float, level: int) -> float:
    if level < 0:
        return MIN_SUPPORT_ENLARGED
    return MIN_SUPPORT_SMALL if level == 0 and radius < SMALL else MIN_SUPPORT


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


def _one_each(found: Proposals) -> Proposals:
    """Best supported first; what a better supported neighbour explains is dropped.

    A neighbour explains centres nearby of about its own radius, and weaker ones whose rims cross
    its own: gaps between droplets, and circles through several of them. What lies well inside it
    and is much smaller may be a bead, and stays.
    """
    ranked = found.at(np.argsort(-found.support, kind="stable"))
    if not len(ranked.points):
        return ranked
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
