"""What lies at given points: in the whole picture, or zoomed in where that shows too little."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from droplets.sam.encoder import Embedding
from droplets.sam.generator import Decoding, Generator
from droplets.sam.prompts import propose
from droplets.sam.search import EFFORTS
from droplets.sam.tiles import assign, cut, tile_boxes, whole_masks, zoom_in
from droplets.types import Mask

EFFORT = EFFORTS["balanced"]
"""What is small, and how far it is zoomed in on, is as in the search."""
AROUND = 6.0
"""Round objects are looked for in parts of this many diameters of the largest that is small,"""
LEAST = 256
"""and of at least as many pixels a side."""
ANY_MASK = Decoding(pred_iou_thresh=0.0, stability_score_thresh=0.0, box_nms_thresh=1.0, exact=True)


def find_at(
    generator: Generator, pixels: NDArray[np.uint8], embedding: Embedding, points: NDArray[np.float64]
) -> list[Mask]:
    """The mask of the highest predicted IoU at each of Nx2 (x, y) pixels, where there is one.

    Arguments:
        generator: of the loaded model.
        pixels: HxWx3 uint8 RGB.
        embedding: of the same picture.
        points: in any number.
    """
    height, width = pixels.shape[:2]
    radius = _radii(pixels, points, EFFORT.small / min(embedding.scale))
    found: dict[int, Mask] = {}
    small = np.flatnonzero(2 * radius * min(embedding.scale) < EFFORT.small)
    if small.size:
        zoomed = zoom_in(pixels, points[small], radius[small], EFFORT.zoomed, EFFORT.tiles)
        for box, part, chosen in zoomed:
            best = _best(generator, generator.encoder.embed(part), points[small[chosen]] - box[:2])
            for prompt, mask in best.items():
                if whole := whole_masks([mask], box, width, height):
                    found[int(small[chosen[prompt]])] = whole[0]
    rest = [i for i in range(len(points)) if i not in found]
    if rest:
        found |= {rest[prompt]: mask for prompt, mask in _best(generator, embedding, points[rest]).items()}
    return [found[i] for i in sorted(found)]


def _best(generator: Generator, embedding: Embedding, points: NDArray[np.float64]) -> dict[int, Mask]:
    """By the point's number, its mask of the highest predicted IoU that does not show the background.

    The background reaches from one border of the picture to the opposite one.
    """
    candidates = generator.candidates_at(generator.decoder.prepare(embedding), points, ANY_MASK)
    height, width = embedding.size
    found: dict[int, Mask] = {}
    for i in np.argsort(-candidates.predicted_iou, kind="stable"):
        prompt = int(candidates.prompt[i])
        if prompt not in found and (mask := candidates.mask(int(i))) and not mask.spans(width, height):
            found[prompt] = mask
    return found


def _radii(pixels: NDArray[np.uint8], points: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
    """N: radius in pixels of the round object around each of N points.

    Where none is seen it is the median of those nearby, and infinite where there are none either.
    Objects of a diameter over `largest` may be missed.
    """
    height, width = pixels.shape[:2]
    radii = np.full(len(points), np.inf)
    side = max(LEAST, math.ceil(AROUND * largest))
    for box, own in assign(points, tile_boxes(width, height, side, side // 3)):
        objects = propose(cut(pixels, box))
        if not len(objects.points):
            continue
        for i in own:
            around = np.hypot(*(points[i] - box[:2] - objects.points).T) < objects.radius
            radii[i] = objects.radius[around][0] if around.any() else np.median(objects.radius)
    return radii
