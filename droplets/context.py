"""What lies around single objects: edges and beads are told by how the droplets nearby look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from scipy.spatial import KDTree

from droplets.contents.beads import Bead
from droplets.objects.boxes import boxes_of, overlapping
from droplets.tuning import tuned
from droplets.types import Mask


@dataclass(frozen=True)
class Around:
    """How many masks around those asked for are looked at too."""

    nearest: int = tuned(50, "masks", "whose edges and interiors are looked at", "bounds time")
    telling: int = tuned(
        400, "masks", "that tell what edges the picture has and where neighbours lie", "bounds time"
    )


def masks_around(masks: Sequence[Mask], everything: Sequence[Mask], how: Around = Around()) -> list[Mask]:
    """The nearest masks of a picture, but for those that show a pixel of `masks`; nearest first.

    What shows a pixel may be the same object.
    """
    if not masks or not everything:
        return []
    boxes = boxes_of(everything)
    shared = {i for mask in masks for i in overlapping(boxes, mask) if everything[i].intersection(mask)}
    own = boxes_of(masks)
    distance, _ = KDTree((own[:2] + own[2:]).T / 2).query((boxes[:2] + boxes[2:]).T / 2)
    nearest = (i for i in np.argsort(distance, kind="stable").tolist() if i not in shared)
    return [everything[i] for i in islice(nearest, how.telling)]


def beads_within(beads: Sequence[Bead], masks: Sequence[Mask], width: int, height: int) -> list[Bead]:
    """The beads whose centres lie in one of the masks, in a picture of `width` x `height` pixels."""
    inside = np.zeros((height, width), bool)
    for mask in masks:
        mask.paint(inside, True)
    centres = np.rint([bead.mask.centroid for bead in beads]).astype(int).reshape(-1, 2)
    return [bead for bead, (x, y) in zip(beads, centres.tolist(), strict=True) if inside[y, x]]
