"""Star-shaped objects: a centre, and the distance to the outline along rays.

Ray k points at the angle 2 pi k / 32 from the x axis towards the y axis (droplets/finding/head.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.boundaries.contours import rasterise
from droplets.boundaries.rays import chunks, directions
from droplets.finding.head import HEAD_RAYS
from droplets.types import BEAD, Box, Mask

OUTER, INNER = 0, 1
"""Layers: objects that lie in no other one, and what lies in them."""
DIRECTIONS = directions(HEAD_RAYS)
SECTOR = 2 * np.pi / HEAD_RAYS
"""Angle between two rays."""
LARGE = 256
"""Pixels of the longest ray over which half a pixel more all around, as OpenCV fills polygons, is little."""
SUBPIXEL = 4
"""Bits of a pixel's fraction when polygons are filled."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Stars:
    """N star-shaped objects of a picture or a frame.

    Attributes:
        centre: Nx2 (x, y) in pixels, that the rays start from.
        rays: Nx32, lengths in pixels.
        layer: N int64, `OUTER` or `INNER`.
        bead: N, probability of a bead rather than a droplet.
        heat: N, probability of an object's centre.
        expected_iou: N, what the outline's IoU with the true one is expected to be.
    """

    centre: Floats
    rays: Floats
    layer: NDArray[np.int64]
    bead: Floats
    heat: Floats
    expected_iou: Floats

    def __len__(self) -> int:
        return len(self.centre)

    @classmethod
    def none(cls) -> Stars:
        """No objects."""
        nothing = np.zeros(0)
        return cls(
            np.zeros((0, 2)), np.zeros((0, HEAD_RAYS)), np.zeros(0, np.int64), nothing, nothing, nothing
        )

    @classmethod
    def join(cls, parts: Sequence[Stars]) -> Stars:
        """The objects of all parts, in order."""
        columns = ([getattr(part, column.name) for part in parts] for column in fields(cls))
        return cls(*(np.concatenate(column) for column in columns)) if parts else cls.none()

    def take(self, which: NDArray[Any] | slice) -> Stars:
        """Some of them, by index or flag."""
        return Stars(*(getattr(self, column.name)[which] for column in fields(self)))

    def placed(self, box: Box, size: tuple[int, int]) -> Stars:
        """In the picture, of which the frame shows a part.

        Arguments:
            box: the part, XYWH in the picture's pixels.
            size: (H, W) of the frame that it was resized to.
        """
        x, y, width, height = box
        factor = np.array([width / size[1], height / size[0]])
        centre = (self.centre + 0.5) * factor - 0.5 + (x, y)
        # Both factors are the same but for the rounding of the frame's sides.
        return replace(self, centre=centre, rays=self.rays * np.sqrt(factor.prod()))

    @property
    def score(self) -> Floats:
        """N: how sure it is that there is an object with about this outline."""
        return self.heat * self.expected_iou

    @property
    def area(self) -> Floats:
        """N: of the polygon through the rays' ends."""
        area: Floats = 0.5 * np.sin(SECTOR) * (self.rays * np.roll(self.rays, -1, axis=1)).sum(axis=1)
        return area

    @property
    def diameter(self) -> Floats:
        """N: of the circle of the same area."""
        diameter: Floats = 2 * np.sqrt(self.area / np.pi)
        return diameter

    @property
    def longest(self) -> Floats:
        """N: nothing of the object is further from its centre."""
        longest: Floats = self.rays.max(axis=1, initial=0.0)
        return longest

    @property
    def centroid(self) -> Floats:
        """Nx2 (x, y), of the polygon through the rays' ends."""
        following = np.roll(self.rays, -1, axis=1)
        twice = self.rays * following  # the area of each ray's triangle, but for a factor
        corners = self.rays[:, :, None] * DIRECTIONS + following[:, :, None] * np.roll(DIRECTIONS, -1, axis=0)
        away: Floats = (twice[:, :, None] * corners).sum(axis=1) / (3 * twice.sum(axis=1))[:, None]
        return self.centre + away

    @property
    def is_bead(self) -> Bools:
        """N: whether it is a bead rather than a droplet."""
        return self.bead >= BEAD

    def outline(self) -> Floats:
        """Nx64x2 (x, y): the rays' ends, and between two of them the mean of both lengths."""
        between = (self.rays + np.roll(self.rays, -1, axis=1)) / 2
        rays = np.stack([self.rays, between], axis=2).reshape(len(self), 2 * HEAD_RAYS)
        return self.centre[:, None] + rays[:, :, None] * directions(2 * HEAD_RAYS)

    def hold(self, which: NDArray[np.integer[Any]], points: Floats) -> Bools:
        """Whether points lie in objects.

        Arguments:
            which: P indices of objects.
            points: PxKx2 (x, y) in pixels, K for each of them.

        Returns:
            PxK.
        """
        step = (points - self.centre[which][:, None]).astype(np.float32)
        turn = np.arctan2(step[..., 1], step[..., 0]) / np.float32(SECTOR)
        sector = np.floor(turn)
        past = turn - sector
        rays = self.rays.astype(np.float32)
        row, first = which[:, None], sector.astype(np.int64) % HEAD_RAYS
        reach = (1 - past) * rays[row, first] + past * rays[row, (first + 1) % HEAD_RAYS]
        inside: Bools = step[..., 0] ** 2 + step[..., 1] ** 2 <= reach**2
        return inside

    def masks(self, width: int, height: int) -> list[Mask]:
        """Their pixels in a picture of `width` x `height`; without those that cover no pixel's centre."""
        outline, longest = self.outline(), self.longest
        found: dict[int, Mask | None] = {}
        large = longest > LARGE
        for i in np.flatnonzero(large).tolist():
            found[i] = _filled(outline[i], width, height)
        small = np.flatnonzero(~large)
        for group in chunks(2 * longest[small]):
            own = small[group]
            found |= zip(own.tolist(), rasterise(self.centre[own], outline[own], width, height), strict=True)
        return [self._described(i, mask) for i, mask in sorted(found.items()) if mask is not None]

    def _described(self, i: int, mask: Mask) -> Mask:
        return replace(
            mask,
            predicted_iou=float(self.expected_iou[i]),
            found_by="head",
            bead_probability=float(self.bead[i]),
            inner=bool(self.layer[i] == INNER),
        )


def _filled(outline: Floats, width: int, height: int) -> Mask | None:
    """The pixels of a large Kx2 polygon; unlike `rasterise` it looks only at its part in the picture."""
    low = np.clip(np.floor(outline.min(axis=0)), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(outline.max(axis=0)) + 1, 0, (width, height)).astype(int)
    canvas = np.zeros((max(high[1] - low[1], 1), max(high[0] - low[0], 1)), np.uint8)
    points = np.rint((outline - low) * 2**SUBPIXEL).astype(np.int32)
    cv2.fillPoly(canvas, [points], 1, shift=SUBPIXEL)
    return Mask.from_array(canvas.astype(np.bool_), int(low[0]), int(low[1]))
