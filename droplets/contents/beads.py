"""Beads and cells: objects of a few pixels, which the model's frame is too coarse for.

A bead that glows, alone on a dark ground or in colour over a grey picture, stands out from all else in the
picture. Where nothing glows, a bead is what a droplet's interior holds that the others' do not
(droplets/contents/blobs.py), and what the network sees there too (droplets/contents/evidence.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from droplets.contents.blobs import find_blobs
from droplets.contents.evidence import probability
from droplets.contents.flooding import Labels, flood
from droplets.contents.interiors import Plane
from droplets.contents.settings import ContentSettings
from droplets.noise import white_noise
from droplets.objects.boxes import surroundings
from droplets.objects.measure import equivalent_diameter, shape, touches_border
from droplets.types import Image, InnerHeat, Mask

OBJECT = 0.5
"""Probability from which a blob is an object."""
CONTRAST: Final = 1.5 * np.eye(3) - 0.5
"""From the channels to each of them less the mean of the others."""


@dataclass(frozen=True, eq=False)
class Bead:
    """A bead or cell.

    Attributes:
        mask: the pixels of at least half its height over what is around.
        confidence: that there is an object, 0 to 1; one half at the faintest that is reported.
        glows: it is an object on a dark ground, also outside droplets.
    """

    mask: Mask
    confidence: float
    glows: bool


def find_beads(
    image: Image,
    droplets: Sequence[Mask],
    how: ContentSettings = ContentSettings(),
    inner: InnerHeat | None = None,
) -> list[Bead]:
    """Beads and cells of a picture.

    Arguments:
        image: the picture.
        droplets: masks of the outermost objects found so far; these may be beads themselves.
        how: the stage's settings.
        inner: where the network sees something in objects; None where it was not asked.
    """
    colour = _colour(image.pixels, how)
    plane = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) if colour is None else colour
    if not _dark_ground(plane, how):
        return _within(plane, droplets, how, inner)
    ground = _ground(plane)
    shining = [mask for mask in droplets if _shines(plane, ground, mask, how)]
    return _apart_from(shining, _glowing(plane, how), plane.shape, how) + _within(plane, shining, how, inner)


def _shines(plane: Plane, ground: float, mask: Mask, how: ContentSettings) -> bool:
    """Whether light comes from all along a droplet's edge: it glows itself, or has a bright rim.

    From the edge of one that holds a bead in the dark comes no more than scattered light.
    """
    light = plane[mask.y : mask.y + mask.height, mask.x : mask.x + mask.width] - ground
    depth = _distance(np.pad(mask.crop, 1))[1:-1, 1:-1]
    return bool(light[mask.crop & (depth <= _rim(mask, how))].mean() > how.faint * light[mask.crop].max())


def _apart_from(
    shining: Sequence[Mask], beads: Sequence[Bead], size: tuple[int, int], how: ContentSettings
) -> list[Bead]:
    """The beads but for what is just a piece of the light of droplets that shine.

    Arguments:
        size: (height, width) of the picture.
    """
    margin = max((_rim(mask, how) for mask in shining), default=0)
    least = np.zeros((size[0] + 2 * margin, size[1] + 2 * margin), np.float32)
    for mask in shining:
        rim = _rim(mask, how)
        around = _distance(~np.pad(mask.crop, rim)) <= rim
        away = margin - rim
        Mask(mask.x + away, mask.y + away, around).paint(least, mask.area / how.same_bead)
    places = np.rint([bead.mask.centroid for bead in beads]).astype(int).reshape(-1, 2) + margin
    return [
        bead for bead, (x, y) in zip(beads, places.tolist(), strict=True) if bead.mask.area >= least[y, x]
    ]


def _rim(mask: Mask, how: ContentSettings) -> int:
    """Pixels on both sides of a droplet's edge in which its rim lies."""
    return max(1, round(how.rim * equivalent_diameter(mask.area) / 2))


def _distance(full: NDArray[np.bool_]) -> Plane:
    """HxW pixels to the nearest one that is not full."""
    return np.asarray(cv2.distanceTransform(full.astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def _ground(plane: Plane) -> float:
    """The level that most of a picture with a dark ground has."""
    return float(np.median(plane[::3, ::3]))


def _is_cut_clump(mask: Mask, width: int, height: int, how: ContentSettings) -> bool:
    """Whether the mask shows several droplets that the border cuts off; oil between them looks like a bead.

    The border leaves a convex part of a single one. Clumps within the picture go with what was found in them.
    """
    return touches_border(mask, width, height) and shape(mask).solidity < how.convex


def _colour(pixels: NDArray[np.uint8], how: ContentSettings) -> Plane | None:
    """HxW by how much the most colourful channel exceeds the mean of the others; None in a grey picture."""
    if cv2.transform(pixels, CONTRAST).max() < how.colourful:  # in uint8: sooner, and most are grey
        return None
    contrasts = cv2.split(cv2.transform(pixels.astype(np.float32), CONTRAST))
    strongest = max(contrasts, key=lambda contrast: float(contrast.max()))
    # Over 5x5 pixels, in which the coloured fringes of smoothed lettering cancel.
    return np.asarray(strongest, np.float32) if cv2.blur(strongest, (5, 5)).max() >= how.colourful else None


def _dark_ground(plane: Plane, how: ContentSettings) -> bool:
    """Whether most of HxW `plane` is as dark as its darkest parts and few objects are brighter."""
    darkest, ground = np.quantile(plane[::3, ::3], [0.01, 0.5])
    top = float(plane.max())
    return bool(
        ground - darkest <= how.faint * (top - ground)
        and np.mean(plane > _faintest(plane, how)) <= how.most_glowing
    )


def _faintest(plane: Plane, how: ContentSettings) -> float:
    """Level over which a pixel belongs to an object on a dark ground."""
    ground = _ground(plane)
    height = float(plane.max()) - ground
    return ground + max(how.ground_noises * white_noise(plane), how.faint * height, how.least_glow)


def _glowing(plane: Plane, how: ContentSettings) -> list[Bead]:
    """Bright objects on the dark ground of HxW `plane`, those that touch split."""
    ground = _ground(plane)
    labels, count = _components(plane > _faintest(plane, how))
    heights = ndimage.maximum(plane, labels, np.arange(count + 1)) - ground
    heights[0] = np.inf
    upper = plane - ground >= 0.5 * heights[labels]
    labels, count = _components(upper)
    if not count:
        return []
    radius = float(np.sqrt(np.median(np.bincount(labels[upper])[1:]) / np.pi))
    depth = _distance(upper)
    depth = cv2.GaussianBlur(depth, (0, 0), max(0.5, how.smoothing * radius))
    size = 2 * max(1, int(how.separation * radius)) + 1
    centres, _ = _components((depth == cv2.dilate(depth, np.ones((size, size), np.uint8))) & upper)
    masks = _masks(flood(-depth, centres, upper))
    return [Bead(mask, 1.0, glows=True) for mask in masks if mask.area >= np.pi * (how.speck * radius) ** 2]


def _within(
    grey: Plane, droplets: Sequence[Mask], how: ContentSettings, inner: InnerHeat | None
) -> list[Bead]:
    """What stands out in the droplets of HxW `grey`, in those that have room for it."""
    height, width = grey.shape
    droplets = [
        mask
        for mask in droplets
        if mask.area >= how.smallest_droplet and not _is_cut_clump(mask, width, height, how)
    ]
    if not droplets:
        return []
    x, y, width, height = surroundings(droplets, grey.shape[1], grey.shape[0])
    grey = grey[y : y + height, x : x + width]
    blobs = find_blobs(grey, [droplet.moved(-x, -y) for droplet in droplets], how)
    if blobs is None:
        return []
    likely = probability(blobs, inner and inner.moved(-x, -y), how)
    blobs, likely = blobs.take(likely > OBJECT), likely[likely > OBJECT]
    if not blobs.x.size:
        return []
    centres = np.zeros(grey.shape, np.int32)
    centres[blobs.y, blobs.x] = np.arange(1, blobs.x.size + 1)
    half = np.concatenate([[np.inf], blobs.significance / 2])
    labels = flood(-blobs.response, centres, blobs.response >= half.min())
    labels = np.where(blobs.response >= half[labels], labels, 0)
    return [
        Bead(mask.moved(x, y), sure, glows=False)
        for mask, sure in zip(_masks(labels), likely.tolist(), strict=True)
    ]


def _components(full: NDArray[np.bool_]) -> tuple[Labels, int]:
    """HxW labels of the 8-connected parts from 1, and their number."""
    count, labels = cv2.connectedComponents(full.astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32), int(count) - 1


def _masks(labels: Labels) -> list[Mask]:
    """A mask a label, in their order."""
    masks = [
        Mask.from_array(labels[box] == i, int(box[1].start), int(box[0].start), found_by="contents")
        for i, box in enumerate(ndimage.find_objects(labels), start=1)
        if box is not None
    ]
    return [mask for mask in masks if mask is not None]
