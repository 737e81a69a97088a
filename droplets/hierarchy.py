"""Who contains whom: one mask an object, and what lies in a droplet as its child."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from droplets.boxes import boxes_of, overlapping
from droplets.measure import ROUND, shape
from droplets.types import Mask

CONTAINED = 0.9
"""Part of a mask's pixels that must lie in another one for it to count as contained."""
SAME_OBJECT = 0.4
"""A contained mask larger than this part of its container shows the same object."""
SAME_IOU = 0.6
"""Two masks of at least this IoU show the same object."""
CLUMP = 0.5
"""A mask of which two or more others, side by side, cover this part shows a clump, not an object,
unless it is round: a droplet that is full of beads stays."""
PART = 0.2
"""A round mask of more than this part of one that is not, off its centre, is a droplet of a clump."""
OFF_CENTRE = 0.2
"""An inner rim lies in the middle of its droplet, within this part of the radius."""
CONTAINER = 0.25
"""A mask of more than this part of the picture that holds most of all masks is no droplet,"""
CROWD = 10
"""if there are at least so many in it: it is a well, a channel or the microscope's field of view."""


@dataclass(frozen=True, eq=False)
class Node:
    """A mask, and the index of the node that contains it."""

    mask: Mask
    parent: int | None


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Nodes by area, largest first, and the numbers of masks left out."""

    nodes: list[Node]
    duplicates: int
    clumps: int
    background: int


def build_hierarchy(masks: Sequence[Mask], width: int, height: int) -> Hierarchy:
    """One node an object, for the masks of a picture of `width` x `height` pixels.

    A mask that reaches from one border to the opposite one shows the background, not an object; so
    does a large one that holds most of the others, such as a round well or the field of view.

    Of masks that show the same object the larger one stays if it contains the other (an inner rim
    is part of its droplet), else the one of the higher predicted IoU.
    Clumps go first: one of two droplets would else take its larger droplet for an inner rim.
    The result does not depend on the order of the masks.
    """
    foreground = [mask for mask in masks if not mask.spans(width, height)]
    foreground = _without_containers(foreground, CONTAINER * width * height)
    ordered = sorted(foreground, key=lambda m: (-m.area, -m.predicted_iou, -m.stability_score, m.y, m.x))
    single = _without_clumps(ordered)
    objects = _without_duplicates(single)
    parents = _parents(objects)
    nodes = [Node(mask, parent) for mask, parent in zip(objects, parents, strict=True)]
    return Hierarchy(
        nodes,
        duplicates=len(single) - len(objects),
        clumps=len(ordered) - len(single),
        background=len(masks) - len(ordered),
    )


def _without_containers(masks: Sequence[Mask], largest: float) -> list[Mask]:
    """Without masks of more than `largest` pixels that hold most of the smaller ones."""
    small = [mask for mask in masks if mask.area <= largest]
    return [
        mask
        for mask in masks
        if mask.area <= largest or sum(_contains(mask, other) for other in small) < max(CROWD, len(small) / 2)
    ]


def _without_duplicates(ordered: Sequence[Mask]) -> list[Mask]:
    boxes = boxes_of(ordered)
    dropped = np.zeros(len(ordered), bool)
    for i, mask in enumerate(ordered):
        if dropped[i]:
            continue
        for j in overlapping(boxes, mask):
            if j <= i or dropped[j]:
                continue
            other = ordered[j]
            both = mask.intersection(other)
            if both >= CONTAINED * other.area and other.area > SAME_OBJECT * mask.area:
                dropped[j] = True
            elif both >= SAME_IOU * (mask.area + other.area - both):
                loser = i if mask.predicted_iou < other.predicted_iou else j
                dropped[loser] = True
                if loser == i:
                    break
    return [mask for mask, drop in zip(ordered, dropped, strict=True) if not drop]


def _without_clumps(ordered: Sequence[Mask]) -> list[Mask]:
    """Smallest first, so that a clump is no part of a larger one."""
    boxes = boxes_of(ordered)
    clump = np.zeros(len(ordered), bool)
    for i in reversed(range(len(ordered))):
        mask = ordered[i]
        parts: set[int] = set()
        for j in overlapping(boxes, ordered[i]):
            if j <= i or clump[j] or not _contains(mask, ordered[j]):
                continue
            clump[i] |= _is_droplet_and_more(mask, ordered[j])
            if all(
                _side_by_side(ordered[j], ordered[k]) for k in overlapping(boxes, ordered[j]) if k in parts
            ):
                parts.add(j)
        covered = sum(ordered[j].area for j in parts)
        clump[i] |= len(parts) > 1 and covered >= CLUMP * mask.area and shape(mask).circularity < ROUND
    return [mask for mask, drop in zip(ordered, clump, strict=True) if not drop]


def _is_droplet_and_more(mask: Mask, part: Mask) -> bool:
    """Whether a mask shows a round part off its centre and something beside it."""
    if part.area <= PART * mask.area:
        return False
    radius = math.sqrt(mask.area / math.pi)
    return (
        math.dist(mask.centroid, part.centroid) > OFF_CENTRE * radius
        and shape(mask).circularity < ROUND <= shape(part).circularity
    )


def _parents(ordered: Sequence[Mask]) -> list[int | None]:
    """Index of the outermost mask that contains each one: a bead's rim belongs to the droplet too."""
    boxes = boxes_of(ordered)
    parents: list[int | None] = []
    for i, mask in enumerate(ordered):
        around = (j for j in overlapping(boxes, mask) if j < i and parents[j] is None)
        parents.append(next((j for j in around if _contains(ordered[j], mask)), None))
    return parents


def _side_by_side(mask: Mask, other: Mask) -> bool:
    """Whether neither one's centroid lies in the other: not a rim, a bead or a duplicate of it."""
    return not (mask.covers(other.centroid) or other.covers(mask.centroid))


def _contains(outer: Mask, inner: Mask) -> bool:
    return outer.intersection(inner) >= CONTAINED * inner.area
