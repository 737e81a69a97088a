"""Closed bright cells with dark walls that the model gave no mask for, as in foam.

A bubble of a few pixels, or one whose wall is double or broken into strokes, is often beyond the
model. Its inside is still one connected region over some grey level, bounded all around by its wall
(the component tree, Salembier et al. 1998). Of the nested regions the one whose outline is steepest
all around is taken and grown to the darkest line of the wall.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.sam.coverage import Found
from droplets.sam.prompts import enlarged
from droplets.types import Mask

LEVELS = 24
"""Grey levels between which regions are looked for."""
SMALLEST = 2.5
"""Radius in pixels under which noise makes cells."""
SLIM, FULL = 0.6, 0.9
"""A round region fills pi / 4 = 0.79 of its box; what fills less or more than this is not round."""
CONVEX, ROUND = 0.93, 0.75
"""Least solidity and circularity: the gaps between bubbles are concave."""
FLATTEST = 15  # per cent of the outline that may be flatter
DEPTH = 0.1
"""The wall is darker than the inside by at least this part of the range of the grey values,"""
AS_DEEP = 0.5
"""by at least this part of what it is for the median of the objects found before,"""
OVER_NOISE = 5.0
"""and by at least this many standard deviations of the noise."""
WALL = 0.6
"""The wall lies within this part of the radius outside the region."""
INNER = 0.4
"""A region has at least this part of the area of the cell that it grows to."""


def closed_cells(pixels: NDArray[np.uint8], masks: Sequence[Mask], largest: float) -> list[Mask]:
    """Cells in HxWx3 uint8 RGB beside `masks`.

    No model vouches for them: their predicted IoU and stability score are 0.

    Arguments:
        pixels: the picture.
        masks: found so far.
        largest: most pixels of a cell.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    scale, large = enlarged(grey)
    large = np.asarray(cv2.GaussianBlur(large, (0, 0), 0.5 * scale), np.uint8)
    low, high = float(large.min()), float(np.percentile(large, 99))
    needed = max(DEPTH * (high - low), OVER_NOISE * _noise(grey))
    if masks:
        needed = max(needed, AS_DEEP * float(np.median([_grown(grey, mask)[1] for mask in masks])))
    least = math.pi * (SMALLEST * scale) ** 2
    known = np.zeros(grey.shape, bool)
    for mask in masks:
        mask.paint(known, value=True)
    regions = [
        region
        for level in np.linspace(low, high, LEVELS, endpoint=False)
        for region in _round_regions(large > level, INNER * least, largest * scale**2, known)
    ]
    found = Found(masks)
    for region in _steepest_first(large, regions):
        x, y = region.centroid
        if not _at(known, x, y, scale) and found.is_apart(_reduced(region, scale)):
            grown, depth = _grown(large, region)
            cell = _reduced(grown, scale)
            if depth >= needed and grown.area >= least and found.is_apart(cell):
                found.add(cell)
                cell.paint(known, value=True)
    return found.masks[len(masks) :]


def _noise(grey: NDArray[np.uint8]) -> float:
    """Standard deviation of the noise, from the lower quartile of the second differences: no edges."""
    second = np.abs(cv2.Laplacian(grey, cv2.CV_32F))  # of noise of deviation 1 it has sqrt(20)
    return float(np.percentile(second, 25)) / (0.3186 * math.sqrt(20))


def _at(values: NDArray[np.bool_], x: Any, y: Any, scale: int) -> Any:
    """Values of a picture at (x, y) of the picture enlarged by `scale`; numbers or arrays."""
    return values[np.intp((y + 0.5) / scale), np.intp((x + 0.5) / scale)]


def _round_regions(
    bright: NDArray[np.bool_], least: float, most: float, known: NDArray[np.bool_]
) -> Iterator[Mask]:
    """Connected regions of about the shape of a disc that lie whole in the picture, holes filled.

    Those are left out whose centre lies in the HxW `known` of the picture, of which `bright` is a multiple.
    """
    height, width = bright.shape
    _, labels, stats, centres = cv2.connectedComponentsWithStats(bright.astype(np.uint8), connectivity=4)
    x, y, w, h, area = stats.T
    inside = (x > 0) & (y > 0) & (x + w < width) & (y + h < height)
    full = (area > SLIM * w * h) & (area < FULL * w * h)
    new = ~_at(known, centres[:, 0], centres[:, 1], height // known.shape[0])
    for i in np.flatnonzero(inside & full & (area >= least) & (area <= most) & new):
        crop = labels[y[i] : y[i] + h[i], x[i] : x[i] + w[i]] == i
        outlines, _ = cv2.findContours(crop.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        outline = max(outlines, key=len)
        own, hull = cv2.contourArea(outline), cv2.contourArea(cv2.convexHull(outline))
        if own >= CONVEX * hull and 4 * math.pi * own >= ROUND * cv2.arcLength(outline, True) ** 2:
            filled = cv2.drawContours(np.zeros(crop.shape, np.uint8), [outline], -1, 1, cv2.FILLED)
            yield Mask(int(x[i]), int(y[i]), filled.astype(bool))


def _steepest_first(grey: NDArray[np.uint8], regions: Sequence[Mask]) -> list[Mask]:
    """By the steepness that all but the flattest parts of the outline have."""
    across, down = cv2.Scharr(grey, cv2.CV_32F, 1, 0), cv2.Scharr(grey, cv2.CV_32F, 0, 1)
    steepness = np.hypot(across, down)

    def flattest(region: Mask) -> float:
        inner = cv2.erode(np.pad(region.crop, 1).astype(np.uint8), np.ones((3, 3), np.uint8))[1:-1, 1:-1]
        window = steepness[region.y : region.y + region.height, region.x : region.x + region.width]
        return -float(np.percentile(window[region.crop & (inner == 0)], FLATTEST))

    return sorted(regions, key=flattest)


def _grown(grey: NDArray[np.uint8], mask: Mask) -> tuple[Mask, float]:
    """The mask grown to the darkest of the lines around it, and how much darker than the inside that is."""
    reach = max(2, math.ceil(WALL * math.sqrt(mask.area / math.pi)))
    left, top = max(0, mask.x - reach), max(0, mask.y - reach)
    window = grey[top : mask.y + mask.height + reach, left : mask.x + mask.width + reach]
    outside = np.ones(window.shape, np.uint8)
    rows = slice(mask.y - top, mask.y - top + mask.height)
    outside[rows, mask.x - left : mask.x - left + mask.width] = ~mask.crop
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5)
    line = np.minimum(np.ceil(distance), reach + 1).astype(np.int64).ravel()
    means = np.bincount(line, window.ravel(), reach + 2) / np.maximum(
        np.bincount(line, minlength=reach + 2), 1
    )
    darkest = 1 + int(means[1 : reach + 1].argmin())
    grown = Mask.from_array(distance < darkest, left, top)
    return grown or mask, float(means[0] - means[darkest])


def _reduced(mask: Mask, scale: int) -> Mask:
    """The mask of an enlarged picture in the picture itself."""
    left, top = mask.x % scale, mask.y % scale
    below, right = -(top + mask.height) % scale, -(left + mask.width) % scale
    aligned = np.pad(mask.crop, ((top, below), (left, right)))[scale // 2 :: scale, scale // 2 :: scale]
    scores = {"predicted_iou": 0.0, "stability_score": 0.0}
    return Mask.from_array(aligned, mask.x // scale, mask.y // scale, **scores) or mask
