"""Lookup tables are told from single hues and from photographs of dyes, also with a scale bar and in JPEG."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import cv2
import matplotlib as mpl
import numpy as np
import pytest

from droplets.annotations.settings import AnnotationSettings
from droplets.ddpcr.false_colours import in_false_colours
from droplets.ddpcr.settings import DdpcrSettings
from training.rendering.bars import draw_bar
from training.rendering.plain import render_fluorescence

TABLES = (
    *(
        "jet",
        "rainbow",
        "gist_rainbow",
        "turbo",
        "viridis",
        "plasma",
        "inferno",
        "cool",
        "gnuplot",
        "gnuplot2",
    ),
    *("CMRmap", "winter", "Spectral"),
)
GROWING = ("hot", "bone", "copper", "autumn")
FIRE = (
    (0, 1, 49, 98, 146, 173, 195, 217, 240, 255, 255, 255, 255, 255, 255, 255),
    (0, 0, 0, 0, 0, 0, 14, 57, 101, 133, 161, 190, 219, 248, 255, 255),
    (0, 96, 165, 220, 210, 151, 93, 35, 0, 0, 0, 0, 0, 35, 160, 255),
)
"""Red, green and blue along ImageJ's table of this name."""
HUES = {"green": (0, 1, 0), "red": (1, 0, 0), "cyan": (0, 1, 1), "a green dye": (0.25, 1, 0.12)}
SIZES = ((256, 0.02), (512, 0.3))
"""Sides of the pictures, and the share of droplets that are bright."""


@cache
def light(size: int, bright: float, seed: int = 1) -> np.ndarray:
    """HxW of 0 to 1."""
    diameter = max(14, size / 24)
    count = int(0.45 * size**2 / (np.pi * diameter**2 / 4))
    seen = render_fluorescence(
        size, size, count=count, diameter=diameter, positive_fraction=bright, seed=seed
    ).pixels.astype(float)
    return np.clip((seen - np.quantile(seen, 0.005)) / np.ptp(seen), 0, 1)


def table(name: str) -> np.ndarray:
    """256x3 bytes."""
    if name == "Fire":
        levels = np.linspace(0, 15, 256)
        return np.stack([np.interp(levels, range(16), one) for one in FIRE], axis=1).astype(np.uint8)
    if name in HUES:
        return (np.arange(256)[:, None] * np.array(HUES[name])).astype(np.uint8)
    return (255 * mpl.colormaps[name](np.arange(256))[:, :3]).astype(np.uint8)


def photographs(size: int, bright: float) -> Iterator[np.ndarray]:
    """HxWx3 of one, two and three dyes, of one that saturates, and of one on grey, with noise."""
    one, other, third = (light(size, bright, seed)[..., None] for seed in (1, 2, 3))
    red, green, blue = np.eye(3)
    noise = np.random.default_rng(0).normal(0, 2, (size, size, 3))
    for seen in (
        one * (30, 230, 50),
        one * (130, 640, 180),
        230 * (one * red + other * green),
        230 * (one * green + other * 0.6 * blue),
        210 * (one * red + other * green + third * blue),
        115 + 135 * one * green,
    ):
        yield np.clip(seen + 6 + noise, 0, 255).astype(np.uint8)


def labelled(pixels: np.ndarray, label: tuple[int, int, int] | None) -> np.ndarray:
    size = len(pixels)
    bar = (int(0.65 * size), int(0.9 * size), size // 4, max(4, size // 70))
    return draw_bar(pixels, bar=bar, size=max(12, size // 20), label=label)


def ways(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
    """The picture as it is, and with white writing on it, in the larger ones on a black ground."""
    return pixels, labelled(pixels, None if len(pixels) < 300 else (0, 0, 0))


def compressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def refused(pixels: np.ndarray) -> bool:
    return in_false_colours(pixels, DdpcrSettings(), AnnotationSettings())


@pytest.mark.parametrize(("size", "bright"), SIZES)
def test_tables_are_told_however_few_droplets_are_bright(size, bright):
    levels = (255 * light(size, bright)).astype(np.uint8)
    assert all(refused(shown) for name in (*TABLES, "Fire") for shown in ways(table(name)[levels]))


@pytest.mark.parametrize(("size", "bright"), SIZES)
def test_single_hues_tables_that_grow_and_photographs_are_taken(size, bright):
    levels = (255 * light(size, bright)).astype(np.uint8)
    shown = [table(name)[levels] for name in (*GROWING, *HUES)]
    for pixels in (*shown, *photographs(size, bright)):
        assert not any(refused(one) for one in (*ways(pixels), compressed(pixels, 92)))


def test_most_tables_are_told_after_compression_too():
    levels = (255 * light(600, 0.1)).astype(np.uint8)
    told = [refused(compressed(table(name)[levels], 92)) for name in (*TABLES, "Fire")]
    assert np.mean(told) >= 0.85


def test_a_picture_without_light_is_in_no_table():
    assert not refused(np.zeros((64, 64, 3), np.uint8))
    assert not refused(np.random.default_rng(0).integers(0, 24, (64, 64, 3), np.uint8))
