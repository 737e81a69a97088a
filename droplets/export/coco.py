"""Masks in the forms that COCO tools read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from droplets.types import Mask


def rle(mask: Mask, width: int, height: int) -> dict[str, object]:
    """COCO compressed RLE of the mask in a picture of `width` x `height` pixels.

    The run lengths are computed from the crop, so that no mask of the picture's size is made.

    Returns:
        {"size": [height, width], "counts": ASCII string}.
    """
    padded = np.pad(mask.crop, ((1, 1), (0, 0))).astype(np.int8)
    steps = np.diff(padded, axis=0).T  # width x (height + 1): 1 where a column's run begins, -1 after its end
    column, row = np.nonzero(steps)
    ends = (column + mask.x) * height + row + mask.y
    joined = np.flatnonzero(ends[1:-1:2] == ends[2::2])  # runs that go on at the top of the next column
    ends = np.delete(ends, np.concatenate([2 * joined + 1, 2 * joined + 2]))
    counts = np.diff(np.concatenate([[0], ends, [width * height]]))
    if counts[-1] == 0:
        counts = counts[:-1]
    packed = coco_mask.frPyObjects({"size": [height, width], "counts": counts.tolist()}, height, width)
    return {"size": [height, width], "counts": packed["counts"].decode("ascii")}


def polygons(mask: Mask) -> list[list[float]]:
    """Outer outlines of the mask's parts as [x0, y0, x1, y1, ...] through the border pixels' centres."""
    contours, _ = cv2.findContours(
        mask.crop.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=(mask.x, mask.y)
    )
    return [[float(value) for value in contour.ravel()] for contour in contours]


def mask_from_rle(segmentation: Mapping[str, Any]) -> Mask | None:
    """The mask of a COCO compressed RLE as `rle` gives it; None if it has no pixels."""
    packed = {"size": segmentation["size"], "counts": segmentation["counts"].encode("ascii")}
    left, top, width, height = coco_mask.toBbox(packed).astype(int)
    if width == 0 or height == 0:
        return None
    full = coco_mask.decode(packed)
    return Mask(int(left), int(top), full[top : top + height, left : left + width].astype(bool))
