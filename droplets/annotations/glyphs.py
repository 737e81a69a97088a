"""Reads the text of a scale bar: a number and a unit of length, such as "100 µm".

Every character is drawn in a frame that is fixed to its line (from above the digits to below the
baseline, as wide as the character), and compared with the same frame of known fonts by normalised
correlation. A text is read only if every character is clearly one, and the whole is a number of
the kind that scale bars have, followed by a unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from droplets.annotations.settings import AnnotationSettings
from droplets.types import Box

UNITS: Final = {"µm": 1.0, "um": 1.0, "nm": 1e-3, "mm": 1e3, "micron": 1.0, "microns": 1.0}
DIGITS: Final = "0123456789"
MANTISSAS: Final = (1, 1.2, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 7.5, 8, 9)

SHORTEST_TEXT, LONGEST_TEXT = 3, 12  # characters: "1mm", "1000microns" and one more
FRAME_ROWS, FRAME_COLUMNS = 32, 24  # of the frame
ABOVE, BELOW = 0.12, 0.36  # of a digit's height, what the frame shows beyond it
TEMPLATE_SIZE = 48
TEMPLATE_FONTS: Final = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSerif.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralBol.ttf",
    "STIXGeneralItalic.ttf",
)
HERSHEY_FONTS: Final = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN)

Scores = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Part:
    """A connected region of text colour.

    Attributes:
        box: XYWH in the frame of `ink`.
        ink: hxw float32 of its box, 0 for background to 1 for text.
    """

    box: Box
    ink: NDArray[np.float32]

    @property
    def bottom(self) -> int:
        """First row below it."""
        return self.box[1] + self.box[3]

    @property
    def right(self) -> int:
        """First column right of it."""
        return self.box[0] + self.box[2]

    def reaches(self, area: Box) -> bool:
        """Whether any of its ink lies in the XYWH area."""
        (x, y), (left, top, width, height) = self.box[:2], area
        columns = slice(max(0, left - x), max(0, left + width - x))
        return bool(self.ink[max(0, top - y) : max(0, top + height - y), columns].any())


@dataclass(frozen=True)
class Reading:
    """A length that was read, and how surely.

    Attributes:
        um: in micrometres.
        score: the lowest correlation of its characters, 0 to 1.
        box: XYWH around the text.
    """

    um: float
    score: float
    box: Box


def read_length(parts: Sequence[Part], how: AnnotationSettings) -> Reading | None:
    """The surest length that stands in a line of `parts`; None if none is sure."""
    readings = (_parse(line, how) for line in text_lines(parts, how))
    return max((found for found in readings if found), key=lambda found: found.score, default=None)


def text_lines(parts: Sequence[Part], how: AnnotationSettings) -> Iterator[list[Part]]:
    """Each part that may begin a length with what follows it in its line, from left to right."""
    for first in parts:
        left, top, _, height = first.box
        band = sorted(
            (
                part
                for part in parts
                if part.box[1] >= top - ABOVE * height - 1
                and part.bottom <= first.bottom + BELOW * height + 1
            ),
            key=lambda part: part.box[0],
        )
        before = [part for part in band if part.box[0] < left]
        if height < how.smallest_digit or not _begins(first, before, parts, how):
            continue
        line = [first]
        for part in band[len(before) :]:
            if part is first:
                continue
            if part.box[0] - line[-1].right > how.largest_gap * height:
                break
            if part.box[0] < line[-1].right - 1 or part.right <= line[-1].right:
                line[-1] = _merged(line[-1], part)  # the dot of an i
            else:
                line.append(part)
        while _is_point(line[-1], first, how):  # a speck
            line.pop()
        if SHORTEST_TEXT <= len(line) <= LONGEST_TEXT:
            yield line


def _begins(first: Part, before: Sequence[Part], parts: Sequence[Part], how: AnnotationSettings) -> bool:
    """Whether no character stands before it, nor anything that a character may be joined with."""
    left, top, _, height = first.box
    close = round(how.largest_digit_gap * height) + 1
    return not (
        any(left < part.right + how.free_before * height + 1 for part in before)
        or any(part.reaches((left - close, top, close, height)) for part in parts if part is not first)
    )


def around(boxes: Sequence[Box]) -> Box:
    """XYWH around all boxes."""
    x, y = (min(box[i] for box in boxes) for i in (0, 1))
    right, bottom = (max(box[i] + box[i + 2] for box in boxes) for i in (0, 1))
    return x, y, right - x, bottom - y


def _merged(one: Part, other: Part) -> Part:
    box = around([one.box, other.box])
    ink = np.zeros((box[3], box[2]), np.float32)
    for part in (one, other):
        x, y = part.box[0] - box[0], part.box[1] - box[1]
        window = ink[y : y + part.box[3], x : x + part.box[2]]
        np.maximum(window, part.ink, out=window)
    return Part(box, ink)


def _parse(line: Sequence[Part], how: AnnotationSettings) -> Reading | None:
    """The number and unit that the whole line is; None if not sure."""
    scores = _scores(line, how)
    units = []
    for unit, factor in UNITS.items():
        start = len(line) - len(unit)
        if start > 0:
            matches = [float(scores[letter][start + i]) for i, letter in enumerate(unit)]
            units.append((sum(matches) / len(unit), min(matches), factor, start))
    if not units:
        return None
    mean, lowest, factor, start = max(units)
    others = [other[0] for other in units if other[2] != factor]
    if lowest < how.min_score or mean - max(others, default=0.0) < how.min_lead / 2:
        return None
    number, score = _number(line[:start], scores, how)
    return (
        None
        if number is None
        else Reading(number * factor, min(score, lowest), around([part.box for part in line]))
    )


def _number(
    line: Sequence[Part], scores: dict[str, Scores], how: AnnotationSettings
) -> tuple[float | None, float]:
    """The number that the parts are, None if not sure, and the lowest score of its digits."""
    text, lowest, height = "", 1.0, line[0].box[3]
    for place, part in enumerate(line):
        if _is_point(part, line[0], how):
            text += "."
            continue
        if text[-1:].isdigit() and part.box[0] - line[place - 1].right > how.largest_digit_gap * height:
            return None, 0.0
        (second, _), (best, digit) = sorted((float(scores[digit][place]), digit) for digit in DIGITS)[-2:]
        if best < how.min_score or best - second < how.min_lead:
            return None, 0.0
        text, lowest = text + digit, min(lowest, best)
    return (float(text) if _is_customary(text) else None), lowest


def _is_point(part: Part, digit: Part, how: AnnotationSettings) -> bool:
    """Whether it is small and stands at the foot of the digits: a decimal point or comma."""
    _, top, width, height = part.box
    largest = how.point_size * digit.box[3]
    return max(width, height) <= largest and top >= digit.bottom - largest


def _is_customary(text: str) -> bool:
    """Whether the number is one that scale bars have."""
    if not re.fullmatch(r"[1-9]\d{0,3}|[1-9]\d?\.\d|0\.\d{1,2}", text):
        return False
    return float(f"{float(text):e}".partition("e")[0]) in MANTISSAS


def _scores(line: Sequence[Part], how: AnnotationSettings) -> dict[str, Scores]:
    """For every character its correlation with each part, -1 to 1."""
    top, height = line[0].box[1], line[0].box[3]
    names, templates, widths = _templates(how.frame_blur)
    frames = np.stack([_frame(part, top, height, how.frame_blur) for part in line])
    correlation = templates @ frames.T
    ratio = widths[:, None] / (np.array([part.box[2] for part in line]) / height)
    correlation[(ratio > how.widest_ratio) | (ratio < 1 / how.widest_ratio)] = -1
    return {name: correlation[names == name].max(axis=0) for name in np.unique(names)}


def _frame(part: Part, top: float, height: float, blur: float) -> NDArray[np.float32]:
    """The part in the frame of a line whose digits begin at `top`; flat, mean 0, norm 1."""
    _, y, width, _ = part.box
    across, down = width / FRAME_COLUMNS, height * (1 + ABOVE + BELOW) / FRAME_ROWS
    first = top - ABOVE * height - y
    to_source = np.array([[across, 0, 0.5 * across - 0.5], [0, down, first + 0.5 * down - 0.5]], np.float64)
    frame = cv2.warpAffine(
        part.ink, to_source, (FRAME_COLUMNS, FRAME_ROWS), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    frame = cv2.GaussianBlur(frame, (0, 0), blur)
    frame = frame - frame.mean()
    return np.asarray(frame / max(float(np.linalg.norm(frame)), 1e-6), np.float32).ravel()


@lru_cache(maxsize=1)
def _templates(blur: float) -> tuple[NDArray[np.str_], NDArray[np.float32], NDArray[np.float64]]:
    """Characters, their frames in each font, and their widths in heights of a digit."""
    names, frames, widths = [], [], []
    characters = sorted({*DIGITS, *"".join(UNITS)})
    for draw in _drawers():
        zero = draw("0")
        top, height = zero.box[1], zero.box[3]
        for name in characters:
            part = draw(name)
            names.append(name)
            frames.append(_frame(part, top, height, blur))
            widths.append(part.box[2] / height)
    return np.array(names), np.stack(frames), np.array(widths)


def _drawers() -> Iterator[Callable[[str], Part]]:
    """Draws a text in each of the fonts."""
    folder = files("matplotlib") / "mpl-data" / "fonts" / "ttf"
    for name in TEMPLATE_FONTS:
        yield partial(_draw_outline, ImageFont.truetype(str(folder / name), TEMPLATE_SIZE))
    default = ImageFont.load_default(TEMPLATE_SIZE)
    if isinstance(default, ImageFont.FreeTypeFont):
        yield partial(_draw_outline, default)
        yield partial(_draw_outline, default, stroke=TEMPLATE_SIZE // 24)
    for face in HERSHEY_FONTS:
        yield partial(_draw_hershey, face)


def _draw_outline(font: ImageFont.FreeTypeFont, text: str, stroke: int = 0) -> Part:
    picture = Pillow.new("L", (TEMPLATE_SIZE * (len(text) + 2), TEMPLATE_SIZE * 2))
    place = (TEMPLATE_SIZE // 2, TEMPLATE_SIZE // 4)
    ImageDraw.Draw(picture).text(place, text, fill=255, font=font, stroke_width=stroke)
    return _cut(np.asarray(picture))


def _draw_hershey(face: int, text: str) -> Part:
    picture = np.zeros((TEMPLATE_SIZE * 2, TEMPLATE_SIZE * (len(text) + 2)), np.uint8)
    scale = TEMPLATE_SIZE / cv2.getTextSize("0", face, 1, 1)[0][1]
    place = (TEMPLATE_SIZE // 2, TEMPLATE_SIZE * 3 // 2)
    cv2.putText(picture, text.replace("µ", "u"), place, face, scale, 255, 6)
    return _cut(picture)


def _cut(picture: NDArray[np.uint8]) -> Part:
    """The part of the picture that holds ink."""
    x, y, width, height = cv2.boundingRect((picture > np.iinfo(np.uint8).max // 2).astype(np.uint8))
    ink = picture[y : y + height, x : x + width].astype(np.float32) / np.float32(255)
    return Part((x, y, width, height), ink)
