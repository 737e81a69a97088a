"""Finds a scale bar that was burnt into a picture, and reads the length written beside it.

A bar is a filled rectangle in white, black or another pure colour, several times as long as it is
thick, with straight sharp edges and nothing of its colour around it but its text. Where the text
can be read (droplets/annotations/glyphs.py), the bar gives the pixel size. Where it cannot, a bar is believed
only if its rectangle is flawless and the only one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.annotations.glyphs import Part, around, read_length, text_lines
from droplets.annotations.settings import AnnotationSettings
from droplets.types import Box, Mask, PixelSize

LEAST_INK = (0.65, 0.5, 0.35, 0.25)  # of text: bold strokes run together, thin ones are blended
UM_PER_PIXEL = (0.01, 100.0)  # of microscopes


@dataclass(frozen=True)
class ScaleBar:
    """A burnt-in scale bar.

    Attributes:
        box: XYWH of the bar.
        text: XYWH of the text's lines.
        length_px: its longer side, ends inclusive.
        um: the length that the text gives; None where it could not be read.
        confidence: lowest correlation of a character that was read, 0 to 1; 0 where none was.
    """

    box: Box
    text: tuple[Box, ...]
    length_px: int
    um: float | None
    confidence: float

    @property
    def pixel_size(self) -> PixelSize | None:
        """What the bar says of the pixels."""
        return None if self.um is None else PixelSize(self.um / self.length_px, "scale bar")


def find_scale_bar(
    pixels: NDArray[np.uint8], how: AnnotationSettings = AnnotationSettings()
) -> ScaleBar | None:
    """The scale bar of a picture, if it has one.

    Arguments:
        pixels: HxWx3 uint8 RGB.
        how: the stage's settings.
    """
    rectangles = [
        box for colour in itertools.product((0, 255), repeat=3) for box in _rectangles(pixels, colour, how)
    ]
    longest = sorted(rectangles, key=lambda box: max(box[2:]), reverse=True)[: how.most_rectangles]
    bars = [
        _with_text(pixels, _grown(pixels, box), how)
        for box in longest
        if _is_clear(pixels, box, how.clear_sides, how)
    ]
    read = [bar for bar in bars if bar.um]
    if read:
        return max(read, key=lambda bar: bar.confidence)
    flawless = [bar for bar in bars if _is_flawless(pixels, bar.box, how)]
    return flawless[0] if len(flawless) == 1 else None


def without_annotations(
    masks: Sequence[Mask],
    bar: ScaleBar | None,
    corner: tuple[int, int],
    how: AnnotationSettings = AnnotationSettings(),
) -> tuple[list[Mask], int]:
    """The masks that do not lie on a scale bar or its text, and the number of those that do.

    Arguments:
        masks: of the picture or a part of it.
        bar: in the frame of the picture.
        corner: (x, y) of the part's first pixel in the picture.
        how: the stage's settings.
    """
    if bar is None:
        return list(masks), 0
    x, y, width, height = around([bar.box, *bar.text])
    label = Mask(x - corner[0], y - corner[1], np.ones((height, width), np.bool_))
    kept = [mask for mask in masks if mask.intersection(label) <= how.covered * mask.area]
    return kept, len(masks) - len(kept)


def scale_bar_notes(bar: ScaleBar | None) -> tuple[str, ...]:
    """What the client should know of the bar."""
    if bar is None:
        return ()
    if bar.um is None:
        return (f"a scale bar of {bar.length_px} px was found but not read: give pixel_size_um",)
    return (f"a scale bar of {bar.length_px} px was read as {bar.um:g} um",)


def _rectangles(pixels: NDArray[np.uint8], colour: Sequence[int], how: AnnotationSettings) -> Iterator[Box]:
    """Filled rectangles of one colour that are several times as long as they are thick."""
    low, high = np.array(colour) - how.pure, np.array(colour) + how.pure
    if not any(
        cv2.inRange(sparse, low, high).any()
        for sparse in (pixels[:, :: how.shortest], pixels[:: how.shortest])
    ):
        return
    height, width = pixels.shape[:2]
    pure = cv2.inRange(pixels, low, high)
    # Odd, or opening would shift what it leaves by a pixel.
    shortest = max(how.shortest, round(how.shortest_share * max(width, height))) | 1
    for kernel in (np.ones((1, shortest), np.uint8), np.ones((shortest, 1), np.uint8)):
        runs = cv2.morphologyEx(pure, cv2.MORPH_OPEN, kernel)
        if not cv2.countNonZero(runs):
            continue
        stats = cv2.connectedComponentsWithStats(runs, connectivity=4)[2][1:]
        boxes, areas = stats[:, :4], stats[:, 4]
        along, across = (2, 3) if kernel.shape[0] == 1 else (3, 2)
        thin = boxes[:, along] >= how.thinnest_aspect * boxes[:, across]
        short = boxes[:, along] <= how.longest_share * (width, height)[along - 2]
        filled = areas >= how.filled * boxes[:, 2] * boxes[:, 3]
        yield from map(tuple, boxes[thin & short & filled].tolist())


def _grown(pixels: NDArray[np.uint8], box: Box) -> Box:
    """The box with the blended pixels along its rim that are more of the bar than of what is around."""
    colour = _colour(pixels, box)
    near, far = ([_distance(strip, colour) for strip in _strips(pixels, box, away)] for away in (1, 2))
    left, right, top, bottom = (int(n < f / 2) for n, f in zip(near, far, strict=True))
    x, y, width, height = box
    return x - left, y - top, width + left + right, height + top + bottom


def _is_clear(pixels: NDArray[np.uint8], box: Box, clear_sides: float, how: AnnotationSettings) -> bool:
    """Whether what lies around the bar is of another colour: beside its ends, and mostly along its sides."""
    x, y, width, height = box
    if min(x, y) < 1 or x + width >= pixels.shape[1] or y + height >= pixels.shape[0]:
        return False
    colour = _colour(pixels, box)
    # The pixel next to the bar may be a blend of both; the one after it is not.
    left, right, top, bottom = (
        _differs(strip, colour, how.min_contrast) for strip in _strips(pixels, box, 2)
    )
    ends, sides = min(left, right), min(top, bottom)
    if height > width:
        ends, sides = sides, ends
    return ends >= how.clear_ends and sides >= clear_sides


def _colour(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.float64]:
    x, y, width, height = box
    return np.asarray(np.median(pixels[y : y + height, x : x + width].reshape(-1, 3), axis=0))


def _strips(pixels: NDArray[np.uint8], box: Box, away: int) -> list[NDArray[np.uint8]]:
    """Nx3 pixels left, right, above and below, `away` pixels from the box (fewer at the picture's border)."""
    x, y, width, height = box
    left, right = max(x - away, 0), min(x + width - 1 + away, pixels.shape[1] - 1)
    top, bottom = max(y - away, 0), min(y + height - 1 + away, pixels.shape[0] - 1)
    rows, columns = slice(y, y + height), slice(x, x + width)
    return [pixels[rows, left], pixels[rows, right], pixels[top, columns], pixels[bottom, columns]]


def _distance(strip: NDArray[np.uint8], colour: NDArray[np.float64]) -> float:
    return float(np.median(np.abs(strip - colour).max(axis=-1)))


def _differs(strip: NDArray[np.uint8], colour: NDArray[np.float64], contrast: float) -> float:
    """Share of Nx3 pixels that are clearly of another colour."""
    return float((np.abs(strip - colour).max(axis=-1) >= contrast).mean())


def _is_flawless(pixels: NDArray[np.uint8], box: Box, how: AnnotationSettings) -> bool:
    """Whether a bar without readable text is believed."""
    x, y, width, height = box
    bar = pixels[y : y + height, x : x + width].reshape(-1, 3)
    return (
        min(width, height) > 1
        and max(width, height) >= how.unread_aspect * min(width, height)
        and int(np.ptp(bar, axis=0).max()) <= how.unread_spread
        and _is_clear(pixels, box, how.unread_clear_sides, how)
    )


def _with_text(pixels: NDArray[np.uint8], box: Box, how: AnnotationSettings) -> ScaleBar:
    """The bar with what is written near it."""
    length = max(box[2:])
    ink, corner = _ink(pixels, box, how)
    attempts = [_parts(ink, corner, least, how.most_parts) for least in LEAST_INK]
    readings = [found for parts in attempts if (found := read_length(parts, how))]
    if len({found.um for found in readings}) == 1:
        best = max(readings, key=lambda found: found.score)
        if UM_PER_PIXEL[0] <= best.um / length <= UM_PER_PIXEL[1]:
            return ScaleBar(box, (best.box,), length, best.um, best.score)
    line = max(text_lines(attempts[0], how), key=len, default=[])
    return ScaleBar(box, (around([part.box for part in line]),) if line else (), length, None, 0.0)


def _ink(
    pixels: NDArray[np.uint8], box: Box, how: AnnotationSettings
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Likeness to the bar's colour, 0 to 1, of what lies around it, and the (x, y) where that begins."""
    x, y, width, height = box
    reach = round(max(how.reach * max(width, height), 6 * min(width, height), 30))
    left, top = max(0, x - reach), max(0, y - reach)
    window = pixels[top : y + height + reach, left : x + width + reach]
    distance = np.abs(window - _colour(pixels, box)).max(axis=-1)
    near, far = (
        np.s_[max(0, y - top - rim) : y - top + height + rim, max(0, x - left - rim) : x - left + width + rim]
        for rim in (1, 3)
    )
    clear = distance[far][distance[far] >= how.min_contrast]
    ink = np.clip(1 - distance / float(np.median(clear)), 0, 1).astype(np.float32)
    ink[near] = 0
    return ink, (left, top)


def _parts(ink: NDArray[np.float32], corner: tuple[int, int], least: float, most: int) -> list[Part]:
    """Connected regions of at least that much ink, the largest of many, in the frame of the picture."""
    inked = (ink > least).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inked, connectivity=8)
    largest = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA], kind="stable")[:most]
    return [_part(ink, labels, label, tuple(stats[label, :4].tolist()), corner) for label in largest.tolist()]


def _part(
    ink: NDArray[np.float32], labels: NDArray[np.int32], label: int, box: Box, corner: tuple[int, int]
) -> Part:
    x, y, width, height = box
    window = np.s_[y : y + height, x : x + width]
    own = cv2.dilate((labels[window] == label).astype(np.uint8), np.ones((3, 3), np.uint8))
    return Part((x + corner[0], y + corner[1], width, height), ink[window] * own)
