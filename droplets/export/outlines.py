"""Outlines along the outer edges of a mask's pixels, exact: filled, they give the mask back.

Coordinates are pixel corners, as COCO, ImageJ and QuPath have them: pixel (x, y) covers x to x + 1
and y to y + 1, so its centre is (x + 0.5, y + 0.5). Our own coordinates, with pixel centres at
integers, are half a pixel less.

Pixels that share an edge form one part. Pixels that meet only in a corner belong to parts of their
own (or to the same part by another way), so that no ring touches itself and every part is a valid
polygon in the sense of OGC Simple Features.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.types import Mask

Ring = NDArray[np.int64]
"""Kx2 (x, y) corners, horizontal and vertical edges in turn; the last corner joins the first."""

ONE_PART = ("background", "mask")
"""Labels of the connected regions where a mask is one."""


def outlines(mask: Mask) -> list[list[Ring]]:
    """The parts of the mask, each its outer ring and then the rings of its holes.

    Outer rings run counterclockwise if y were to point upwards (clockwise on the screen), holes the
    other way: the right-hand rule of RFC 7946.
    """
    crop = mask.crop.view(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(crop, connectivity=4)
    if count == len(ONE_PART):
        return [_rings(crop, mask.x, mask.y)]
    parts = []
    for label in range(1, count):
        x, y, width, height = (int(value) for value in boxes[label, :4])
        part = (labels[y : y + height, x : x + width] == label).view(np.uint8)
        parts.append(_rings(part, mask.x + x, mask.y + y))
    return parts


def _rings(part: NDArray[np.uint8], x: int, y: int) -> list[Ring]:
    """Rings of one part, the outer one first; (x, y) is the place of its top-left pixel.

    OpenCV's contours run through the centres of border pixels. In the picture of twice the size
    these lie at 2x or 2x + 1 in pixel x, next to its left or right edge, so (c + 1) // 2 is the
    corner; at a concave corner two successive points fall together.
    """
    double = cv2.resize(part, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    contours, links = cv2.findContours(double, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outer_first = np.argsort(links[0, :, 3], kind="stable")  # the number of the ring around, -1 for none
    return [_corners(contours[number], x, y) for number in outer_first]


def _corners(contour: NDArray[np.int32], x: int, y: int) -> Ring:
    """Kx2 corners of a contour of the doubled picture, turned the right way round and moved by (x, y)."""
    corners = (contour[::-1, 0].astype(np.int64) + 1) // 2
    before = np.concatenate([corners[-1:], corners[:-1]])
    ring: Ring = corners[(corners != before).any(axis=1)] + np.array([x, y])
    return ring
