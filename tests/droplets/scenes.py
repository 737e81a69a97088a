"""Pictures of droplets of any look, size, density, contrast and contents, with their truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from training.rendering.canvas import Canvas
from training.rendering.contents import Beads
from training.rendering.discs import pack_discs
from training.rendering.skins import Brightfield, Glow, Rim, Ring, Skin
from training.rendering.truth import Outline, circle

Disc = tuple[float, float, float]
"""x, y, radius in pixels."""
BLUR, NOISE = 0.6, 2.0
"""Standard deviations, in pixels and in grey levels."""
CLEAR = 2.0
"""Pixels by which the border cuts a disc or leaves it whole."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture, HxW uint8, and what it shows, with edges where they are seen."""

    pixels: np.ndarray
    droplets: list[Outline]
    beads: list[Outline]

    @property
    def whole(self) -> list[Outline]:
        """Droplets that the border does not cut."""
        height, width = self.pixels.shape
        return [
            one
            for one in self.droplets
            if min(one.x, one.y, width - 1 - one.x, height - 1 - one.y) > one.radius
        ]


@dataclass(frozen=True)
class Look:
    """How droplets are drawn, and the grey levels of the background."""

    skin: Skin
    ground: float

    def draw(
        self,
        discs: Sequence[Disc],
        size: tuple[int, int],
        random: np.random.Generator,
        *,
        contrast: float = 1.0,
        beads: Beads | None = None,
    ) -> Scene:
        """Discs in a picture of `size` (width, height); `contrast` is a factor on all that is not ground."""
        canvas, inside = Canvas.empty(*size), []
        droplets = [self.skin.draw(random, canvas, circle(*one)).blurred(BLUR) for one in discs]
        for one in droplets if beads else ():
            inside += beads.draw(random, canvas, one, rim=0.25)
        seen = self.ground * (1 + canvas.gain) * (1 - canvas.dark) + canvas.glow
        seen = self.ground + contrast * (cv2.GaussianBlur(seen, (0, 0), BLUR) - self.ground)
        seen += random.normal(0, NOISE, seen.shape)
        return Scene(np.clip(np.rint(seen), 0, 255).astype(np.uint8), droplets, inside)


LOOKS = {
    "dark rims": Look(Brightfield((Ring(0.6, 0.045, 0.11),), step=0.1), 150),
    "bright rims": Look(Brightfield((Ring(-0.5, 0.045, 0.11),)), 120),
    "broad rims": Look(Brightfield((Ring(0.9, 0.1, 0.2),)), 150),
    "dark field": Look(Rim(120, 0.03, 0.06, 0.0, 0.0, 0.1, 0.0), 20),
    "glow": Look(Glow(((150, 1.0),), 0.1, 0.6, 0.0, 0.05, 0.0), 10),
}


def packed(
    diameter: float, cover: float, size: tuple[int, int], random: np.random.Generator, touching: float = 0.0
) -> list[Disc]:
    """Discs over a part of a picture of `size` (width, height); the border cuts none of them by a hair."""
    count = max(3, round(cover * size[0] * size[1] / (np.pi * diameter**2 / 4)))
    radii = diameter / 2 * np.clip(random.normal(1, 0.03, count), 0.9, 1.1)
    centres = pack_discs(*size, radii, touching=touching, random=random)
    away = np.minimum(centres, np.array(size) - 1 - centres).min(axis=1)
    clear = np.abs(away - radii) > CLEAR
    return [(x, y, r) for x, y, r in np.column_stack([centres, radii])[clear].tolist()]
