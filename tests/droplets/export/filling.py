"""Masks of every awkward shape, analyses that hold them, and the filling of outlines."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from droplets.analysis import Analysis
from droplets.types import Image, Kind, Mask, PixelSize
from tests.droplets.shapes import disc, ellipse, measured, picture, random_mask, rectangle, ring, union

WIDTH, HEIGHT = 64, 60


def shapes() -> dict[str, Mask]:
    """Masks within WIDTH x HEIGHT."""
    return {
        "pixel": rectangle(3, 4, 1, 1),
        "first pixel": rectangle(0, 0, 1, 1),
        "last pixel": rectangle(WIDTH - 1, HEIGHT - 1, 1, 1),
        "row": rectangle(3, 4, 9, 1),
        "column": rectangle(3, 4, 1, 9),
        "rectangle": rectangle(10, 20, 5, 3),
        "whole picture": rectangle(0, 0, WIDTH, HEIGHT),
        "disc": disc(30.3, 25.6, 18.2),
        "ellipse": ellipse(30, 30, 20, 7, 33),
        "at the border": Mask.from_array(disc(0, 0, 12).crop[12:, 12:]),
        "concave": union(rectangle(5, 5, 20, 4), rectangle(5, 5, 4, 20), rectangle(5, 21, 20, 4)),
        "ring": ring(30, 30, 20, 10),
        "disc in a ring": union(ring(30, 30, 20, 14), disc(30, 30, 8)),
        "two parts": union(rectangle(0, 0, 5, 5), rectangle(20, 10, 4, 4)),
        "pixels that meet in a corner": Mask(7, 8, np.eye(2, dtype=bool)),
        "ring closed by a corner": Mask(7, 8, np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]], bool)),
        "holes that meet in a corner": Mask(
            7, 8, np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], bool)
        ),
        "chessboard": Mask(7, 8, np.indices((9, 9)).sum(axis=0) % 2 == 0),
    }


def random_masks(count: int, seed: int) -> list[Mask]:
    """Masks within WIDTH x HEIGHT, of any size and density."""
    random = np.random.default_rng(seed)
    return [random_mask(random, largest=int(random.integers(1, 41))) for _ in range(count)]


def every_mask(count: int = 150, seed: int = 5) -> list[Mask]:
    """All of shapes() and `count` random masks."""
    return [*shapes().values(), *random_masks(count, seed)]


def analysed(
    masks: Iterable[Mask],
    kinds: dict[int, Kind] | None = None,
    parents: dict[int, int] | None = None,
    size: PixelSize | None = None,
) -> tuple[Image, Analysis]:
    """A picture of WIDTH x HEIGHT and an analysis that found the masks in it, in their order."""
    grey = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH), np.uint8)
    kinds, parents = kinds or {}, parents or {}
    droplets = [
        measured(mask, grey, kinds.get(number, "droplet"), parents.get(number))
        for number, mask in enumerate(masks)
    ]
    return picture(grey), Analysis(droplets, len(droplets) + 3, {"edge": 2, "area": 1}, {}, size)


def filled(rings: Iterable[np.ndarray], width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """HxW bool: pixel (x, y) is in if (x + 0.5, y + 0.5) lies within an odd number of the rings."""
    canvas = np.zeros((height, width), bool)
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    for points in rings:
        for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
            if y0 == y1:
                continue
            crossed = (down > min(y0, y1)) & (down < max(y0, y1))
            at = x0 + (down[crossed] - y0) * (x1 - x0) / (y1 - y0)
            canvas[crossed] ^= across > at[:, None]
    return canvas
