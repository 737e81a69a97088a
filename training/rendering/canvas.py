"""Planes that a picture is drawn on, and the part of them around an object.

Light passes through one layer after the other: a brightfield picture is the product of what each of them
lets pass. Glowing things add up, and paint covers what is under it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.rendering.truth import CORNERS, Outline

Plane = NDArray[np.float32]


@dataclass(eq=False)
class Canvas:
    """Planes of HxW float32.

    Attributes:
        gain: added to the light passing, in parts of the background.
        dark: part of the light that is kept from passing, 0 to 1; the darker of two counts.
        glow: light that objects give, in grey levels.
        inside: how far a pixel lies in objects, 0 to 1: where their colour shows.
    """

    gain: Plane
    dark: Plane
    glow: Plane
    inside: Plane

    @classmethod
    def empty(cls, width: int, height: int) -> Canvas:
        """Nothing drawn yet."""
        return cls(*(np.zeros((height, width), np.float32) for _ in range(4)))


@dataclass(frozen=True, eq=False)
class Around:
    """The pixels around an object.

    Attributes:
        window: rows and columns of the picture.
        across, down: hxw, distances from the object's centre in pixels.
        from_centre: hxw.
        signed: hxw, distance to the outline in pixels, negative inside.
        radius: of the object in pixels.
    """

    window: tuple[slice, slice]
    across: Plane
    down: Plane
    from_centre: Plane
    signed: Plane
    radius: float


def around(shape: tuple[int, int], outline: Outline, reach: float) -> Around | None:
    """Pixels within `reach` of the outline; None where the picture shows none of them."""
    most = float(outline.radii.max()) + reach
    left, right = max(0, int(outline.x - most)), min(shape[1], int(outline.x + most) + 2)
    top, bottom = max(0, int(outline.y - most)), min(shape[0], int(outline.y + most) + 2)
    if left >= right or top >= bottom:
        return None
    columns = np.arange(left, right, dtype=np.float32)[None] - np.float32(outline.x)
    rows = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(outline.y)
    across, down = np.broadcast_arrays(columns, rows)
    distance = np.sqrt(across**2 + down**2)
    window = (slice(top, bottom), slice(left, right))
    signed = _signed(outline, across, down, distance)
    return Around(window, across, down, distance, signed, outline.radius)


def _signed(outline: Outline, across: Plane, down: Plane, distance: Plane) -> Plane:
    """Distance to the outline along the ray, times the cosine between ray and normal."""
    radii = outline.radii.astype(np.float32)
    if np.ptp(radii) < 1e-6:
        return np.asarray(distance - radii[0], np.float32)
    steps = (np.arctan2(down, across) * np.float32(CORNERS / (2 * np.pi))) % CORNERS
    first = steps.astype(np.int32) % CORNERS
    part = steps - np.floor(steps)
    slope = (np.roll(radii, -1) - np.roll(radii, 1)) * np.float32(CORNERS / (4 * np.pi))
    cosine = 1 / np.sqrt(1 + (slope / radii) ** 2)
    second = (first + 1) % CORNERS
    along = radii[first] * (1 - part) + radii[second] * part
    lean = cosine[first] * (1 - part) + cosine[second] * part
    return np.asarray((distance - along) * lean, np.float32)


def smooth_field(
    random: np.random.Generator, width: int, height: int, waves: tuple[float, float], strength: float
) -> Plane:
    """HxW: smooth random field with about so many waves across and down, of standard deviation `strength`."""
    size = (max(2, int(waves[1]) + 1), max(2, int(waves[0]) + 1))
    coarse = random.normal(size=size).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(strength * field, np.float32)


def edge(signed: Plane, width: float) -> Plane:
    """1 inside, 0 outside, one half on the outline; `width` pixels from 0.88 to 0.12."""
    return np.asarray(0.5 - 0.5 * np.tanh(np.clip(signed * (2 / max(width, 0.3)), -15, 15)), np.float32)
