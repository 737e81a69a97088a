"""What lies at given points: in the whole picture, or zoomed in where that shows too little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from droplets.sam.encoder import FRAME, Embedding
from droplets.sam.generator import Decoding, Generator
from droplets.tuning import tuned
from droplets.types import Box, Mask

CLICKED = "clicks on rendered droplets of 6 to 60 px"
ANY_MASK = Decoding(pred_iou_thresh=0.0, stability_score_thresh=0.0, box_nms_thresh=1.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Zooming:
    """Where small objects are pointed at in an enlarged part of the picture."""

    small: float = tuned(
        22.0, "px of the model's frame", "diameter below which an object is zoomed in on", CLICKED
    )
    zoomed: float = tuned(28.0, "px of the model's frame", "diameter that it takes then", CLICKED)
    together: float = tuned(
        0.25, "side of the part", "from its centre, within which objects are looked at in one part", CLICKED
    )
    alike: float = tuned(1.5, "", "factor by which their diameters differ at most", CLICKED)
    nearby: int = tuned(8, "objects", "that tell how large one would be that was missed among them", CLICKED)


def find_at(
    generator: Generator,
    pixels: NDArray[np.uint8],
    embedding: Embedding,
    points: Floats,
    radii: Floats,
    how: Zooming = Zooming(),
) -> list[Mask]:
    """The mask of the highest predicted IoU at each of Nx2 (x, y) pixels, where there is one.

    Arguments:
        generator: of the loaded model.
        pixels: HxWx3 uint8 RGB.
        embedding: of the same picture.
        points: in any number.
        radii: N, about the radius in pixels of what lies there; infinite where that is not known.
        how: where to zoom.
    """
    height, width = pixels.shape[:2]
    found: dict[int, Mask] = {}
    small = np.flatnonzero(2 * radii * min(embedding.scale) < how.small)
    for box, chosen in _parts(points, radii, small, (width, height), how):
        x, y, across, down = box
        part = np.ascontiguousarray(pixels[y : y + down, x : x + across])
        best = _best(generator, generator.encoder.embed(part), points[chosen] - box[:2])
        for prompt, mask in best.items():
            if not _is_cut(mask, box, width, height):
                found[int(chosen[prompt])] = mask.moved(x, y)
    rest = [i for i in range(len(points)) if i not in found]
    if rest:
        found |= {rest[prompt]: mask for prompt, mask in _best(generator, embedding, points[rest]).items()}
    return [found[i] for i in sorted(found)]


def _best(generator: Generator, embedding: Embedding, points: Floats) -> dict[int, Mask]:
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


def _parts(
    points: Floats, radii: Floats, left: NDArray[np.intp], size: tuple[int, int], how: Zooming
) -> Iterator[tuple[Box, NDArray[np.intp]]]:
    """Boxes in the picture in which small objects are large enough, with the indices of the objects."""
    width, height = size
    while left.size:
        point, radius = points[left[0]], float(radii[left[0]])
        side = 2 * radius * FRAME / how.zoomed
        near = np.abs(points[left] - point).max(axis=1) <= how.together * side
        alike = np.abs(np.log(radii[left] / radius)) <= np.log(how.alike)
        box_width, box_height = min(width, round(side)), min(height, round(side))
        x = int(np.clip(round(point[0] - side / 2), 0, width - box_width))
        y = int(np.clip(round(point[1] - side / 2), 0, height - box_height))
        yield (x, y, box_width, box_height), left[near & alike]
        left = left[~(near & alike)]


def _is_cut(mask: Mask, box: Box, width: int, height: int) -> bool:
    """Whether a mask in the part of the picture at `box` ends at a seam, not at the picture's border."""
    x, y, across, down = box
    return (
        (mask.x == 0 and x > 0)
        or (mask.y == 0 and y > 0)
        or (mask.x + mask.width == across and x + across < width)
        or (mask.y + mask.height == down and y + down < height)
    )
