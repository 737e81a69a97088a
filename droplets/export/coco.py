"""Masks in the forms that COCO tools read.

COCO's coordinates are pixel corners, as in outlines.py, and its boxes are XYWH of the pixels. Ids
begin at 1, because pycocotools' evaluation takes an id of 0 for "no match".
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from droplets.analysis import Analysis
from droplets.export.figures import rows
from droplets.export.kinds import NUMBERS
from droplets.export.outlines import outlines
from droplets.types import Image, Mask

IMAGE_ID = 1

Ints = NDArray[np.int64]


def coco_json(image: Image, analysis: Analysis, *, name: str) -> str:
    """COCO data set of one picture: info, images, categories and annotations.

    An annotation's id is the object's id + 1, its segmentation compressed RLE, exact with holes and
    parts. All figures of the object stand under "droplet", by the names of figures.COLUMNS.

    Arguments:
        name: of the picture's file, given as its `file_name`.
    """
    packed = rles([droplet.mask for droplet in analysis.droplets], image.width, image.height)
    annotations = [
        {
            "id": number + 1,
            "image_id": IMAGE_ID,
            "category_id": NUMBERS[droplet.kind],
            "segmentation": segmentation,
            "area": droplet.mask.area,
            "bbox": droplet.mask.box,
            "iscrowd": 0,
            "droplet": figures,
        }
        for number, (droplet, segmentation, figures) in enumerate(
            zip(analysis.droplets, packed, rows(analysis), strict=True)
        )
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

    Returns:
        {"size": [height, width], "counts": ASCII string}.
    """
    return rles([mask], width, height)[0]


def rles(masks: Sequence[Mask], width: int, height: int) -> list[dict[str, object]]:
    """COCO compressed RLE of each mask, as `rle` gives it.

    Run lengths are computed from the crops, so that no mask of the picture's size is made, and those of all
    masks are written at once.
    """
    if not masks:
        return []
    steps = [_steps(mask, width, height) for mask in masks]
    text, lengths = _written(np.concatenate(steps))
    ends = np.cumsum(np.add.reduceat(lengths, np.cumsum([0, *(own.size for own in steps[:-1])]))).tolist()
    return [
        {"size": [height, width], "counts": text[first:last]}
        for first, last in itertools.pairwise([0, *ends])
    ]


def _steps(mask: Mask, width: int, height: int) -> Ints:
    """Lengths of the runs, column by column; from the fourth on less that of the last of the same value."""
    inside = np.zeros((mask.width * (mask.height + 1) + 1), np.bool_)
    inside[:-1].reshape(mask.width, mask.height + 1)[:, 1:] = mask.crop.T
    column, row = np.divmod(np.flatnonzero(inside[1:] != inside[:-1]), mask.height + 1)
    ends = (column + mask.x) * height + row + mask.y
    if mask.height == height:  # runs that go on at the top of the next column
        joined = np.flatnonzero(ends[1:-1:2] == ends[2::2])
        ends = np.delete(ends, np.concatenate([2 * joined + 1, 2 * joined + 2]))
    counts = np.diff(ends, prepend=0, append=width * height)
    if counts[-1] == 0:
        counts = counts[:-1]
    return np.concatenate([counts[:3], counts[3:] - counts[1:-2]])


def _written(numbers: Ints) -> tuple[str, Ints]:
    """Whole numbers as rleToString of COCO's maskApi.c writes them, and how many characters each takes.

    Groups of five bits, the lowest first, each as a character from "0" on; its sixth bit says that more
    follow, of which the last one gives the sign.
    """
    left, more = numbers, np.ones(numbers.shape, np.bool_)
    characters, used = [], []
    while more.any():
        used.append(more)
        group, left = left & 0x1F, left >> 5
        more = more & (left != np.where(group & 0x10, -1, 0))
        characters.append((group + np.where(more, 0x20, 0) + ord("0")).astype(np.uint8))
    taken = np.stack(used, axis=1)
    return np.stack(characters, axis=1)[taken].tobytes().decode("ascii"), taken.sum(axis=1)


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
