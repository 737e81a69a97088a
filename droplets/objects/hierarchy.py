"""Who contains whom: one mask an object, and what lies in a droplet as its child."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from droplets.objects.boxes import boxes_of, overlapping_pairs
from droplets.objects.measure import circularity
from droplets.objects.settings import ObjectSettings
from droplets.types import Mask

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Node:
    """A mask, and the index of the node that contains it."""

    mask: Mask
    parent: int | None


@dataclass(frozen=True, eq=False)
class _Overlaps:
    """Masks in order, and the pixels that they have in common.

    Attributes:
        masks: N, largest first.
        common: N, the masks whose boxes overlap that of each: indices in order, and the common pixels.
        how: the stage's settings.
    """

    masks: Sequence[Mask]
    common: Sequence[Mapping[int, int]]
    how: ObjectSettings

    @classmethod
    def of(cls, masks: Sequence[Mask], how: ObjectSettings) -> _Overlaps:
        """Of all pairs of masks."""
        common: list[dict[int, int]] = [{} for _ in masks]
        for i, j in overlapping_pairs(boxes_of(masks)).tolist():
            common[i][j] = common[j][i] = masks[i].intersection(masks[j])
        return cls(masks, common, how)

    def within(self, outer: int) -> list[int]:
        """The smaller masks that a mask contains."""
        shared = self.common[outer].items()
        return [j for j, both in shared if j > outer and both >= self.how.contained * self.masks[j].area]

    def without(self, dropped: Bools) -> _Overlaps:
        """Those of the masks that are not dropped."""
        position = (np.cumsum(~dropped) - 1).tolist()
        kept = np.flatnonzero(~dropped).tolist()
        return _Overlaps(
            [self.masks[i] for i in kept],
            [{position[j]: both for j, both in self.common[i].items() if not dropped[j]} for i in kept],
            self.how,
        )


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Nodes by area, largest first, and the numbers of masks left out."""

    nodes: list[Node]
    duplicates: int
    clumps: int
    background: int


def build_hierarchy(
    masks: Sequence[Mask], width: int, height: int, how: ObjectSettings = ObjectSettings()
) -> Hierarchy:
    """One node an object, for the masks of a picture of `width` x `height` pixels.

    A mask that reaches from one border to the opposite one shows the background, not an object; so
    does a large one that holds most of the others, such as a round well or the field of view.

    Of masks that show the same object the larger one stays if it contains the other (an inner rim
    is part of its droplet), else the one of the higher predicted IoU.
    Clumps go first: one of two droplets would else take its larger droplet for an inner rim.
    Where a mask's finder knows whether it lies in another object, that holds: it is no container and no
    clump, and an inner droplet is an object of its own.
    The result does not depend on the order of the masks.
    """
    foreground = [mask for mask in masks if not mask.spans(width, height)]
    foreground = _without_containers(foreground, how.container * width * height, how)
    ordered = sorted(foreground, key=lambda m: (-m.area, -m.predicted_iou, -m.stability_score, m.y, m.x))
    overlaps = _Overlaps.of(ordered, how)
    single = overlaps.without(_clumps(overlaps))
    objects = single.without(_duplicates(single))
    nodes = [Node(mask, parent) for mask, parent in zip(objects.masks, _parents(objects), strict=True)]
    return Hierarchy(
        nodes,
        duplicates=len(single.masks) - len(nodes),
        clumps=len(ordered) - len(single.masks),
        background=len(masks) - len(ordered),
    )


def _without_containers(masks: Sequence[Mask], largest: float, how: ObjectSettings) -> list[Mask]:
    """Without masks of more than `largest` pixels that hold most of the smaller ones."""
    small = [mask for mask in masks if mask.area <= largest]
    return [
        mask
        for mask in masks
        if mask.area <= largest
        or mask.inner is not None
        or sum(_contains(mask, other, how) for other in small) < max(how.crowd, len(small) / 2)
    ]


def _duplicates(overlaps: _Overlaps) -> Bools:
    """Which masks show the same object as one that stays."""
    how = overlaps.how
    dropped = np.zeros(len(overlaps.masks), bool)
    for i, mask in enumerate(overlaps.masks):
        if dropped[i]:
            continue
        for j, both in overlaps.common[i].items():
            if j <= i or dropped[j]:
                continue
            other = overlaps.masks[j]
            nested = None not in (mask.inner, other.inner) and (mask.inner or other.inner)
            if both >= how.contained * other.area and other.area > how.same_object * mask.area and not nested:
                dropped[j] = True
            elif both >= (how.twin if nested else how.same_iou) * (mask.area + other.area - both):
                loser = i if mask.predicted_iou < other.predicted_iou else j
                dropped[loser] = True
                if loser == i:
                    break
    return dropped


def _clumps(overlaps: _Overlaps) -> Bools:
    """Which masks show several objects: smallest first, so that a clump is no part of a larger one."""
    masks, how = overlaps.masks, overlaps.how
    clump = np.zeros(len(masks), bool)
    for i in reversed(range(len(masks))):
        mask = masks[i]
        if mask.inner is not None:
            continue
        parts: list[int] = []
        for j in overlaps.within(i):
            if clump[j]:
                continue
            clump[i] |= _is_droplet_and_more(mask, masks[j], how)
            if all(_side_by_side(masks[j], masks[k]) for k in parts if k in overlaps.common[j]):
                parts.append(j)
        covered = sum(masks[j].area for j in parts)
        clump[i] |= len(parts) > 1 and covered >= how.clump * mask.area and circularity(mask) < how.round
    return clump


def _is_droplet_and_more(mask: Mask, part: Mask, how: ObjectSettings) -> bool:
    """Whether a mask shows a round part off its centre and something beside it."""
    if part.area <= how.part * mask.area:
        return False
    radius = math.sqrt(mask.area / math.pi)
    return math.dist(mask.centroid, part.centroid) > how.off_centre * radius and circularity(
        mask
    ) < how.round <= circularity(part)


def _parents(overlaps: _Overlaps) -> list[int | None]:
    """Index of the outermost mask that contains each one: a bead's rim belongs to the droplet too."""
    how = overlaps.how
    parents: list[int | None] = []
    for i, mask in enumerate(overlaps.masks):
        least = (how.held if mask.inner else how.contained) * mask.area
        around = (j for j, both in overlaps.common[i].items() if j < i and both >= least)
        parents.append(next((j for j in around if parents[j] is None), None))
    return parents


def _side_by_side(mask: Mask, other: Mask) -> bool:
    """Whether neither one's centroid lies in the other: not a rim, a bead or a duplicate of it."""
    return not (mask.covers(other.centroid) or other.covers(mask.centroid))


def _contains(outer: Mask, inner: Mask, how: ObjectSettings) -> bool:
    return outer.intersection(inner) >= how.contained * inner.area
