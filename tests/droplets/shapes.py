"""Masks, droplets and pictures of known geometry."""

from __future__ import annotations

import numpy as np

from droplets.objects.measure import border_distance, intensity, shape
from droplets.types import BorderDistance, Droplet, Image, Intensity, Kind, Mask, Shape
from training.rendering.plain import Rendering


def ellipse(x: float, y: float, a: float, b: float, degrees: float = 0, **scores: float) -> Mask:
    """Pixels whose centres lie in the ellipse of half axes `a`, `b`, turned by `degrees`."""
    reach = max(a, b)
    left, top = int(np.floor(x - reach)), int(np.floor(y - reach))
    rows, columns = np.mgrid[top : np.ceil(y + reach) + 1, left : np.ceil(x + reach) + 1]
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    along = (columns - x) * cosine + (rows - y) * sine
    across = (rows - y) * cosine - (columns - x) * sine
    mask = Mask.from_array((along / a) ** 2 + (across / b) ** 2 <= 1, left, top, **scores)
    assert mask is not None
    return mask


def disc(x: float, y: float, radius: float, **scores: float) -> Mask:
    """Pixels whose centres lie in the circle."""
    return ellipse(x, y, radius, radius, **scores)


def rectangle(x: int, y: int, width: int, height: int, **scores: float) -> Mask:
    """All pixels of the box."""
    return Mask(x, y, np.ones((height, width), bool), **scores)


def union(*masks: Mask, **scores: float) -> Mask:
    """Every pixel of any of the masks."""
    left, top = min(m.x for m in masks), min(m.y for m in masks)
    width, height = max(m.x + m.width for m in masks) - left, max(m.y + m.height for m in masks) - top
    canvas = np.zeros((height, width), bool)
    for m in masks:
        canvas[m.y - top : m.y - top + m.height, m.x - left : m.x - left + m.width] |= m.crop
    return Mask(left, top, canvas, **scores)


def ring(x: float, y: float, outer: float, inner: float) -> Mask:
    """Pixels between two circles."""
    rim, hole = disc(x, y, outer), disc(x, y, inner)
    crop = rim.crop.copy()
    window = np.s_[
        hole.y - rim.y : hole.y - rim.y + hole.height, hole.x - rim.x : hole.x - rim.x + hole.width
    ]
    crop[window] &= ~hole.crop
    return Mask(rim.x, rim.y, crop)


def cut(mask: Mask, width: int, height: int) -> Mask:
    """What of the mask lies in the picture."""
    left, top = max(0, -mask.x), max(0, -mask.y)
    inside = mask.crop[top : height - mask.y, left : width - mask.x]
    found = Mask.from_array(inside, mask.x + left, mask.y + top)
    assert found is not None
    return found


def masks_of(rendering: Rendering, scale: float = 1.0) -> list[Mask]:
    """True droplets, cut off at the border, their radii `scale` times as large."""
    height, width = rendering.pixels.shape
    return [cut(disc(d.x, d.y, d.radius * scale), width, height) for d in rendering.droplets]


def in_frame(mask: Mask, width: int, height: int) -> np.ndarray:
    """HxW bool of the mask in a picture."""
    full = np.zeros((height, width), bool)
    full[mask.y : mask.y + mask.height, mask.x : mask.x + mask.width] = mask.crop
    return full


def random_array(random: np.random.Generator, largest: int = 40) -> np.ndarray:
    """HxW bool of any size and density, at least one pixel True."""
    height, width = random.integers(1, largest + 1, 2)
    full = random.random((height, width)) < random.choice([0.02, 0.2, 0.5, 0.9, 1.0])
    full[random.integers(height), random.integers(width)] = True
    return full


def random_mask(random: np.random.Generator, largest: int = 40) -> Mask:
    """A tight mask somewhere near the origin."""
    x, y = random.integers(0, 20, 2)
    mask = Mask.from_array(random_array(random, largest), int(x), int(y))
    assert mask is not None
    return mask


def picture(original: np.ndarray, bit_depth: int = 8) -> Image:
    """An Image of the stored values; what the model sees is their highest 8 bits."""
    shown = np.clip(original / 2.0 ** (bit_depth - 8), 0, 255).astype(np.uint8)
    pixels = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)
    return Image(pixels, original, bit_depth, "PNG")


def measured(mask: Mask, grey: np.ndarray, kind: Kind = "droplet", parent: int | None = None) -> Droplet:
    """A droplet with its true figures in HxW `grey`."""
    height, width = grey.shape
    return Droplet(
        mask, kind, parent, intensity(grey, mask), shape(mask), border_distance(mask, width, height)
    )


def figured(
    *,
    kind: Kind = "droplet",
    parent: int | None = None,
    area: int = 100,
    diameter: float = 10.0,
    circularity: float = 0.95,
    grey: tuple[float, float, float, float, float] = (100, 50, 150, 10, 101),
    border: tuple[int, int, int, int] = (20, 20, 20, 20),
) -> Droplet:
    """A droplet whose figures are just what is asked for; `grey` is mean, min, max, std, median."""
    return Droplet(
        rectangle(0, 0, area, 1),
        kind,
        parent,
        Intensity(*grey, pixels=area),
        Shape(diameter, diameter, 3 * diameter, circularity, 0.97),
        BorderDistance(*border),
    )
