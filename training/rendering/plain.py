"""Renders plain droplet pictures: round droplets of about one size, for the sample, tests and benchmarks.

Brightfield shows each droplet as a bright lens in a dark ring, under uneven and slightly oblique
light; fluorescence shows it as a glowing ball, faint where negative. Droplets are drawn from their
sub-pixel centre and radius by smooth profiles, so that edges are anti-aliased; the sensor's blur and
noise come last. The same arguments and seed give the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from training.rendering.canvas import Canvas, Plane, around, edge
from training.rendering.discs import pack_discs
from training.rendering.skins import HALF_MAXIMUM, Ring
from training.rendering.truth import Outline, circle

BACKGROUND = 140.0  # grey levels of clear oil in brightfield
RING_DEPTH, LENS_GAIN = 0.62, 0.12  # of the background
DARK_LEVEL, NEGATIVE_LEVEL, POSITIVE_LEVEL = 200.0, 900.0, 9000.0  # fluorescence, 16-bit counts
BEAD_SHARE = 0.16  # of the droplet radius


@dataclass(frozen=True)
class TrueDroplet:
    """What was drawn. Lengths in pixels, centres in (x, y) with pixel centres at integers.

    Attributes:
        x, y: centre.
        radius: to the outer edge of the dark ring, where its darkness has fallen to one half.
        touches_border: the disc reaches the centre of a pixel in an outermost row or column.
        beads: (x, y, radius) of each bead inside.
        positive: whether it glows in fluorescence; None where only brightfield was drawn.
        intensity: counts above the dark level at its centre in fluorescence, before blur and noise.
    """

    x: float
    y: float
    radius: float
    touches_border: bool
    beads: tuple[tuple[float, float, float], ...] = ()
    positive: bool | None = None
    intensity: float | None = None

    @property
    def outline(self) -> Outline:
        """Without the beads."""
        return circle(self.x, self.y, self.radius)


@dataclass(frozen=True, eq=False)
class Rendering:
    """A rendered picture and its truth.

    Attributes:
        pixels: HxW, uint8 (brightfield) or uint16 (fluorescence).
        droplets: in no particular order.
    """

    pixels: NDArray[np.generic]
    droplets: tuple[TrueDroplet, ...]

    def truth(self) -> dict[str, Any]:
        """For JSON: {"width", "height", "droplets": [the fields of TrueDroplet, beads as [x, y, radius]]}."""
        height, width = self.pixels.shape
        droplets = [
            {**asdict(droplet), "beads": [list(bead) for bead in droplet.beads]} for droplet in self.droplets
        ]
        return {"width": width, "height": height, "droplets": droplets}


def render_brightfield(
    width: int,
    height: int,
    *,
    count: int,
    diameter: float = 38.0,
    diameter_cv: float = 0.03,
    beads_per_droplet: float = 0.0,
    touching: float = 0.0,
    seed: int = 0,
) -> Rendering:
    """Brightfield picture of droplets, some of them cut by the border.

    Arguments:
        width, height: of the picture in pixels.
        count: droplets whose centre lies in the picture.
        diameter, diameter_cv: mean in pixels, and standard deviation over mean.
        beads_per_droplet: mean of the Poisson distribution of beads, as far as they find room.
        touching: share of the droplets that is moved into contact with its neighbour, 0 to 1; the
            others keep at least a pixel between them.
        seed: of the random generator.

    Returns:
        Rendering with HxW uint8.

    Raises:
        ValueError: so many droplets of that size do not fit.
    """
    random = np.random.default_rng(seed)
    droplets = _place(width, height, count, diameter, diameter_cv, touching, random)
    droplets = [replace(droplet, beads=_beads(droplet, beads_per_droplet, random)) for droplet in droplets]
    return _brightfield(width, height, droplets, random)


def render_placed(width: int, height: int, droplets: Sequence[TrueDroplet], *, seed: int = 0) -> Rendering:
    """Brightfield picture of given droplets; the seed is that of light and noise."""
    return _brightfield(width, height, droplets, np.random.default_rng(seed))


def render_fluorescence(
    width: int,
    height: int,
    *,
    count: int,
    diameter: float = 38.0,
    diameter_cv: float = 0.03,
    positive_fraction: float = 0.3,
    touching: float = 0.0,
    seed: int = 0,
) -> Rendering:
    """Fluorescence picture of droplets, of which round(count * positive_fraction) are positive.

    Arguments and errors are those of `render_brightfield`.

    Returns:
        Rendering with HxW uint16.
    """
    random = np.random.default_rng(seed)
    droplets = _place(width, height, count, diameter, diameter_cv, touching, random)
    return _fluorescence(width, height, _with_intensity(droplets, positive_fraction, random), random)


def render_ddpcr_pair(
    width: int,
    height: int,
    *,
    count: int,
    diameter: float = 38.0,
    diameter_cv: float = 0.03,
    positive_fraction: float = 0.3,
    touching: float = 0.0,
    seed: int = 0,
) -> tuple[Rendering, Rendering]:
    """Brightfield and fluorescence of the same droplets, with the same truth.

    Arguments and errors are those of `render_fluorescence`.
    """
    random = np.random.default_rng(seed)
    droplets = _place(width, height, count, diameter, diameter_cv, touching, random)
    droplets = _with_intensity(droplets, positive_fraction, random)
    return _brightfield(width, height, droplets, random), _fluorescence(width, height, droplets, random)


def render_pair(
    width: int,
    height: int,
    droplets: Sequence[TrueDroplet],
    moved: NDArray[np.float64],
    *,
    seed: int = 0,
) -> tuple[Rendering, Rendering]:
    """Brightfield of given droplets, and fluorescence of the same ones after they have moved.

    Arguments:
        droplets: also those that come into one of the pictures in part or not at all.
        moved: Nx2 (x, y), their centres in the fluorescence.
        seed: of the random generator.

    Returns:
        Renderings whose droplets are those given, in the same order.
    """
    random = np.random.default_rng(seed)
    places = [replace(droplet, x=x, y=y) for droplet, (x, y) in zip(droplets, moved.tolist(), strict=True)]
    return _brightfield(width, height, droplets, random), _fluorescence(width, height, places, random)


def _place(
    width: int,
    height: int,
    count: int,
    diameter: float,
    diameter_cv: float,
    touching: float,
    random: np.random.Generator,
) -> list[TrueDroplet]:
    radii = diameter / 2 * np.clip(random.normal(1, diameter_cv, count), 0.5, 1.5)
    centres = pack_discs(width, height, radii, touching=touching, random=random)
    # Three decimals, so that the truth in a JSON file is exactly what was drawn.
    discs = np.round(np.column_stack([centres, radii]), 3).tolist()
    return [
        TrueDroplet(x, y, radius, min(x, y, width - 1 - x, height - 1 - y) <= radius)
        for x, y, radius in discs
    ]


def _beads(
    droplet: TrueDroplet, mean: float, random: np.random.Generator
) -> tuple[tuple[float, float, float], ...]:
    """Poisson number of beads inside the ring, clear of each other; one that finds no room is left out."""
    beads: list[tuple[float, float, float]] = []
    for _ in range(random.poisson(mean)):
        radius = BEAD_SHARE * droplet.radius * random.uniform(0.85, 1.15)
        reach = 0.8 * droplet.radius - radius
        for _attempt in range(20):
            angle, distance = random.uniform(0, 2 * np.pi), reach * np.sqrt(random.uniform())
            x, y = droplet.x + distance * np.cos(angle), droplet.y + distance * np.sin(angle)
            if all(np.hypot(x - a, y - b) > radius + c for a, b, c in beads):
                beads.append((round(float(x), 3), round(float(y), 3), round(radius, 3)))
                break
    return tuple(beads)


def _with_intensity(
    droplets: Sequence[TrueDroplet], positive_fraction: float, random: np.random.Generator
) -> list[TrueDroplet]:
    positive = np.zeros(len(droplets), np.bool_)
    positive[: round(len(droplets) * positive_fraction)] = True
    random.shuffle(positive)
    spread = np.clip(random.normal(1, 0.08, len(droplets)), 0.7, 1.3)
    levels = np.round(np.where(positive, POSITIVE_LEVEL, NEGATIVE_LEVEL) * spread, 1)
    return [
        replace(droplet, positive=bool(glows), intensity=float(level))
        for droplet, glows, level in zip(droplets, positive, levels, strict=True)
    ]


def _brightfield(
    width: int, height: int, droplets: Sequence[TrueDroplet], random: np.random.Generator
) -> Rendering:
    canvas = Canvas.empty(width, height)
    skin = Lens(random.uniform(0, 2 * np.pi))
    for droplet in droplets:
        skin.draw(random, canvas, droplet.outline)
        for x, y, radius in droplet.beads:
            _draw_bead(canvas, circle(x, y, radius))
    transmission = (1 + canvas.gain) * (1 - canvas.dark)
    scene = cv2.GaussianBlur(BACKGROUND * transmission * _illumination(width, height, random), (0, 0), 0.6)
    noise = random.standard_normal(scene.shape, np.float32) * 2.0
    pixels = np.clip(np.rint(scene + cv2.GaussianBlur(noise, (0, 0), 0.5)), 0, 255).astype(np.uint8)
    return Rendering(pixels, tuple(droplets))


@dataclass(frozen=True)
class Lens:
    """Skin: a dark ring, steep outside and soft inside, around an interior that brightens towards the light.

    Attributes:
        light: direction that the light comes from, in radians.
    """

    light: float

    def draw(self, random: np.random.Generator, canvas: Canvas, outline: Outline) -> None:
        """The ring onto `dark`, the interior onto `gain`."""
        depth = RING_DEPTH * random.uniform(0.9, 1.1)
        near = around(canvas.gain.shape, outline, 0.2 * outline.radius + 3)
        if near is None:
            return
        radius = near.radius
        outer, inner = max(0.8, 0.045 * radius), max(1.4, 0.11 * radius)
        towards = (near.across * np.cos(self.light) + near.down * np.sin(self.light)) / radius
        inside = edge(near.signed + HALF_MAXIMUM * outer, 2 * outer)
        canvas.gain[near.window] += inside * (
            LENS_GAIN + 0.08 * towards - 0.1 * (near.from_centre / radius) ** 2
        )
        ring = Ring(depth, outer / radius, inner / radius).height(near.signed, radius, 1.0)
        np.maximum(canvas.dark[near.window], depth * ring * (1 - 0.2 * towards), out=canvas.dark[near.window])


def _draw_bead(canvas: Canvas, outline: Outline) -> None:
    """A dark outline, which may be thinner than a droplet's ring, around a bright focus."""
    near = around(canvas.gain.shape, outline, outline.radius + 3)
    if near is None:
        return
    width, focus = max(0.6, 0.28 * near.radius), max(0.6, 0.35 * near.radius)
    rim = np.exp(-0.5 * ((near.signed + HALF_MAXIMUM * width) / width) ** 2)
    np.maximum(canvas.dark[near.window], 0.5 * rim, out=canvas.dark[near.window])
    canvas.gain[near.window] += 0.45 * np.exp(-0.5 * (near.from_centre / focus) ** 2)


def _fluorescence(
    width: int, height: int, droplets: Sequence[TrueDroplet], random: np.random.Generator
) -> Rendering:
    canvas = Canvas.empty(width, height)
    for droplet in droplets:
        _draw_ball(canvas, droplet.outline, droplet.intensity or 0.0)
    # In focus light, and a little that is scattered far.
    scene = 0.94 * cv2.GaussianBlur(canvas.glow, (0, 0), 0.8) + 0.06 * cv2.GaussianBlur(
        canvas.glow, (0, 0), 15
    )
    scene = DARK_LEVEL + scene * _illumination(width, height, random)
    shot = random.standard_normal(scene.shape, np.float32) * np.sqrt(scene * 4 + 100)
    return Rendering(np.clip(np.rint(scene + shot), 0, 65535).astype(np.uint16), tuple(droplets))


def _draw_ball(canvas: Canvas, outline: Outline, intensity: float) -> None:
    """Light by the depth of a ball, nearly even over most of it."""
    near = around(canvas.glow.shape, outline, 3)
    if near is None:
        return
    depth = np.clip(1 - (near.from_centre / near.radius) ** 2, 0, 1)  # of a ball, squared
    canvas.glow[near.window] += intensity * (0.4 * np.sqrt(depth) + 0.6 * np.minimum(1, 4 * depth))


def _illumination(width: int, height: int, random: np.random.Generator) -> Plane:
    """HxW around 1: a slope across the field and a fall towards the corners."""
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    angle, shift = random.uniform(0, 2 * np.pi), random.uniform(-0.3, 0.3, 2).astype(np.float32)
    slope = 0.1 * (across * float(np.cos(angle)) + down * float(np.sin(angle)))
    fall = 0.12 * ((across - shift[0]) ** 2 + (down - shift[1]) ** 2)
    light: Plane = 1.05 + slope - fall
    return light
