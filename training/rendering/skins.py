"""How droplets look: a skin is drawn once a picture and lays each object of it on the canvas.

The truth is the outer edge of whatever shows the object: where its outermost rim has half its height, or
where the inside has gone half way to the outside if there is no rim; both as the camera sees them, so
that blur moves the edge of a thin rim outwards and that of a ball of light inwards (`Outline.blurred`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from training.rendering.canvas import Canvas, Plane, around, edge, smooth_field
from training.rendering.truth import Outline, Profile

HALF_MAXIMUM = 1.1774
"""Of a Gaussian, in standard deviations."""


class Skin(Protocol):
    """A way to look."""

    def draw(self, random: np.random.Generator, canvas: Canvas, outline: Outline) -> Outline:
        """Lay an object on the canvas; returns it with what shows its edge."""


@dataclass(frozen=True)
class Ring:
    """A rim: Gaussian flanks, of different width outside and inside.

    Attributes:
        depth: 0 to 1, part of the light it takes; negative for a bright rim.
        outer, inner: standard deviations in parts of the radius.
        at: where its outer half height lies, in parts of the radius from the outline, negative inside.
    """

    depth: float
    outer: float
    inner: float
    at: float = 0.0

    def height(self, signed: Plane, radius: float, blur: float) -> Plane:
        """0 to 1."""
        outer, inner = max(0.7, self.outer * radius * blur), max(0.9, self.inner * radius * blur)
        offset = signed - self.at * radius + HALF_MAXIMUM * outer
        return np.asarray(np.exp(-0.5 * (offset / np.where(offset > 0, outer, inner)) ** 2), np.float32)

    def shows(self, radius: float) -> Profile:
        """The profile of a rim of an object of that radius."""
        return lambda signed: self.height(np.asarray(signed * radius, np.float32), radius, 1.0)


@dataclass(frozen=True)
class Brightfield:
    """Rims around a lens, under light from straight ahead or from the side.

    Attributes:
        rings: outermost first.
        step: gain of the whole inside over the background.
        dome, spot, halo: gain that grows towards the edge, in the middle, and just outside.
        spot_size: standard deviation in parts of the radius.
        light: direction that the light comes from, in radians.
        slope: gain across the inside towards the light.
        one_sided: how much the rims differ between the two sides, 0 to 1 (over 1: bright on one side).
        uneven: how much the rims' strength varies along them, by chance.
        grain: standard deviation of the texture inside, in parts of the background.
        softness: width of the inside's edge in parts of the radius.
        contrast: factor on all of it.
        variety: standard deviation of the logarithm of each object's contrast, of its focus and of its tone.
    """

    rings: tuple[Ring, ...]
    step: float = 0.0
    dome: float = 0.0
    spot: float = 0.0
    spot_size: float = 0.25
    halo: float = 0.0
    light: float = 0.0
    slope: float = 0.0
    one_sided: float = 0.0
    uneven: float = 0.0
    grain: float = 0.0
    softness: float = 0.05
    contrast: float = 1.0
    variety: tuple[float, float, float] = (0.05, 0.05, 0.0)

    @classmethod
    def any(cls, random: np.random.Generator) -> Brightfield:
        """Any dark ring, bright rim, faint step or relief."""
        kind = random.choice(
            ["ring", "broad", "bright", "step", "relief", "thin"], p=[0.34, 0.22, 0.1, 0.13, 0.1, 0.11]
        )
        depth = random.uniform(0.25, 0.95)
        outer, inner = (
            np.exp(random.uniform(np.log(0.015), np.log(0.09))),
            np.exp(random.uniform(np.log(0.03), np.log(0.2))),
        )
        if kind == "broad":
            outer, inner = random.uniform(0.03, 0.1), random.uniform(0.1, 0.35)
        elif kind == "thin":
            outer, inner, depth = (
                random.uniform(0.008, 0.03),
                random.uniform(0.008, 0.04),
                random.uniform(0.15, 0.8),
            )
        elif kind == "bright":
            depth = -random.uniform(0.1, 0.7)
        elif kind == "step":
            depth = 0.0
        elif kind == "relief":
            depth = random.uniform(0.2, 0.7)
        rings = [Ring(depth, outer, inner)] if depth else []
        if depth and random.uniform() < 0.45:  # a Becke line, or the inner of two rims
            second = -np.sign(depth) if random.uniform() < 0.7 else np.sign(depth)
            at = -(HALF_MAXIMUM * (outer + inner) + random.uniform(0, 0.25))
            rings.append(
                Ring(
                    float(second * random.uniform(0.1, 0.5)),
                    random.uniform(0.01, 0.05),
                    random.uniform(0.01, 0.08),
                    at,
                )
            )
        if random.uniform() < 0.15:  # rings within, of lenses and shells out of focus
            rings += [
                Ring(
                    random.uniform(-0.3, 0.3),
                    random.uniform(0.01, 0.06),
                    random.uniform(0.01, 0.06),
                    -random.uniform(0.25, 0.8),
                )
                for _ in range(random.integers(1, 4))
            ]
        step = (
            random.choice([-1, 1]) * random.uniform(0.06, 0.5)
            if kind == "step"
            else random.choice([0, 1]) * random.normal(0, 0.15)
        )
        return cls(
            rings=tuple(rings),
            step=float(np.clip(step, -0.7, 0.6)),
            dome=random.choice([0, 1]) * random.uniform(-0.25, 0.25),
            spot=random.choice([0, 0, 0, 1]) * random.uniform(-0.5, 0.6),
            spot_size=random.uniform(0.08, 0.45),
            halo=random.choice([0, 0, 1]) * random.uniform(0, 0.3),
            light=random.uniform(0, 2 * np.pi),
            slope=random.choice([0, 0.1, 0.25]) if kind != "relief" else random.uniform(0, 0.4),
            one_sided=random.choice([0, 0.15, 0.4, 0.8]) if kind != "relief" else random.uniform(0.9, 2.0),
            uneven=random.choice([0, 0, 0, 0, 0.25, 0.5]),
            grain=random.choice([0, 0, 0, 0.03, 0.1]),
            softness=random.choice([0.02, 0.05, 0.12]),
            contrast=random.uniform(0.08, 0.35) if random.uniform() < 0.25 else 1.0,
            variety=(
                random.choice([0.03, 0.1, 0.4]),
                random.choice([0.03, 0.1, 0.4]),
                random.choice([0, 0, 0.04, 0.12]),
            ),
        )

    def draw(self, random: np.random.Generator, canvas: Canvas, outline: Outline) -> Outline:
        """Rims go to `dark` or `gain` by their sign, all else to `gain`."""
        radius = outline.radius
        near = around(canvas.gain.shape, outline, 0.35 * radius + 4)
        if near is None:
            return outline
        strength, focus = (float(np.exp(random.normal(0, value))) for value in self.variety[:2])
        strength *= self.contrast
        inside = edge(near.signed, max(0.8, self.softness * radius))
        towards = (near.across * np.cos(self.light) + near.down * np.sin(self.light)) / max(radius, 1)
        part = near.from_centre / max(radius, 1)
        tone = self.step + self.slope * towards + self.dome * part**2 + random.normal(0, self.variety[2])
        if self.spot:
            tone = tone + self.spot * np.exp(-0.5 * (part / self.spot_size) ** 2)
        if self.grain and radius > 6:
            size = (
                near.signed.shape[1] / random.uniform(1.5, 4),
                near.signed.shape[0] / random.uniform(1.5, 4),
            )
            tone = tone + smooth_field(random, near.signed.shape[1], near.signed.shape[0], size, self.grain)
        gain = strength * inside * tone
        if self.halo:
            width = max(1.0, 0.08 * radius)
            gain = gain + strength * self.halo * np.exp(-0.5 * ((near.signed - width) / width) ** 2) * (
                near.signed > 0
            )
        side = 1 - self.one_sided * towards
        if self.uneven:
            turn = np.arctan2(near.down, near.across)
            for wave in random.integers(2, 10, 3).tolist():
                side = side * (1 + self.uneven * np.cos(wave * turn + random.uniform(0, 6.28)))
        for ring in self.rings:
            light = (
                strength
                * abs(ring.depth)
                * random.uniform(0.9, 1.1)
                * ring.height(near.signed, radius, focus)
                * side
            )
            if ring.depth > 0:
                taken = np.clip(light, 0, 0.97)
                np.maximum(canvas.dark[near.window], taken, out=canvas.dark[near.window])
                gain = gain - np.minimum(light, 0)
            else:
                gain = gain + light
        canvas.gain[near.window] += gain
        np.maximum(canvas.inside[near.window], inside, out=canvas.inside[near.window])
        return replace(outline, shown_by=self.rings[0].shows) if self.rings else outline


@dataclass(frozen=True)
class Glow:
    """Light from within: a ball, a disc or a shell, of one of several levels.

    Attributes:
        levels: grey levels at the middle, and the share of objects of each.
        spread: standard deviation over mean of the objects of a level.
        flat: 0 for a ball, 1 for a disc.
        shell: part of the light that comes from the rim.
        softness: width of the edge in parts of the radius.
        grain: standard deviation of the texture over the level.
        adds: whether light adds up where objects overlap, as of several layers; else the brighter one counts.
    """

    levels: tuple[tuple[float, float], ...]
    spread: float
    flat: float
    shell: float
    softness: float
    grain: float
    adds: bool = False

    @classmethod
    def any(cls, random: np.random.Generator) -> Glow:
        """One, two or three populations."""
        bright = random.uniform(25, 220)
        kinds = random.choice(["one", "two", "three"], p=[0.35, 0.5, 0.15])
        share = float(random.choice([random.uniform(0.02, 0.15), random.uniform(0.1, 0.9)]))
        dim = bright / float(np.exp(random.uniform(np.log(1.6), np.log(20))))
        levels = {
            "one": ((bright, 1.0),),
            "two": ((bright, share), (dim, 1 - share)),
            "three": ((bright, share / 2), (dim, 1 - share), (random.uniform(dim, bright), share / 2)),
        }[str(kinds)]
        return cls(
            levels=levels,
            spread=random.choice([0.02, 0.08, 0.2, 0.4]),
            flat=random.uniform(0.15, 1),
            shell=random.choice([0, 0, 0, 0.3, 0.8]),
            softness=random.choice([0.03, 0.1, 0.3]),
            grain=random.choice([0, 0, 0.05, 0.2]),
            adds=bool(random.uniform() < 0.3),
        )

    def draw(self, random: np.random.Generator, canvas: Canvas, outline: Outline) -> Outline:
        """Onto `glow`."""
        near = around(canvas.glow.shape, outline, 3 + 0.4 * self.softness * outline.radius)
        if near is None:
            return outline
        values, shares = zip(*self.levels, strict=True)
        level = random.choice(values, p=np.array(shares) / sum(shares)) * np.clip(
            random.normal(1, self.spread), 0.25, 2
        )
        inside = edge(near.signed, max(0.8, self.softness * outline.radius))
        shape = self._shape(near.signed, outline.radius)
        if self.grain and outline.radius > 5:
            across = (
                near.signed.shape[1] / random.uniform(1.5, 5),
                near.signed.shape[0] / random.uniform(1.5, 5),
            )
            shape = shape * (
                1 + smooth_field(random, near.signed.shape[1], near.signed.shape[0], across, self.grain)
            )
        light = np.asarray(level * shape, np.float32)
        if self.adds:
            canvas.glow[near.window] += light
        else:
            np.maximum(canvas.glow[near.window], light, out=canvas.glow[near.window])
        np.maximum(canvas.inside[near.window], inside, out=canvas.inside[near.window])
        return replace(outline, shown_by=self.shows)

    def shows(self, radius: float) -> Profile:
        """The profile of an object of that radius."""
        return lambda signed: self._shape(np.asarray(signed * radius, np.float32), radius)

    def _shape(self, signed: Plane, radius: float) -> Plane:
        """Light over that in the middle, at distances from the outline in pixels."""
        depth = np.clip(1 - (1 + np.minimum(signed, 0) / max(radius, 1)) ** 2, 0, 1)
        shape = self.flat * edge(signed, max(0.8, self.softness * radius)) + (1 - self.flat) * np.sqrt(depth)
        if self.shell:
            rim = np.exp(-0.5 * ((signed / max(radius, 1) + 0.1) / 0.07) ** 2)
            shape = (1 - self.shell) * shape + self.shell * rim
        return np.asarray(shape, np.float32)


@dataclass(frozen=True)
class Rim:
    """Dark field: bright rims on dark, thin or broad, even or lit from one side; glints within.

    Attributes:
        level: grey levels of the rim.
        outer, inner: standard deviations of its flanks in parts of the radius.
        light, one_sided: as in `Brightfield`.
        body: level of the inside over the rim's.
        glint: level of a glint over the rim's.
    """

    level: float
    outer: float
    inner: float
    light: float
    one_sided: float
    body: float
    glint: float

    @classmethod
    def any(cls, random: np.random.Generator) -> Rim:
        """Any."""
        return cls(
            level=random.uniform(30, 200),
            outer=random.uniform(0.01, 0.07),
            inner=random.uniform(0.02, 0.2),
            light=random.uniform(0, 2 * np.pi),
            one_sided=random.choice([0, 0, 0.4, 0.9]),
            body=random.choice([0, 0.1, 0.3]),
            glint=random.choice([0, 0, 0.6]),
        )

    def draw(self, random: np.random.Generator, canvas: Canvas, outline: Outline) -> Outline:
        """Onto `glow`."""
        near = around(canvas.glow.shape, outline, 0.25 * outline.radius + 4)
        if near is None:
            return outline
        radius = outline.radius
        towards = (near.across * np.cos(self.light) + near.down * np.sin(self.light)) / max(radius, 1)
        shape = Ring(1, self.outer, self.inner).height(near.signed, radius, 1) * np.clip(
            1 + self.one_sided * towards, 0, 2
        )
        inside = edge(near.signed, max(0.8, 0.03 * radius))
        shape = shape + self.body * inside
        if self.glint:
            x, y = 0.5 * radius * np.cos(self.light), 0.5 * radius * np.sin(self.light)
            away = (near.across - x) ** 2 + (near.down - y) ** 2
            shape = shape + self.glint * np.exp(-0.5 * away / max(0.8, 0.1 * radius) ** 2)
        canvas.glow[near.window] += self.level * random.uniform(0.8, 1.2) * shape
        np.maximum(canvas.inside[near.window], inside, out=canvas.inside[near.window])
        return replace(outline, shown_by=Ring(1, self.outer, self.inner).shows)


@dataclass(frozen=True)
class Sphere:
    """Geometric optics: parallel light through a ball, of which a lens collects a cone.

    A ray that meets the ball at the part b of its radius is bent by 2 (arcsin b - arcsin(b / n)), n being
    the ratio of the refractive indices (Snell); what is bent beyond the lens's aperture is dark. Light is
    spread by the bending, and the picture is in focus above or below the ball's middle.

    Attributes:
        index: n, inside over outside.
        aperture: largest bending collected, in radians.
        focus: of the plane that is sharp over the ball's middle, in radii.
        softness: of the aperture's edge, in radians.
    """

    index: float
    aperture: float
    focus: float
    softness: float

    @classmethod
    def any(cls, random: np.random.Generator) -> Sphere:
        """Water in oil, oil in water and air bubbles."""
        return cls(
            index=random.choice(
                [random.uniform(0.9, 0.98), random.uniform(1.02, 1.12), random.uniform(0.72, 0.8)]
            ),
            aperture=random.uniform(0.05, 0.4),
            focus=random.uniform(-0.8, 0.8),
            softness=random.uniform(0.01, 0.08),
        )

    def draw(self, random: np.random.Generator, canvas: Canvas, outline: Outline) -> Outline:  # noqa: ARG002
        """Rays of a fine fan are counted where they seem to come from in the plane of focus."""
        radius = outline.radius
        near = around(canvas.gain.shape, outline, 2 + 0.1 * radius)
        if near is None:
            return outline
        entry = (np.arange(4000) + 0.5) / 4000
        inner = np.clip(entry / self.index, -1, 1)
        bend = 2 * (np.arcsin(entry) - np.arcsin(inner))
        bend[entry / self.index >= 1] = np.pi
        through = 1 / (1 + np.exp((np.abs(bend) - self.aperture) / self.softness))
        # Virtual height at the plane of focus of the ray that leaves towards the lens.
        leaves = np.sin(np.arcsin(entry) - bend)
        seen = np.clip(np.abs(leaves - self.focus * np.tan(np.clip(bend, -1, 1))), 0, 1.2)
        bins = np.linspace(0, 1.0, 60)
        light = np.histogram(seen, bins, weights=through * entry)[0]
        even = np.histogram(entry, bins, weights=entry)[0]
        profile = np.convolve(
            np.pad(light / np.maximum(even, 1e-9), 2, mode="edge"), [0.1, 0.2, 0.4, 0.2, 0.1], "valid"
        )
        middle = (bins[1:] + bins[:-1]) / 2
        part = np.clip(1 + near.signed / max(radius, 1), 0, 1)
        gain = (np.clip(np.interp(part, middle, profile), 0, 2.5) - 1).astype(np.float32)
        inside = edge(near.signed, 1.0)
        canvas.gain[near.window] += np.asarray(gain * inside, np.float32)
        np.maximum(canvas.inside[near.window], inside, out=canvas.inside[near.window])
        return outline


@dataclass(frozen=True)
class Paint:
    """An opaque or stained disc: drawings, stains, dyed droplets.

    Attributes:
        level: gain inside, -1 for black.
        softness: width of the edge in pixels.
        shade: gain from one side to the other.
    """

    level: float
    softness: float
    shade: float

    @classmethod
    def any(cls, random: np.random.Generator) -> Paint:
        """Any."""
        return cls(
            level=random.choice([-1, 1]) * random.uniform(0.15, 0.98),
            softness=random.choice([0.5, 1.0, 2.5]),
            shade=random.choice([0, 0, 0.15]),
        )

    def draw(self, random: np.random.Generator, canvas: Canvas, outline: Outline) -> Outline:
        """Onto `gain`, where overlapping discs are one colour."""
        near = around(canvas.gain.shape, outline, 3 + self.softness)
        if near is None:
            return outline
        inside = edge(near.signed, self.softness)
        tone = self.level * random.uniform(0.95, 1.0) + self.shade * near.across / max(outline.radius, 1)
        old = canvas.gain[near.window]
        canvas.gain[near.window] = old * (1 - inside) + tone * inside
        np.maximum(canvas.inside[near.window], inside, out=canvas.inside[near.window])
        return outline
