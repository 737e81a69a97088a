"""What a person drew: outlines that become objects just as they are, and what they hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.boundaries.contours import clip
from droplets.contents.settings import ContentSettings
from droplets.errors import BadRequest
from droplets.objects.boxes import Boxes, boxes_of
from droplets.objects.polygons import box_within, crosses_itself, filled
from droplets.types import Boundary, Box, Droplet, Kind, Mask

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CIRCLE_CORNERS = 256
FARTHEST = 10**6  # pixels from the picture's corner
MOST_OFTEN = 4  # that outlines together may cover a picture
SMALL_PICTURE = 2**22  # pixels up to which time is no matter
BY_HAND = "it was drawn by hand"


def checked_shapes(
    shapes: Sequence[Sequence[float] | Sequence[Sequence[float]]], region: Box
) -> list[Boundary]:
    """Masks and contours of outlines, in the region, cut where they reach beyond it.

    Arguments:
        shapes: circles (x, y, radius) and polygons of corners (x, y), in pixels of the picture.
        region: XYWH in the picture.

    Raises:
        BadRequest: an outline has less than a pixel in the region or crosses itself, or all are far larger
            than the picture; it says which one it is.
    """
    x, y, width, height = region
    contours = [_contour(shape) - (x, y) for shape in shapes]
    for i, contour in enumerate(contours):
        if np.abs(contour).max() > FARTHEST:
            raise BadRequest(f"options.drawn.{i} reaches further than {FARTHEST} pixels.")
    boxes = [box_within(contour, width, height) for contour in contours]
    work = sum(box[3] * (box[2] + len(contour)) for box, contour in zip(boxes, contours, strict=True))
    if work > MOST_OFTEN * max(width * height, SMALL_PICTURE):
        raise BadRequest("options.drawn: together the outlines are far larger than the picture; send fewer.")
    return [_boundary(i, contour, width, height) for i, contour in enumerate(contours)]


def _contour(shape: Sequence[float] | Sequence[Sequence[float]]) -> Floats:
    """Kx2 (x, y) corners; a circle's polygon has its area."""
    corners = np.array(shape, np.float64)
    if corners.ndim > 1:
        return corners
    turn = 2 * np.pi / CIRCLE_CORNERS
    radius = corners[2] * np.sqrt(turn / np.sin(turn))
    angles = turn * np.arange(CIRCLE_CORNERS)
    return np.asarray(corners[:2] + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1))


def _boundary(i: int, contour: Floats, width: int, height: int) -> Boundary:
    """The outline `i` in a picture of `width` x `height` pixels; nobody knows how far off it is."""
    mask = filled(contour, width, height)
    within = clip(contour, width, height) if mask else contour[:0]
    if mask is None or cv2.contourArea((within - within[0]).astype(np.float32)) < 1:
        raise BadRequest(f"options.drawn.{i} has less than a pixel in the picture (or the roi).")
    if len(contour) < CIRCLE_CORNERS and crosses_itself(contour):
        raise BadRequest(f"options.drawn.{i} crosses itself.")
    return Boundary(replace(mask, found_by="hand"), within, kept_because=BY_HAND)


def with_drawn(
    droplets: Sequence[Droplet],
    drawn: Sequence[Droplet],
    going: Collection[Mask],
    outer: Kind,
    how: ContentSettings = ContentSettings(),
) -> list[Droplet]:
    """The droplets and those that were drawn, largest area first, `parent` indexing the new list.

    A drawn one whose centre lies in a larger droplet is that one's content. Else it is of the kind `outer`;
    if that is a droplet, whatever is smaller and has its centre in it is its content.

    Arguments:
        droplets: any number.
        drawn: without parents.
        going: masks of droplets that are about to be left out: they contain nothing that was drawn.
        outer: kind of a drawn one that lies in no other one.
        how: the contents' settings, by which a bead is told from a droplet in a droplet.
    """
    if not drawn:
        return list(droplets)
    everything = [*droplets, *drawn]
    order = sorted(range(len(everything)), key=lambda i: -everything[i].mask.area)
    position = {old: new for new, old in enumerate(order)}
    boxes = boxes_of([everything[i].mask for i in order])
    outermost, by_hand = np.zeros(len(order), bool), np.zeros(len(order), bool)
    placed: list[Droplet] = []
    for new, old in enumerate(order):
        one, is_drawn = everything[old], old >= len(droplets)
        around = _around(one.mask, placed, boxes, outermost if is_drawn else outermost & by_hand)
        if is_drawn:
            one = replace(one, parent=around, kind=_kind(one, placed, around, outer, how))
        elif around is not None:
            one = replace(one, parent=around)
        elif one.parent is not None:
            one = replace(one, parent=position[one.parent])
        placed.append(one)
        outermost[new] = one.parent is None and one.kind == "droplet" and one.mask not in going
        by_hand[new] = is_drawn
    return placed


def _around(mask: Mask, larger: Sequence[Droplet], boxes: Boxes, wanted: Bools) -> int | None:
    """Index of the largest of the wanted droplets in which the mask's centre lies."""
    x, y = np.rint(mask.centroid)
    left, top, right, bottom = boxes
    near = np.flatnonzero(wanted & (left <= x) & (x < right) & (top <= y) & (y < bottom))
    return next((i for i in near.tolist() if larger[i].mask.covers((x, y))), None)


def _kind(
    one: Droplet, placed: Sequence[Droplet], around: int | None, outer: Kind, how: ContentSettings
) -> Kind:
    if around is None:
        return outer
    share = one.shape.equivalent_diameter / placed[around].shape.equivalent_diameter
    return "droplet" if share > how.bead_in_droplet else "bead"
