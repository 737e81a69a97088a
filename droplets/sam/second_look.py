"""Where a first look found nothing: what is worth another prompt, and masks that are less sure.

A droplet missing from a raft of equal ones, or a bubble in foam, often has a mask just under the
thresholds. It counts if the edges of the picture say the same as the model: a round object of about
this size at this place, and no other object there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from droplets.hierarchy import build_hierarchy
from droplets.population import typical_area
from droplets.sam.cells import closed_cells
from droplets.sam.coverage import Found, covered, vacancies
from droplets.sam.generator import Decoding, Generator
from droplets.sam.projections import Prepared
from droplets.sam.prompts import Proposals, propose_small
from droplets.types import Mask

SURE = Decoding(large=False)
"""Stock's thresholds: where no edges speak for an object, the model has to be sure."""
LESS_SURE = Decoding(pred_iou_thresh=0.8, stability_score_thresh=0.87, large=False)
"""F1 in foam changes by less than 0.4 % down to 0.65 and 0.83."""
ALIKE = 1.6
"""Radii that differ by less than this factor agree: votes are counted for a series of radii only."""
EQUAL = 1.1
"""Radii of droplets of one size differ by less than this factor; what a gap between them holds is smaller."""
CENTRED = 0.5
"""Centres agree that are closer than this part of the radius."""
AS_SUPPORTED = 0.5
"""A droplet's rim has at least this part of the votes of its fellows; a gap between droplets has fewer."""


def look_again(
    generator: Generator,
    prepared: Prepared,
    pixels: NDArray[np.uint8],
    proposals: Proposals,
    masks: Sequence[Mask],
    largest: float,
) -> list[Mask]:
    """Masks of objects that none of `masks` shows.

    In a monodisperse picture only what has the droplets' size is looked for, also where there is room for
    just one more: the edges of a pale droplet give too few votes for a proposal. In any other, so are
    objects that are too small for the first look, and closed cells that the model has no mask for.

    Arguments:
        generator: of the loaded model.
        prepared: the picture.
        pixels: HxWx3 uint8 RGB, the same.
        proposals: all of them.
        masks: found so far.
        largest: masks of more pixels do not count as found.
    """
    found = [mask for mask in masks if mask.area <= largest]
    nodes = build_hierarchy(found, pixels.shape[1], pixels.shape[0]).nodes
    droplets = [node.mask for node in nodes if node.parent is None]
    typical = typical_area([mask.area for mask in droplets])
    if typical is not None:
        radius = float(np.sqrt(typical / np.pi))
        new = _less_sure(generator, prepared, _missing(proposals, droplets, radius), droplets)
        return new + _in_vacancies(generator, prepared, pixels, droplets + new, radius)
    new = _less_sure(generator, prepared, proposals, found)
    new += _less_sure(generator, prepared, propose_small(pixels), found + new)
    return new + closed_cells(pixels, found + new, largest)


def _missing(proposals: Proposals, droplets: Sequence[Mask], radius: float) -> Proposals:
    """Proposals of about that radius in none of the droplets, about as well supported as those in them."""
    of_size = proposals.at((proposals.radius > radius / ALIKE) & (proposals.radius < radius * ALIKE))
    inside = covered(droplets, of_size.points, np.inf)
    usual = float(np.median(of_size.support[inside])) if inside.any() else np.inf
    return of_size.at(~inside & (of_size.support > AS_SUPPORTED * usual))


def _in_vacancies(
    generator: Generator,
    prepared: Prepared,
    pixels: NDArray[np.uint8],
    droplets: Sequence[Mask],
    radius: float,
) -> list[Mask]:
    """Masks of the droplets' radius where they leave room for just one more."""
    points = vacancies(droplets, pixels.shape[:2], radius)
    masks = generator.masks_at(prepared, points, SURE)
    return _agreeing(masks, points, np.full(len(points), radius), droplets, EQUAL)


def _less_sure(
    generator: Generator, prepared: Prepared, proposals: Proposals, found: Sequence[Mask]
) -> list[Mask]:
    """Masks over lower thresholds, at proposals in none of `found`, that agree with these proposals."""
    open_ = proposals.at(~covered(found, proposals.points, np.inf))
    masks = generator.masks_at(prepared, open_.points, LESS_SURE)
    return _agreeing(masks, open_.points, open_.radius, found, ALIKE)


def _agreeing(
    masks: Sequence[Mask],
    points: NDArray[np.float64],
    radii: NDArray[np.float64],
    found: Sequence[Mask],
    alike: float,
) -> list[Mask]:
    """Those that show none of `found`, lie around a point and have its radius within a factor `alike`."""
    known = Found(found)
    for mask in masks:
        radius = float(np.sqrt(mask.area / np.pi))
        near = np.hypot(*(points - mask.centroid).T) < CENTRED * radius
        of_size = (radii > radius / alike) & (radii < radius * alike)
        if (near & of_size).any() and known.is_apart(mask):
            known.add(mask)
    return known.masks[len(found) :]
