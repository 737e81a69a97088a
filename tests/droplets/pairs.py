"""Rendered pairs of brightfield and fluorescence with known shift, drift and positives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from droplets.types import Droplet, Mask
from tests.droplets.shapes import disc, measured
from training.rendering.discs import pack_discs
from training.rendering.plain import TrueDroplet, render_pair

MARGIN = 90  # pixels around the picture that droplets may come from


@dataclass(frozen=True)
class Pair:
    """Two pictures, the droplets of the brightfield (by truth, no model), and where they went."""

    brightfield: np.ndarray
    fluorescence: np.ndarray
    droplets: list[Droplet]
    truth: list[TrueDroplet]
    moved: np.ndarray

    @property
    def masks(self) -> list[Mask]:
        return [droplet.mask for droplet in self.droplets]

    @property
    def centres(self) -> np.ndarray:
        return np.array([(droplet.x, droplet.y) for droplet in self.truth])

    @property
    def counted(self) -> np.ndarray:
        """Truth of what lies wholly in both pictures, with a pixel to spare for rounding."""
        reach = np.array([droplet.radius for droplet in self.truth])[:, None] + 2
        limits = np.array(self.fluorescence.shape[::-1]) - 1
        whole = [(p >= reach) & (p <= limits - reach) for p in (self.centres, self.moved)]
        return np.all(whole, axis=(0, 2))


@lru_cache(maxsize=64)
def pair(
    *,
    size=512,
    radius=12.0,
    cv=0.02,
    fill=0.75,
    lattice=False,
    positives=0.1,
    negative=900.0,
    positive=9000.0,
    spread=0.08,
    shift=(0.0, 0.0),
    drift=0.0,
    seed=0,
) -> Pair:
    """`drift` is the largest displacement in pixels of a smooth field besides the shift."""
    random = np.random.default_rng(seed)
    field = size + 2 * MARGIN
    if lattice:
        centres = hexagons(field, 2.05 * radius, random)
    else:
        count = int(fill * field**2 / (2 * np.sqrt(3) * (radius + 0.5) ** 2))
        centres = pack_discs(field, field, np.full(count, radius * (1 + 2 * cv)), touching=0, random=random)
    centres -= MARGIN
    radii = radius * np.clip(random.normal(1, cv, len(centres)), 1 - 2 * cv, 1 + 2 * cv)
    glows = random.permutation(len(centres)) < round(positives * len(centres))
    light = np.where(glows, positive, negative) * np.clip(random.normal(1, spread, len(centres)), 0.5, 1.5)
    droplets = [
        TrueDroplet(x, y, r, False, positive=bool(g), intensity=float(i))
        for (x, y), r, g, i in zip(centres.tolist(), radii.tolist(), glows, light, strict=True)
    ]
    moved = centres + shift + drifted(centres, size, drift)
    bright, fluorescence = render_pair(size, size, droplets, moved, seed=seed)
    seen = np.all((centres > radii[:, None] + 1) & (centres < size - 2 - radii[:, None]), axis=1)
    truth = [droplet for droplet, inside in zip(droplets, seen, strict=True) if inside]
    found = [measured(disc(d.x, d.y, d.radius), bright.pixels) for d in truth]
    return Pair(bright.pixels, fluorescence.pixels, found, truth, moved[seen])


def drifted(points: np.ndarray, size: int, largest: float) -> np.ndarray:
    """A slow swirl, at most `largest` pixels."""
    x, y = (2 * points / size - 1).T
    field = np.stack([np.sin(1.3 * y + 0.4 * x), np.cos(1.1 * x - 0.5 * y) - 0.8], axis=1)
    return largest * field / np.hypot(*field.T).max()


def hexagons(field: int, pitch: float, random: np.random.Generator) -> np.ndarray:
    """A hexagonal raft, a little turned and shaken, with a few holes."""
    rows, columns = np.mgrid[-60:60, -60:60].reshape(2, -1)
    sites = np.stack([columns + rows / 2, rows * np.sqrt(3) / 2], axis=1) * pitch
    angle = np.radians(7)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    sites = sites @ turn.T + field / 2
    sites = sites[np.all((sites > 0) & (sites < field), axis=1)]
    sites = sites[random.random(len(sites)) > 0.03]
    return sites + random.normal(0, 0.02 * pitch, sites.shape)
