"""Renders droplet pictures whose truth is known: the sample picture, tests and benchmarks.

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

from droplets.packing import pack_discs

BACKGROUND = 140.0  # grey levels of clear oil in brightfield
RING_DEPTH, LENS_GAIN = 0.62, 0.12  # of the background
DARK_LEVEL, NEGATIVE_LEVEL, POSITIVE_LEVEL = 200.0, 900.0, 9000.0  # fluorescence, 16-bit counts
HALF_MAXIMUM = 1.1774  # of a Gaussian, in sigmas
BEAD_SHARE = 0.16  # of the droplet radius

Window = tuple[slice, slice]
Plane = NDArray[np.float32]


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
    """Gain and darkness are drawn apart: where neighbours meet, the darker ring shows."""
    gain, dark = np.zeros((2, height, width), np.float32)
    light = random.uniform(0, 2 * np.pi)
    for droplet in droplets:
        _draw_lens(gain, dark, droplet, light, depth=RING_DEPTH * random.uniform(0.9, 1.1))
        for x, y, radius in droplet.beads:
            _draw_bead(gain, dark, x, y, radius)
    transmission = (1 + gain) * (1 - dark)
    scene = cv2.GaussianBlur(BACKGROUND * transmission * _illumination(width, height, random), (0, 0), 0.6)
    noise = random.standard_normal(scene.shape, np.float32) * 2.0
    pixels = np.clip(np.rint(scene + cv2.GaussianBlur(noise, (0, 0), 0.5)), 0, 255).astype(np.uint8)
    return Rendering(pixels, tuple(droplets))


def _draw_lens(gain: Plane, dark: Plane, droplet: TrueDroplet, light: float, depth: float) -> None:
    """A dark ring, steep outside and soft inside, around an interior that brightens towards the light."""
    window, across, down = _window(gain.shape, droplet.x, droplet.y, 1.2 * droplet.radius + 3)
    distance = np.hypot(across, down)
    outer, inner = max(0.8, 0.045 * droplet.radius), max(1.4, 0.11 * droplet.radius)
    middle = droplet.radius - HALF_MAXIMUM * outer
    offset = distance - middle
    ring = np.exp(-0.5 * (offset / np.where(offset > 0, outer, inner)) ** 2)
    towards_light = (across * np.cos(light) + down * np.sin(light)) / droplet.radius
    inside = 0.5 - 0.5 * np.tanh(offset / outer)
    gain[window] += inside * (LENS_GAIN + 0.08 * towards_light - 0.1 * (distance / droplet.radius) ** 2)
    np.maximum(dark[window], depth * ring * (1 - 0.2 * towards_light), out=dark[window])


def _draw_bead(gain: Plane, dark: Plane, x: float, y: float, radius: float) -> None:
    """A dark outline around a bright focus."""
    window, across, down = _window(gain.shape, x, y, 2 * radius + 3)
    distance = np.hypot(across, down)
    width = max(0.6, 0.28 * radius)
    outline = np.exp(-0.5 * ((distance - radius + HALF_MAXIMUM * width) / width) ** 2)
    np.maximum(dark[window], 0.5 * outline, out=dark[window])
    gain[window] += 0.45 * np.exp(-0.5 * (distance / max(0.6, 0.35 * radius)) ** 2)


def _fluorescence(
    width: int, height: int, droplets: Sequence[TrueDroplet], random: np.random.Generator
) -> Rendering:
    scene = np.zeros((height, width), np.float32)
    for droplet in droplets:
        window, across, down = _window(scene.shape, droplet.x, droplet.y, droplet.radius + 3)
        depth = np.clip(1 - (across**2 + down**2) / droplet.radius**2, 0, 1)  # of a ball, squared
        scene[window] += (droplet.intensity or 0.0) * (0.4 * np.sqrt(depth) + 0.6 * np.minimum(1, 4 * depth))
    # In focus light, and a little that is scattered far.
    scene = 0.94 * cv2.GaussianBlur(scene, (0, 0), 0.8) + 0.06 * cv2.GaussianBlur(scene, (0, 0), 15)
    scene = DARK_LEVEL + scene * _illumination(width, height, random)
    shot = random.standard_normal(scene.shape, np.float32) * np.sqrt(scene * 4 + 100)
    return Rendering(np.clip(np.rint(scene + shot), 0, 65535).astype(np.uint16), tuple(droplets))


def _illumination(width: int, height: int, random: np.random.Generator) -> Plane:
    """HxW around 1: a slope across the field and a fall towards the corners."""
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    angle, shift = random.uniform(0, 2 * np.pi), random.uniform(-0.3, 0.3, 2).astype(np.float32)
    slope = 0.1 * (across * float(np.cos(angle)) + down * float(np.sin(angle)))
    fall = 0.12 * ((across - shift[0]) ** 2 + (down - shift[1]) ** 2)
    light: Plane = 1.05 + slope - fall
    return light


def _window(
    shape: tuple[int, ...], x: float, y: float, reach: float
) -> tuple[Window, NDArray[np.floating], NDArray[np.floating]]:
    """The part of a picture within `reach` of (x, y), and its columns' and rows' distances from there."""
    left, right = max(0, int(x - reach)), max(0, min(shape[1], int(x + reach) + 2))
    top, bottom = max(0, int(y - reach)), max(0, min(shape[0], int(y + reach) + 2))
    across, down = np.arange(left, right)[None, :] - x, np.arange(top, bottom)[:, None] - y
    return (slice(top, bottom), slice(left, right)), across, down
