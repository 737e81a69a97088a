"""Scale bars as microscope programs burn them in: a filled bar with its length written beside it."""

from __future__ import annotations

from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

WHITE, BLACK, YELLOW = (255, 255, 255), (0, 0, 0), (255, 255, 0)
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif", "cmss10", "pillow", "hershey")
NO_MU = ("cmss10", "hershey")
"""Fonts without the letter: they write "u"."""


def write(pixels: Pixels, text: str, place: tuple[int, int], font: str, size: int, colour: Colour) -> Pixels:
    """The picture with a text whose middle line begins at `place`, digits about 0.73 `size` pixels high.

    Arguments:
        pixels: HxWx3 uint8.
        font: one of FONTS.
    """
    if font in NO_MU:
        text = text.replace("µ", "u")
    if font == "hershey":
        drawn, scale = pixels.copy(), size / 30
        foot = (place[0], place[1] + round(0.37 * size))
        thick = max(1, round(1.5 * scale))
        cv2.putText(drawn, text, foot, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick, cv2.LINE_AA)
        return drawn
    folder = files("matplotlib") / "mpl-data" / "fonts" / "ttf"
    face = (
        ImageFont.load_default(size)
        if font == "pillow"
        else ImageFont.truetype(str(folder / f"{font}.ttf"), size)
    )
    picture = Pillow.fromarray(pixels)
    ImageDraw.Draw(picture).text(place, text, fill=colour, font=face, anchor="lm")
    return np.array(picture)


def draw_bar(
    pixels: Pixels,
    text: str = "100 µm",
    *,
    bar: Box = (270, 270, 110, 6),
    font: str = "DejaVuSans",
    size: int = 20,
    colour: Colour = WHITE,
    label: Colour | None = BLACK,
    below: bool = False,
) -> Pixels:
    """The picture with a bar, its text above or below, both on a box in the colour of `label`.

    Arguments:
        pixels: HxWx3 uint8; not changed.
        text: nothing is written where it is empty.
        bar: XYWH in pixels.
        font, size, colour: of the text, see `write`; the bar has the same colour.
        label: None draws on the picture itself.
        below: whether the text stands below the bar.
    """
    x, y, width, height = bar
    drawn = pixels.copy()
    middle = y + height + size if below else y - size
    if label is not None:
        top, bottom = min(y, middle - size) - 4, max(y + height, middle + size) + 4
        drawn[max(0, top) : bottom, max(0, x - 8) : x + width + 30] = label
    drawn[y : y + height, x : x + width] = colour
    return write(drawn, text, (x + 2, middle), font, size, colour) if text else drawn
