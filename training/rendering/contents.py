"""What lies in droplets: beads, cells, cores of double emulsions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.rendering.canvas import Canvas, around
from training.rendering.skins import Brightfield, Glow
from training.rendering.truth import ANGLES, Outline, circle

LEAST_BEAD = 2.0
"""Pixels of radius under which a bead is not judged: half a cell of the head's answer."""
MOST = 60
"""Beads that are drawn in a droplet."""


@dataclass(frozen=True)
class Beads:
    """Small things in droplets.

    Attributes:
        mean: of the Poisson distribution of their number.
        size: radius in parts of the droplet's.
        look: "dark", "bright", "outlined", "cell" or "glow".
        contrast: 0 to 1.
        at_wall: share that lies at the droplet's wall.
        irregular: standard deviation of the outline in parts of the radius.
        apart: radii by which the centres of two are apart at least; under 2 they lie over each other.
    """

    mean: float
    size: float
    look: str
    contrast: float
    at_wall: float
    irregular: float
    apart: float

    @classmethod
    def any(cls, random: np.random.Generator, *, glowing: bool) -> Beads:
        """Any; those that glow if the picture does."""
        look = "glow" if glowing else str(random.choice(["dark", "bright", "outlined", "cell", "outlined"]))
        return cls(
            mean=float(random.choice([0.15, 0.5, 1.0, 2.5, 7.0, 20.0, 40.0])),
            size=float(np.exp(random.uniform(np.log(0.04), np.log(0.3)))),
            look=look,
            contrast=random.uniform(0.15, 0.9),
            at_wall=random.choice([0, 0.2, 0.7]),
            irregular=random.choice([0, 0, 0.12]) if look != "cell" else random.uniform(0.05, 0.2),
            apart=random.choice([1.1, 1.7, 2.0]),
        )

    def draw(self, random: np.random.Generator, canvas: Canvas, host: Outline, rim: float) -> list[Outline]:
        """Into a droplet whose dark rim takes the outer `rim` of its radius; what was drawn."""
        drawn: list[Outline] = []
        reach = float(host.radii.min()) * (1 - rim)
        for _ in range(min(int(random.poisson(self.mean)), MOST)):
            radius = self.size * host.radius * random.uniform(0.8, 1.25)
            if radius < 0.9 or radius > 0.7 * reach:
                continue
            angle = random.uniform(0, 2 * np.pi)
            away = 1.0 if random.uniform() < self.at_wall else np.sqrt(random.uniform())
            away *= max(reach - radius, 0)
            x, y = host.x + away * np.cos(angle), host.y + away * np.sin(angle)
            if any((one.x - x) ** 2 + (one.y - y) ** 2 < (self.apart * radius) ** 2 for one in drawn):
                continue
            drawn.append(self.one(random, canvas, x, y, radius))
        return drawn

    def one(self, random: np.random.Generator, canvas: Canvas, x: float, y: float, radius: float) -> Outline:
        """A single one, also outside droplets."""
        radii = np.full(len(ANGLES), radius)
        for wave in (2, 3, 5):
            if self.irregular:
                radii = radii * (
                    1 + self.irregular * random.normal() * np.cos(wave * ANGLES + random.uniform(0, 6.28)) / 2
                )
        outline = Outline(
            float(x),
            float(y),
            np.clip(radii, 0.5 * radius, 1.6 * radius),
            inner=True,
            bead=True,
            counts=radius >= LEAST_BEAD,
        )
        near = around(canvas.gain.shape, outline, 0.8 * radius + 3)
        if near is None:
            return outline
        part = near.from_centre / radius
        width = max(0.6, 0.22 * radius)
        rim = np.exp(-0.5 * ((near.signed + width) / width) ** 2)
        disc = 0.5 - 0.5 * np.tanh(np.clip(2 * near.signed / max(0.8, 0.2 * radius), -15, 15))
        strength = self.contrast * random.uniform(0.7, 1.1)
        if self.look == "glow":
            canvas.glow[near.window] += (
                200 * strength * np.asarray(disc * (1 - 0.4 * part.clip(0, 1) ** 2), np.float32)
            )
        elif self.look == "dark":
            np.maximum(canvas.dark[near.window], strength * disc, out=canvas.dark[near.window])
        elif self.look == "bright":
            canvas.gain[near.window] += np.asarray(strength * disc, np.float32)
        else:
            np.maximum(canvas.dark[near.window], 0.7 * strength * rim, out=canvas.dark[near.window])
            middle = np.exp(-0.5 * (part / random.uniform(0.25, 0.6)) ** 2)
            sign = 1 if self.look == "outlined" else random.choice([-0.6, 0.8])
            canvas.gain[near.window] += np.asarray(sign * strength * middle * disc, np.float32)
        return outline


@dataclass(frozen=True)
class Cores:
    """Inner droplets of double emulsions.

    Attributes:
        skin: how they look.
        size: radius in parts of the shell's, of a single one.
        most: number of cores at most.
        share: of the droplets that have any.
        centred: 1 for concentric ones, 0 for ones that touch the shell.
    """

    skin: Brightfield | Glow
    size: float
    most: int
    share: float
    centred: float

    @classmethod
    def any(cls, random: np.random.Generator, skin: Brightfield | Glow) -> Cores:
        """Any, in the skin of the shells or another one."""
        own = random.uniform() < 0.5
        other: Brightfield | Glow = Glow.any(random) if isinstance(skin, Glow) else Brightfield.any(random)
        return cls(
            skin=skin if own else other,
            size=random.uniform(0.4, 0.9),
            most=int(random.choice([1, 1, 1, 2, 4])),
            share=random.choice([0.3, 0.7, 1.0]),
            centred=random.choice([0, 0.5, 1]),
        )

    def draw(self, random: np.random.Generator, canvas: Canvas, host: Outline) -> list[Outline]:
        """Into a droplet; what was drawn."""
        if random.uniform() > self.share:
            return []
        number = int(random.integers(1, self.most + 1))
        drawn: list[Outline] = []
        least = float(host.radii.min())
        for _ in range(number):
            radius = least * self.size * random.uniform(0.92, 1.05) / (1 if number == 1 else number**0.6)
            radius = min(radius, 0.93 * least)
            if radius < 3:
                continue
            away = (
                (least - radius) * (1 - self.centred) * (random.uniform(0.3, 0.97) if number == 1 else 0.95)
            )
            angle = random.uniform(0, 2 * np.pi)
            core = circle(host.x + away * np.cos(angle), host.y + away * np.sin(angle), radius, inner=True)
            if all(np.hypot(one.x - core.x, one.y - core.y) > one.radius + radius for one in drawn):
                drawn.append(self.skin.draw(random, canvas, core))
        return drawn
