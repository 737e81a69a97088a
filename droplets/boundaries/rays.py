"""Outlines of masks along rays, and the picture's grey values along the same rays.

A path is a curve around a centre, given by its radius on each of `RAYS` equally spaced rays, in pixels;
ray k points at the angle 2 pi k / RAYS from the x axis towards the y axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from droplets.boundaries.settings import EdgeSettings
from droplets.types import Mask

RAYS = 72


def directions(rays: int) -> NDArray[np.float64]:
    """rays x 2 (x, y) unit vectors."""
    angles = 2 * np.pi * np.arange(rays) / rays
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


DIRECTIONS = directions(RAYS)
MASK_STEP = 0.5  # pixels between two samples of a mask along a ray
CHUNK = 256  # masks; OpenCV takes at most 32767 rows, one a ray
CHUNK_PIXELS = 4_000_000
MEETING = 0.1  # cosine of the angle to a neighbour under which a ray does not meet it: 84 degrees

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Paths:
    """N paths.

    Attributes:
        centre: Nx2 (x, y).
        radius: NxRAYS.
        size: N, radius of the circle of the mask's area, the unit of lengths.
    """

    centre: Floats
    radius: Floats
    size: Floats

    def take(self, which: NDArray[np.generic] | slice) -> Paths:
        """The paths at these indices."""
        return Paths(self.centre[which], self.radius[which], self.size[which])

    def followed_by(self, others: Paths) -> Paths:
        """These paths and then the others."""
        return Paths(
            np.concatenate([self.centre, others.centre]),
            np.concatenate([self.radius, others.radius]),
            np.concatenate([self.size, others.size]),
        )

    def points(self) -> Floats:
        """Nx(rays)x2 (x, y)."""
        return self.centre[:, None, :] + self.radius[:, :, None] * directions(self.radius.shape[1])


def chunks(sides: NDArray[np.generic]) -> Iterator[NDArray[np.intp]]:
    """Indices of all items in groups of similar side, small enough to be worked on as one array."""
    order = np.argsort(sides, kind="stable")
    first = 0
    while first < len(order):
        last = min(first + CHUNK, len(order))
        while last > first + 1 and (last - first) * float(sides[order[last - 1]]) ** 2 > CHUNK_PIXELS:
            last = first + (last - first) // 2
        yield order[first:last]
        first = last


def outlines(masks: Sequence[Mask]) -> Paths:
    """Where rays from each mask's centroid last leave the mask."""
    sides = np.array([max(mask.width, mask.height) for mask in masks])
    centre = np.array([mask.centroid for mask in masks]).reshape(-1, 2)
    radius = np.zeros((len(masks), RAYS))
    toward = DIRECTIONS.astype(np.float32)
    for group in chunks(sides):
        side = int(sides[group].max())
        own = [masks[i] for i in group.tolist()]
        origin = centre[group] - np.array([(mask.x, mask.y) for mask in own])
        farthest = float(np.hypot(*np.maximum(origin, side - origin).T).max())  # of the crops' corners
        steps = (MASK_STEP * np.arange(1, 2 + round(farthest / MASK_STEP))).astype(np.float32)
        rim = int(farthest) + 2  # so that no ray leaves the frame
        frame = side + 2 * rim
        stack = np.zeros((len(own), frame, frame), np.bool_)
        for layer, mask in zip(stack, own, strict=True):
            layer[rim : rim + mask.height, rim : rim + mask.width] = mask.crop
        start = (origin + rim + 0.5).astype(np.float32)
        column, row = (
            (start[:, axis, None, None] + steps * toward[:, axis, None]).astype(np.int32) for axis in (0, 1)
        )
        first = frame**2 * np.arange(len(own), dtype=np.int32)[:, None, None]
        inside = stack.ravel().take(first + frame * row + column)
        last = len(steps) - 1 - inside[..., ::-1].argmax(axis=-1)
        radius[group] = np.where(inside.any(axis=-1), steps[last] + MASK_STEP / 2, MASK_STEP / 2)
    size = np.sqrt(np.array([mask.area for mask in masks]) / np.pi)
    return Paths(centre, radius, size)


def neighbour_distance(paths: Paths, how: EdgeSettings) -> Floats:
    """NxRAYS: pixels along each ray to the nearest line halfway between the outline and a neighbour's.

    The line stands across the centres' connection, in the middle of the gap that the outlines leave on it.
    Only what lies side by side counts: not rims, nor what is in a droplet.
    """
    limit = np.full(paths.radius.shape, np.inf)
    if len(paths.size) <= 1:
        return limit
    centre, size = paths.centre, paths.size
    near = cKDTree(centre).query_ball_point(centre, 1.5 * (size + size.max()))
    own = np.repeat(np.arange(len(size)), [len(found) for found in near])
    other = np.concatenate([np.asarray(found, np.intp) for found in near])
    step = centre[other] - centre[own]
    apart = np.hypot(step[:, 0], step[:, 1])
    larger, smaller = np.maximum(size[own], size[other]), np.minimum(size[own], size[other])
    beside = (apart > larger + how.side_by_side * smaller) & (apart < 1.5 * (size[own] + size[other]))
    own, other, step, apart = own[beside], other[beside], step[beside], apart[beside]
    towards = step / apart[:, None]
    middle = (apart + _facing(paths, own, towards) - _facing(paths, other, -towards)) / 2
    cosine = towards @ DIRECTIONS.T
    with np.errstate(divide="ignore"):
        cut = np.where(cosine > MEETING, middle[:, None] / cosine, np.inf)
    first = np.flatnonzero(np.diff(own, prepend=-1))  # of each one's own lines
    if first.size:
        limit[own[first]] = np.minimum.reduceat(cut, first, axis=0)
    return limit


def _facing(paths: Paths, which: NDArray[np.intp], towards: Floats) -> Floats:
    """P radii of the outlines `which` in the directions Px2 (x, y), means over the three nearest rays."""
    turn = np.arctan2(towards[:, 1], towards[:, 0]) * (RAYS / (2 * np.pi))
    nearest = np.rint(turn).astype(np.intp)
    return np.asarray(np.mean([paths.radius[which, (nearest + i) % RAYS] for i in (-1, 0, 1)], axis=0))


def enclosed(masks: Sequence[Mask], paths: Paths, round_ones: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """N: whether most of the mask lies on a round one of over twice its radius."""
    inside = np.zeros(len(masks), np.bool_)
    tree = cKDTree(paths.centre)
    for large in np.flatnonzero(round_ones).tolist():
        near = np.asarray(tree.query_ball_point(paths.centre[large], paths.size[large]), np.intp)
        small = near[paths.size[near] < 0.5 * paths.size[large]]
        for i in small[~inside[small]].tolist():
            inside[i] = 2 * masks[large].intersection(masks[i]) > masks[i].area
    return inside


def sample(grey: NDArray[np.float32], paths: Paths, offsets: Floats) -> NDArray[np.float32]:
    """Grey values along rays, NxRAYSxS, at `offsets` (S, in units of `size`) outwards from the paths.

    NaN outside the picture.
    """
    radius, size = paths.radius.astype(np.float32)[:, :, None], paths.size.astype(np.float32)[:, None, None]
    centre, toward = paths.centre.astype(np.float32), DIRECTIONS.astype(np.float32)
    distance = radius + offsets.astype(np.float32) * size
    sampled = cv2.remap(
        grey,
        (centre[:, 0, None, None] + distance * toward[:, 0, None]).reshape(-1, len(offsets)),
        (centre[:, 1, None, None] + distance * toward[:, 1, None]).reshape(-1, len(offsets)),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=float("nan"),
    )
    return np.asarray(sampled, np.float32).reshape(distance.shape)
