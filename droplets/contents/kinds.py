"""What each object is: droplet, bead or other, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from droplets.contents.beads import Bead
from droplets.contents.settings import ContentSettings
from droplets.objects.hierarchy import Node
from droplets.objects.measure import circularity, equivalent_diameter, touches_border
from droplets.objects.population import are_alike, typical_area
from droplets.objects.settings import ObjectSettings
from droplets.types import Kind, Mask

GUESSED = "what glows may be droplets or beads: options.objects says which"


@dataclass(frozen=True, eq=False)
class Classified:
    """An object.

    Attributes:
        mask: where it is.
        kind: what it is.
        parent: index, in the list it stands in, of the droplet that contains it.
        confidence: that it is of this kind, 0 to 1.
    """

    mask: Mask
    kind: Kind
    parent: int | None
    confidence: float


@dataclass(frozen=True, eq=False)
class Kinds:
    """Objects by area, largest first, how many beads are among them, and how many masks those replaced.

    And whether it is a guess that all of them are beads, or droplets.
    """

    objects: list[Classified]
    beads: int
    replaced: int
    guessed: bool = False


@dataclass(frozen=True)
class _Scene:
    """The picture's size in pixels, and the settings by which its objects are judged."""

    width: int
    height: int
    how: ContentSettings
    sizes: ObjectSettings


def classify(
    nodes: Sequence[Node],
    beads: Sequence[Bead],
    width: int,
    height: int,
    how: ContentSettings = ContentSettings(),
    sizes: ObjectSettings = ObjectSettings(),
) -> Kinds:
    """Droplets, beads and others of a picture of `width` x `height` pixels.

    A bead takes the place of every mask that shows no more than it, and belongs to the droplet in
    which its centre lies.

    Arguments:
        nodes: of the masks, see `build_hierarchy`.
        beads: found in the droplets, or glowing.
        how: the stage's settings.
        sizes: those of the objects' stage, by which droplets are of one size.
    """
    scene = _Scene(width, height, how, sizes)
    lit = any(bead.glows for bead in beads)
    beads, sure = _small(nodes, beads, how)
    stays = _stay(nodes, beads, scene)
    objects = _masks(nodes, stays, beads, scene, only_droplets=lit and not beads)
    parents = _owners(objects, beads, width, height)
    objects += [
        Classified(bead.mask, "bead", parent, bead.confidence)
        for bead, parent in zip(beads, parents, strict=True)
    ]
    return Kinds(_by_area(objects), len(beads), stays.count(False), guessed=sure < how.guess)


def _stay(nodes: Sequence[Node], beads: Sequence[Bead], scene: _Scene) -> list[bool]:
    """Whether each node shows more than beads."""
    if not beads:
        return [True] * len(nodes)
    labels = np.zeros((scene.height, scene.width), np.int32)
    for i, bead in enumerate(beads, start=1):
        bead.mask.paint(labels, i)
    areas = np.array([0, *(bead.mask.area for bead in beads)])
    return [not _shows_beads(node.mask, labels, areas, scene.how) for node in nodes]


def _owners(
    objects: Sequence[Classified], beads: Sequence[Bead], width: int, height: int
) -> list[int | None]:
    """Index of the outermost droplet in which each bead's centre lies; the last of several."""
    if not beads:
        return []
    owner = np.zeros((height, width), np.int32)
    for number, found in enumerate(objects, start=1):
        if found.parent is None and found.kind == "droplet":
            found.mask.paint(owner, number)
    numbers = [int(owner[y, x]) for x, y in (_pixel(bead.mask) for bead in beads)]
    return [number - 1 if number else None for number in numbers]


def _pixel(mask: Mask) -> tuple[int, int]:
    """(x, y) of the pixel that the centroid lies in."""
    return round(mask.centroid[0]), round(mask.centroid[1])


def _small(nodes: Sequence[Node], beads: Sequence[Bead], how: ContentSettings) -> tuple[list[Bead], float]:
    """The beads, or none if what glows are droplets; and how sure that is, 0.5 to 1.

    By their size against the larger objects, if there are any; else they are droplets if most objects do not
    glow, for these are the same without the light; else by what the head takes them for.
    """
    glowing = np.sort([bead.mask.area for bead in beads if bead.glows])
    if not glowing.size:
        return list(beads), 1.0
    # The size of the objects that most of the light comes from: a droplet's texture falls into specks.
    area = float(glowing[np.searchsorted(np.cumsum(glowing), glowing.sum() / 2)])
    larger = _larger(nodes, area, how)
    if larger.size:
        largest = how.bead_in_droplet * equivalent_diameter(float(np.median(larger)))
        confidence = 1 / (1 + (equivalent_diameter(area) / largest) ** 4)
    else:
        confidence = _all_are_beads(nodes, how) if _most_glow(nodes, beads) else 0.0
    if confidence < 1 / 2:
        return [], 1 - confidence
    return [replace(bead, confidence=bead.confidence * confidence) for bead in beads], confidence


def _most_glow(nodes: Sequence[Node], beads: Sequence[Bead]) -> bool:
    """Whether at least half of the outer objects have something that glows in their middle."""
    outer = [node.mask for node in nodes if node.parent is None]
    if not outer:
        return True
    light = cKDTree([bead.mask.centroid for bead in beads if bead.glows])
    away = light.query([mask.centroid for mask in outer])[0]
    radii = np.array([equivalent_diameter(mask.area) / 2 for mask in outer])
    return bool(np.mean(away < radii) >= 1 / 2)


def _all_are_beads(nodes: Sequence[Node], how: ContentSettings) -> float:
    """Probability that the objects are beads; 1 where there is nothing else, 0 if none is known."""
    known = [node.mask.bead_probability for node in nodes if node.mask.bead_probability is not None]
    if not known:
        return float(not nodes)
    odds = float(np.median(known)) / max(1 - float(np.median(known)), 1e-6)
    return odds / (odds + how.all_beads / (1 - how.all_beads))


def _larger(nodes: Sequence[Node], area: float, how: ContentSettings) -> NDArray[np.int64]:
    """Areas of the objects that are larger than beads of `area` look, if most are; else none."""
    droplets = (node.mask for node in nodes if node.parent is None and not node.mask.shows_bead)
    outer = np.array([mask.area for mask in droplets], np.int64)
    larger = outer[outer > how.same_bead * area]
    return larger if 2 * larger.size > outer.size else larger[:0]


def _shows_beads(
    mask: Mask, labels: NDArray[np.int32], areas: NDArray[np.int64], how: ContentSettings
) -> bool:
    """Whether the mask shows no more than the beads of which half or more lies in it."""
    x, y = _pixel(mask)
    if mask.shows_bead and labels[y, x]:
        return True
    window = labels[mask.y : mask.y + mask.height, mask.x : mask.x + mask.width]
    if not window.any():
        return False
    within = np.bincount(window[mask.crop], minlength=areas.size)
    inner = areas[2 * within >= np.maximum(areas, 1)]
    return bool(inner.size and mask.area < max(how.same_bead * inner.max(), how.same_clump * inner.sum()))


def _masks(
    nodes: Sequence[Node],
    stays: Sequence[bool],
    beads: Sequence[Bead],
    scene: _Scene,
    *,
    only_droplets: bool,
) -> list[Classified]:
    """The nodes that stay; `only_droplets`: even what glows is droplets, so that no outer one is a bead."""
    position = np.cumsum(stays) - 1
    glows = any(bead.glows for bead in beads)
    only_beads = (
        glows and not _larger(nodes, float(np.median([bead.mask.area for bead in beads])), scene.how).size
    )
    usual = _usual_diameter(nodes, scene)
    found: list[Classified] = []
    for node, stay in zip(nodes, stays, strict=True):
        if not stay:
            continue
        parent = int(position[node.parent]) if node.parent is not None and stays[node.parent] else None
        if parent is None or found[parent].kind != "droplet":
            outer = _outer(node.mask, usual, scene, may_be_bead=not only_droplets)
            unknown = only_beads or (glows and outer.kind == "bead")
            found.append(replace(outer, kind="other", confidence=0.5) if unknown else outer)
            continue
        found.append(_inner(node.mask, parent, found[parent].mask, scene.how, glows=glows))
    return found


def _inner(mask: Mask, parent: int, around: Mask, how: ContentSettings, *, glows: bool) -> Classified:
    """An object in a droplet; where beads glow, what looks like one and does not is none."""
    if mask.bead_probability is not None:
        if mask.shows_bead:
            return Classified(mask, "other" if glows else "bead", parent, mask.bead_probability)
        return Classified(mask, "droplet", parent, 1 - mask.bead_probability)
    share = np.sqrt(mask.area / around.area)
    kind: Kind = "droplet" if share > how.bead_in_droplet else "other" if glows else "bead"
    return Classified(mask, kind, parent, 0.5)


def _outer(mask: Mask, usual: float | None, scene: _Scene, *, may_be_bead: bool) -> Classified:
    """An object in no other one."""
    if may_be_bead and mask.bead_probability is not None and mask.shows_bead:
        return Classified(mask, "bead", None, mask.bead_probability)
    diameter = equivalent_diameter(mask.area)
    likely = 1.0
    if usual is not None and not touches_border(mask, scene.width, scene.height):
        away = abs(math.log(diameter / usual)) / math.log(scene.how.foreign)
        likely = 1 / (1 + away**4)
    if likely < 1 / 2 and usual is not None and diameter < usual:
        return Classified(mask, "other", None, 1 - likely)
    sure = circularity(mask) if mask.bead_probability is None else mask.predicted_iou
    return Classified(mask, "droplet", None, likely * sure)


def _usual_diameter(nodes: Sequence[Node], scene: _Scene) -> float | None:
    """The diameter that most droplets have, by area and by number; None if they differ."""
    outer = [node.mask for node in nodes if node.parent is None and not node.mask.shows_bead]
    areas = np.array([mask.area for mask in outer if not touches_border(mask, scene.width, scene.height)])
    area = typical_area(areas, scene.sizes)
    if area is None or 2 * np.count_nonzero(are_alike(areas, area, scene.sizes)) <= len(areas):
        return None
    return equivalent_diameter(area)


def _by_area(objects: Sequence[Classified]) -> list[Classified]:
    """Largest first, parents renumbered."""
    order = sorted(range(len(objects)), key=lambda i: -objects[i].mask.area)
    position = {old: new for new, old in enumerate(order)}
    return [
        found if found.parent is None else replace(found, parent=position[found.parent])
        for found in (objects[i] for i in order)
    ]
