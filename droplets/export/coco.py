"""Masks in the forms that COCO tools read.

COCO's coordinates are pixel corners, as in outlines.py, and its boxes are XYWH of the pixels. Ids
begin at 1, because pycocotools' evaluation takes an id of 0 for "no match".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from droplets.export.figures import rows
from droplets.export.kinds import NUMBERS
from droplets.export.outlines import outlines
from droplets.types import Analysis, Image, Mask

IMAGE_ID = 1


def coco_json(image: Image, analysis: Analysis, *, name: str) -> str:
    """COCO data set of one picture: info, images, categories and annotations.

    An annotation's id is the object's id + 1, its segmentation compressed RLE, exact with holes and
    parts. All figures of the object stand under "droplet", by the names of figures.COLUMNS.

    Arguments:
        name: of the picture's file, given as its `file_name`.
    """
    annotations = [
        {
            "id": number + 1,
            "image_id": IMAGE_ID,
            "category_id": NUMBERS[droplet.kind],
            "segmentation": rle(droplet.mask, image.width, image.height),
            "area": droplet.mask.area,
            "bbox": droplet.mask.box,
            "iscrowd": 0,
            "droplet": figures,
        }
        for number, (droplet, figures) in enumerate(zip(analysis.droplets, rows(analysis), strict=True))
    ]
    picture = {"id": IMAGE_ID, "file_name": name, "width": image.width, "height": image.height}
    data_set = {
        "info": {"description": f"Droplets in {name}"},
        "images": [picture],
        "categories": [
            {"id": number, "name": kind, "supercategory": "object"} for kind, number in NUMBERS.items()
        ],
        "annotations": annotations,
    }
    return json.dumps(data_set, separators=(",", ":"), allow_nan=False)


def rle(mask: Mask, width: int, height: int) -> dict[str, object]:
    """COCO compressed RLE of the mask in a picture of `width` x `height` pixels.

    The run lengths are computed from the crop, so that no mask of the picture's size is made.

    Returns:
        {"size": [height, width], "counts": ASCII string}.
    """
    padded = np.zeros((mask.height + 2, mask.width), np.int8)
    padded[1:-1] = mask.crop
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
    """Outer outlines of the mask's parts as [x0, y0, x1, y1, ...] along the outer edges of their pixels.

    pycocotools fills them to just the pixels of the mask, and to those of its holes, which COCO's
    polygons cannot have; the RLE has them.
    """
    return [part[0].ravel().astype(float).tolist() for part in outlines(mask)]


def mask_from_rle(segmentation: Mapping[str, Any]) -> Mask | None:
    """The mask of a COCO compressed RLE as `rle` gives it; None if it has no pixels."""
    packed = {"size": segmentation["size"], "counts": segmentation["counts"].encode("ascii")}
    left, top, width, height = coco_mask.toBbox(packed).astype(int)
    if width == 0 or height == 0:
        return None
    full = coco_mask.decode(packed)
    return Mask(int(left), int(top), full[top : top + height, left : left + width].astype(bool))
