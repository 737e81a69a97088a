"""The part of a picture that is analysed as if it were the whole, and the way back from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from droplets.errors import BadRequest
from droplets.objects.filters import renumbered
from droplets.objects.polygons import holds
from droplets.types import HALF_PIXEL, Box, Droplet, Image

MOST_ELONGATED = 500  # sides of 1:1024 leave less than one row of the model's frame
SHORTEST = 8


def checked_region(image: Image, roi: Sequence[int] | None) -> Box:
    """XYWH of the region of interest, of the whole picture by default.

    Raises:
        BadRequest: it does not lie within the picture, or is too small or too long.
    """
    x, y, width, height = roi or (0, 0, image.width, image.height)
    inside = x >= 0 and y >= 0 and x + width <= image.width and y + height <= image.height
    if not inside or min(width, height) < SHORTEST:
        raise BadRequest(
            f"options.roi must lie within the picture of {image.width} x {image.height} pixels "
            f"and be at least {SHORTEST} x {SHORTEST}."
        )
    if max(width, height) > MOST_ELONGATED * min(width, height):
        raise BadRequest(
            f"The picture (or options.roi) may be at most {MOST_ELONGATED} times as long as it is wide."
        )
    return x, y, width, height


def checked_points(points: Sequence[Sequence[float]], region: Box, name: str) -> NDArray[np.float64]:
    """Nx2 (x, y) in the region, of points in the picture, from the first to the last pixel's centre.

    Raises:
        BadRequest: a point lies outside the region; `name` says which option it is.
    """
    x, y, width, height = region
    relative = np.array(points, np.float64).reshape(-1, 2) - (x, y)
    if _beyond(relative, width, height):
        raise BadRequest(f"options.{name}: every point must lie within the picture (or the roi).")
    return np.clip(relative, 0, (width - 1, height - 1))  # width - 0.5 would round to a pixel beyond


def checked_polygon(image: Image, polygon: Sequence[Sequence[float]] | None) -> NDArray[np.float64] | None:
    """Kx2 (x, y) corners of the region in which centres must lie; None for anywhere.

    Raises:
        BadRequest: a corner lies outside the picture's pixels.
    """
    if polygon is None:
        return None
    corners = np.array(polygon, np.float64)
    if _beyond(corners, image.width, image.height):
        raise BadRequest(
            f"options.roi: every corner must lie within the picture of {image.width} x {image.height} pixels."
        )
    return corners


def within_polygon(
    droplets: Sequence[Droplet], polygon: NDArray[np.float64] | None
) -> tuple[list[Droplet], int]:
    """What has its centre in the Kx2 polygon, with all that it contains; and the number that was left out.

    By their centres large and small ones count alike; by what lies wholly inside, too few large ones would.

    Arguments:
        droplets: any number, each after the one that contains it.
        polygon: of the droplets' frame; None keeps all.
    """
    if polygon is None or not droplets:
        return list(droplets), 0
    keep: list[bool] = []
    centred = holds(polygon, np.array([droplet.mask.centroid for droplet in droplets])).tolist()
    for droplet, inside in zip(droplets, centred, strict=True):
        keep.append(inside if droplet.parent is None else keep[droplet.parent])
    return renumbered(droplets, keep), keep.count(False)


def _beyond(points: NDArray[np.float64], width: int, height: int) -> bool:
    """Whether one of Nx2 (x, y) points lies outside the pixels of a picture of `width` x `height`."""
    outside = (points < -HALF_PIXEL) | (points > (width - HALF_PIXEL, height - HALF_PIXEL))
    return bool(outside.any())


def crop(image: Image, region: Box) -> Image:
    """The part of the picture in the region, `original` as a view."""
    x, y, width, height = region
    window = np.s_[y : y + height, x : x + width]
    return replace(image, pixels=np.ascontiguousarray(image.pixels[window]), original=image.original[window])


def in_picture(droplet: Droplet, region: Box) -> Droplet:
    """A droplet of the region in the frame of the whole picture."""
    if region[:2] == (0, 0):
        return droplet
    mask = droplet.mask.moved(*region[:2])
    boundary = droplet.boundary
    if boundary:
        contour = None if boundary.contour is None else boundary.contour + region[:2]
        boundary = replace(boundary, mask=mask, contour=contour)
    return replace(droplet, mask=mask, boundary=boundary)
