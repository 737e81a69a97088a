"""Intensity, shape and distance-to-border figures of one mask.

area                number of pixels A
equivalent diameter 2 sqrt(A / pi), the circle of the same area
perimeter           P by the Cauchy-Crofton formula over four directions: pi / 4 times the number of
                    chords along rows and columns, plus 1 / sqrt 2 of that along both diagonals
circularity         4 pi A / P^2 (Cox 1927), cut off at 1: the perimeter of a pixelated disc is
                    estimated to a few per cent only
solidity            A over the area of the convex hull of the pixels taken as unit squares
max Feret diameter  largest distance between two corners of those squares
with a contour      A, P, hull and Feret diameter are those of its polygon: no pixels are counted
volume              pi / 6 d^3 of the ball of the equivalent diameter d; 1 pL = 1000 cubic micrometres
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.types import HALF_PIXEL, BorderDistance, Image, Intensity, Mask, PixelSize, Shape

PIXEL_CORNERS = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]], np.float32)


def grey_values(image: Image) -> NDArray[np.generic]:
    """The stored values as HxW: as they are if grey, else 0.299 R + 0.587 G + 0.114 B (Rec. 601).

    Of a picture in which one channel alone holds light, as a green dye on black, they are that channel's.
    Integers are rounded and keep their type, so that equal channels give just their own value.
    """
    if image.only_channel is not None:
        return np.ascontiguousarray(image.original[..., image.only_channel])
    if image.in_colour:
        return np.asarray(cv2.cvtColor(image.original, cv2.COLOR_RGB2GRAY))
    return image.original


def intensity(grey: NDArray[np.generic], mask: Mask) -> Intensity:
    """Figures of the values of HxW `grey` under the mask."""
    return _figures(_under(grey, mask))


def channel_intensities(values: NDArray[np.generic], mask: Mask) -> tuple[Intensity, ...]:
    """Figures of each channel of HxWxC `values` under the mask."""
    return tuple(_figures(channel) for channel in _under(values, mask).T)


def _under(values: NDArray[np.generic], mask: Mask) -> NDArray[np.generic]:
    """What HxW or HxWxC `values` hold at the mask's pixels."""
    return values[mask.y : mask.y + mask.height, mask.x : mask.x + mask.width][mask.crop]


def _figures(values: NDArray[np.generic]) -> Intensity:
    """Figures of values, at least one."""
    precise = np.sort(values, kind="stable").astype(np.float64)  # of 8 and 16 bits: by radix
    count = precise.size
    mean = float(precise.sum()) / count
    away = precise - mean
    return Intensity(
        mean=mean,
        min=float(precise[0]),
        max=float(precise[-1]),
        std=math.sqrt(float(away @ away) / count),
        median=float(precise[(count - 1) // 2] + precise[count // 2]) / 2,
        pixels=count,
    )


def shape(mask: Mask, contour: NDArray[np.float64] | None = None) -> Shape:
    """Figures of the Kx2 (x, y) contour, of the mask's pixels where there is none, in pixels."""
    if contour is not None:
        return _contour_shape(contour)
    perimeter = _perimeter(mask)
    corners = _hull_corners(mask)
    return Shape(
        equivalent_diameter=equivalent_diameter(mask.area),
        max_feret_diameter=_diameter(corners),
        perimeter=perimeter,
        circularity=_circularity(mask.area, perimeter),
        solidity=mask.area / float(cv2.contourArea(corners)),
    )


def equivalent_diameter(area: float) -> float:
    """Of the circle of `area`."""
    return 2 * math.sqrt(area / math.pi)


def circularity(mask: Mask) -> float:
    """Of the mask's pixels, as `shape` gives it."""
    return _circularity(mask.area, _perimeter(mask))


def _circularity(area: float, perimeter: float) -> float:
    return min(1.0, 4 * math.pi * area / perimeter**2)


def diameter_um(diameter: float | None, size: PixelSize | None) -> float | None:
    """A length of `diameter` pixels in micrometres; None if it or the pixel size is not known."""
    return diameter * size.um if size and diameter is not None else None


def volume_pl(diameter: float, size: PixelSize | None) -> float | None:
    """Picolitres in a ball of `diameter` pixels; None if the pixel size is not known."""
    return math.pi / 6 * (diameter * size.um) ** 3 / 1000 if size else None


def border_distance(
    mask: Mask, width: int, height: int, contour: NDArray[np.float64] | None = None
) -> BorderDistance:
    """Distance of the mask's box to the borders of a picture of `width` x `height` pixels.

    Arguments:
        contour: Kx2 (x, y), as it is cut to the picture: where it runs within, nothing is cut off.
    """
    closed = False
    if contour is not None:
        inside = (contour > -HALF_PIXEL) & (contour < (width - HALF_PIXEL, height - HALF_PIXEL))
        closed = bool(inside.all())
    return BorderDistance(
        top=mask.y,
        bottom=height - mask.y - mask.height,
        left=mask.x,
        right=width - mask.x - mask.width,
        closed=closed,
    )


def touches_border(mask: Mask, width: int, height: int) -> bool:
    """Whether the mask reaches a border of a picture of `width` x `height` pixels."""
    return mask.x == 0 or mask.y == 0 or mask.x + mask.width == width or mask.y + mask.height == height


def _contour_shape(contour: NDArray[np.float64]) -> Shape:
    points = (contour - contour[0]).astype(np.float32)
    hull = np.asarray(cv2.convexHull(points), np.float32).reshape(-1, 2)
    area = float(cv2.contourArea(points))
    perimeter = float(cv2.arcLength(points, closed=True))
    return Shape(
        equivalent_diameter=equivalent_diameter(area),
        max_feret_diameter=_diameter(hull),
        perimeter=perimeter,
        circularity=_circularity(area, perimeter),
        solidity=min(1.0, area / float(cv2.contourArea(hull))),
    )


def _perimeter(mask: Mask) -> float:
    """Cauchy-Crofton perimeter: chords are counted at their first pixel."""
    inside = np.zeros((mask.height + 2, mask.width + 2), np.bool_)
    inside[1:-1, 1:-1] = mask.crop
    here = inside[1:-1, 1:-1]
    straight = np.count_nonzero(here > inside[1:-1, :-2]) + np.count_nonzero(here > inside[:-2, 1:-1])
    diagonal = np.count_nonzero(here > inside[:-2, :-2]) + np.count_nonzero(here > inside[:-2, 2:])
    return math.pi / 4 * (straight + diagonal / math.sqrt(2))


def _hull_corners(mask: Mask) -> NDArray[np.float32]:
    """Kx2 (x, y) convex hull of the pixels as unit squares, relative to the crop's first pixel centre."""
    columns = np.arange(mask.width)
    occupied = mask.crop.any(axis=0)
    first = mask.crop.argmax(axis=0)
    last = mask.height - 1 - mask.crop[::-1].argmax(axis=0)
    ends = np.concatenate([np.stack([columns, first], 1)[occupied], np.stack([columns, last], 1)[occupied]])
    corners = (ends[:, None, :] + PIXEL_CORNERS).reshape(-1, 2).astype(np.float32)
    return np.asarray(cv2.convexHull(corners), np.float32).reshape(-1, 2)


def _diameter(points: NDArray[np.float32]) -> float:
    """Largest distance between two of Kx2 points."""
    precise = points.astype(np.float64)
    squares = (precise**2).sum(axis=1)
    apart = precise @ (-2 * precise.T)
    apart += squares
    apart += squares[:, None]
    return math.sqrt(float(apart.max()))
