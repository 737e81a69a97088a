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
from droplets.sam.coverage import Found, covered
from droplets.sam.generator import Decoding, Generator
from droplets.sam.projections import Prepared
from droplets.sam.prompts import Proposals, propose_small
from droplets.types import Mask

LESS_SURE = Decoding(pred_iou_thresh=0.8, stability_score_thresh=0.87, large=False)
"""F1 in foam changes by less than 0.4 % down to 0.65 and 0.83."""
ALIKE = 1.6
"""Radii that differ by less than this factor agree: votes are counted for a series of radii only."""
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

    In a monodisperse picture only what has the droplets' size is looked for. In any other, so are
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
        wanted = _missing(proposals, droplets, float(np.sqrt(typical / np.pi)))
        return _less_sure(generator, prepared, wanted, droplets)
    new = _less_sure(generator, prepared, proposals, found)
    new += _less_sure(generator, prepared, propose_small(pixels), found + new)
    return new + closed_cells(pixels, found + new, largest)


def _missing(proposals: Proposals, droplets: Sequence[Mask], radius: float) -> Proposals:
    """Proposals of about that radius in none of the droplets, about as well supported as those in them."""
    of_size = proposals.at((proposals.radius > radius / ALIKE) & (proposals.radius < radius * ALIKE))
    inside = covered(droplets, of_size.points, np.inf)
    usual = float(np.median(of_size.support[inside])) if inside.any() else np.inf
    return of_size.at(~inside & (of_size.support > AS_SUPPORTED * usual))


def _less_sure(
    generator: Generator, prepared: Prepared, proposals: Proposals, found: Sequence[Mask]
) -> list[Mask]:
    """Masks over lower thresholds, at proposals in none of `found`, that agree with these proposals."""
    open_ = proposals.at(~covered(found, proposals.points, np.inf))
    known = Found(found)
    for mask in generator.masks_at(prepared, open_.points, LESS_SURE):
        radius = float(np.sqrt(mask.area / np.pi))
        near = np.hypot(*(open_.points - mask.centroid).T) < CENTRED * radius
        alike = (open_.radius > radius / ALIKE) & (open_.radius < radius * ALIKE)
        if (near & alike).any() and known.is_apart(mask):
            known.add(mask)
    return known.masks[len(found) :]
