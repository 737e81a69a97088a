"""Ways to find droplets without any training: each is a function from a grey picture to masks.

Grey pictures are HxW uint8. Settings are those of the tutorials where one is named; the others
were chosen without tuning. All are the same for all pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from benchmarks.pictures import disc
from droplets.boundaries.refine import find_boundaries
from droplets.types import Mask

BLUR = 5  # pixels, of the median filter in OpenCV's tutorials
HOUGH = {"dp": 1, "minDist": 20, "param1": 50, "param2": 30, "minRadius": 0, "maxRadius": 0}
"""OpenCV's tutorial "Hough Circle Transform" in Python, py_houghcircles: any radius."""
TOLD = {"dp": 1, "param1": 50, "param2": 15}
"""Where the radius is known half the votes will do."""
APART = 1.4
"""Centres lie at least so many of the smallest radii apart where the radius is known; 2 would be touching."""
BLOCK, BELOW = 11, 2
"""OpenCV's tutorial "Image Thresholding": side of the neighbourhood, and grey levels below its mean."""
ROUND = 0.7
"""Least circularity, 4 pi area / perimeter^2, of a contour that is taken for a droplet."""
SMALLEST = 30  # pixels of area
COVERED = 0.5
"""Of a contour's area: what larger ones may already have of it."""
PEAKS = 7
"""Pixels between two maxima of the distance transform."""


def hough(grey: np.ndarray) -> list[Mask]:
    """Circles of any radius."""
    return _circles(grey, HOUGH)


def hough_told(grey: np.ndarray, smallest: float, largest: float) -> list[Mask]:
    """Circles, told the smallest and largest true radius in pixels."""
    least = max(1, math.floor(smallest))
    distance = max(1.0, APART * smallest)
    settings = {**TOLD, "minDist": distance, "minRadius": least, "maxRadius": math.ceil(largest)}
    return _circles(grey, settings)


def refined(grey: np.ndarray, masks: list[Mask]) -> list[Mask]:
    """The masks, moved to the edges around them as the service moves its own."""
    return [boundary.mask for boundary in find_boundaries(grey, masks)]


def contours(grey: np.ndarray) -> list[Mask]:
    """Round contours of an adaptive threshold, filled; of those that lie in another the outer one."""
    dark = cv2.adaptiveThreshold(
        cv2.medianBlur(grey, BLUR),
        255,
        cv2.ADAPTIVE_THRESH_GAUSSIAN_C,
        cv2.THRESH_BINARY_INV,
        BLOCK,
        BELOW,
    )
    found, _ = cv2.findContours(dark, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    taken = np.zeros(grey.shape, np.bool_)
    masks = []
    for contour in sorted(filter(_is_round, found), key=cv2.contourArea, reverse=True):
        mask = _filled(contour)
        there = taken[mask.y : mask.y + mask.height, mask.x : mask.x + mask.width]
        if np.count_nonzero(there & mask.crop) <= COVERED * mask.area:
            there |= mask.crop
            masks.append(mask)
    return masks


def distance_watershed(grey: np.ndarray) -> list[Mask]:
    """Otsu's threshold, holes filled, and a watershed of the distance transform.

    As in scikit-image's example "Watershed segmentation"; the rarer side of the threshold is the droplets'.
    """
    blurred = cv2.medianBlur(grey, BLUR)
    bright = blurred > threshold_otsu(blurred)
    objects = ndimage.binary_fill_holes(bright if bright.mean() < 0.5 else ~bright)
    distance = ndimage.distance_transform_edt(objects)
    seeds = np.zeros(grey.shape, np.int32)
    for number, (row, column) in enumerate(peak_local_max(distance, min_distance=PEAKS, labels=objects * 1)):
        seeds[row, column] = number + 1
    labels = watershed(-distance, seeds, mask=objects)
    masks = (
        Mask.from_array(labels[box] == number + 1, box[1].start, box[0].start)
        for number, box in enumerate(ndimage.find_objects(labels))
        if box is not None
    )
    return _large(masks)


def _circles(grey: np.ndarray, settings: dict[str, float]) -> list[Mask]:
    found = cv2.HoughCircles(cv2.medianBlur(grey, BLUR), cv2.HOUGH_GRADIENT, **settings)
    if found is None:
        return []
    height, width = grey.shape
    discs = (disc(*map(float, circle[:3])) for circle in found.reshape(-1, found.shape[-1]))
    return _large(_inside(mask, width, height) for mask in discs)


def _inside(mask: Mask, width: int, height: int) -> Mask | None:
    """The part of a mask in the picture."""
    rows = slice(max(0, -mask.y), max(0, height - mask.y))
    columns = slice(max(0, -mask.x), max(0, width - mask.x))
    return Mask.from_array(mask.crop[rows, columns], mask.x + columns.start, mask.y + rows.start)


def _large(masks: Iterable[Mask | None]) -> list[Mask]:
    return [mask for mask in masks if mask is not None and mask.area >= SMALLEST]


def _is_round(contour: np.ndarray) -> bool:
    area, perimeter = cv2.contourArea(contour), cv2.arcLength(contour, closed=True)
    return bool(area >= SMALLEST and 4 * math.pi * area >= ROUND * perimeter**2)


def _filled(contour: np.ndarray) -> Mask:
    x, y, width, height = cv2.boundingRect(contour)
    canvas = np.zeros((height, width), np.uint8)
    cv2.drawContours(canvas, [contour], -1, 1, cv2.FILLED, offset=(-x, -y))
    return Mask(x, y, canvas.astype(np.bool_))
