"""Segment everything with one prompt an object: propose, decode, look at what is uncovered, zoom in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.ops import nms

from droplets.measure import ROUND, shape
from droplets.sam.coverage import covered, textured
from droplets.sam.encoder import Embedding
from droplets.sam.generator import Decoding, Generator, point_grid
from droplets.sam.projections import Prepared
from droplets.sam.prompts import Proposals, propose
from droplets.sam.second_look import look_again
from droplets.sam.tiles import whole_masks, zoom_in
from droplets.sam.windows import STRIDE
from droplets.types import Mask, Quality

COVERING = 0.05
"""A mask of more than this part of the picture does not make what lies in it covered."""


@dataclass(frozen=True)
class Effort:
    """How hard to look.

    Attributes:
        uncovered_grid: points per side of the grid of which the uncovered points are prompted; 0 for none.
        small: objects of less than this diameter in the model's frame, in its pixels, are looked for in
            tiles; 0 for never.
        small_share: only if there are this many of them for each larger proposal as well supported.
        zoomed: diameter that they take in a tile, where `tiles` are enough for it.
        tiles: at most this many, of a picture of up to 2.4 megapixels, and as many more as it is larger.
        decoding: of prompts in the whole picture.
        tile_decoding: of prompts in tiles, where objects are small and large ones have been found.
    """

    uncovered_grid: int
    small: float
    small_share: float
    zoomed: float
    tiles: int
    decoding: Decoding = field(default_factory=Decoding)
    tile_decoding: Decoding = field(default_factory=lambda: Decoding(window=8, large=False))


EXACT = Decoding(exact=True)
EFFORTS: dict[Quality, Effort] = {
    "fast": Effort(0, small=0, small_share=0, zoomed=0, tiles=0),
    "balanced": Effort(32, small=22, small_share=0.1, zoomed=28, tiles=6),
    "thorough": Effort(48, small=28, small_share=0, zoomed=36, tiles=24, decoding=EXACT, tile_decoding=EXACT),
}


def find_everything(
    generator: Generator, pixels: NDArray[np.uint8], embedding: Embedding, effort: Effort
) -> list[Mask]:
    """Masks of everything in a picture, without duplicates, best predicted IoU first.

    Arguments:
        generator: of the loaded model.
        pixels: HxWx3 uint8 RGB.
        embedding: of the same picture.
        effort: how hard to look.
    """
    proposals = propose(pixels)
    tiny = 2 * proposals.radius * min(embedding.scale) < effort.small
    small = _worth_zooming(proposals, tiny, ~tiny, effort.small_share)
    prepared = generator.decoder.prepare(embedding)
    masks = _first_look(generator, prepared, proposals.at(~small), effort.decoding)
    largest = COVERING * pixels.shape[0] * pixels.shape[1]
    # Beads in droplets are not for the model, droplets/beads.py finds them; clumps are not round.
    droplets = [mask for mask in masks if shape(mask).circularity >= ROUND] if small.any() else []
    left = small & ~covered(droplets, proposals.points, largest)
    if effort.uncovered_grid:
        grid = textured(pixels, point_grid(effort.uncovered_grid, pixels.shape[:2]))
        again = grid[~covered(masks, grid, largest)]
        masks += generator.masks_at(prepared, again, effort.decoding)
    if left.any():
        zoomed = _worth_zooming(proposals, left, ~tiny, effort.small_share)
        masks += generator.masks_at(prepared, proposals.points[left & ~zoomed], effort.decoding)
        if zoomed.any():
            masks += _in_tiles(generator, pixels, proposals.at(zoomed), effort)
    if effort.uncovered_grid:
        masks += look_again(generator, prepared, pixels, proposals, masks, largest)
    return distinct(masks, effort.decoding.box_nms_thresh)


def _first_look(
    generator: Generator, prepared: Prepared, proposals: Proposals, decoding: Decoding
) -> list[Mask]:
    """Masks at the proposals.

    From within an object larger than its window the near-exact decoder sees no edge and is less sure of
    the mask than the exact one, often too little sure to keep it.
    """
    window = decoding.window * STRIDE / min(prepared.embedding.scale)
    wide = 2 * proposals.radius > window
    masks = generator.masks_at(prepared, proposals.points[~wide], decoding)
    return masks + generator.masks_at(prepared, proposals.points[wide], replace(decoding, exact=True))


def _worth_zooming(
    proposals: Proposals, small: NDArray[np.bool_], large: NDArray[np.bool_], share: float
) -> NDArray[np.bool_]:
    """The flags of the small proposals; none if they are fewer than a share of the large ones as certain."""
    if not small.any():
        return small
    certain = large & (proposals.support >= np.median(proposals.support[small]))
    return small if small.sum() > share * certain.sum() else np.zeros_like(small)


def distinct(masks: Sequence[Mask], threshold: float) -> list[Mask]:
    """Best predicted IoU first, without masks whose box has an IoU over `threshold` with a better one's."""
    if not masks:
        return []
    boxes = torch.tensor([[m.x, m.y, m.x + m.width, m.y + m.height] for m in masks], dtype=torch.float32)
    scores = torch.tensor([mask.predicted_iou for mask in masks])
    return [masks[i] for i in nms(boxes, scores, threshold).tolist()]


def _in_tiles(
    generator: Generator, pixels: NDArray[np.uint8], small: Proposals, effort: Effort
) -> list[Mask]:
    """Masks at small proposals, from tiles in which they are large enough for the model."""
    height, width = pixels.shape[:2]
    masks = []
    for box, part, chosen in zoom_in(pixels, small.points, small.radius, effort.zoomed, effort.tiles):
        points = small.points[chosen] - box[:2]
        found = generator.masks_at(generator.prepare(part), points, effort.tile_decoding)
        masks += whole_masks(found, box, width, height)
    return masks
