"""Composes pictures: a scene, its droplets and their contents, what is no droplet, light, colour, camera.

`render(seed)` gives a training picture. The looks in `HELD_OUT` are never among them: they are for
validation (`render(seed, held_out=True)`), so that it tells what the head makes of pictures of a kind that
it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.rendering import distractors
from training.rendering.canvas import Around, Canvas, Plane, around, smooth_field
from training.rendering.channels import chip_steps, draw_channel, squares
from training.rendering.contents import Beads, Cores
from training.rendering.foam import draw_foam, pressed_bubbles
from training.rendering.packings import Placed, grid, place, scattered
from training.rendering.sensor import Sensor
from training.rendering.skins import Brightfield, Glow, Paint, Rim, Ring, Skin, Sphere
from training.rendering.truth import ANGLES, Outline, Picture, circle

SIDE = 1024
SMALLEST = 3.5
RADII, SHARES = ((SMALLEST, 8.0), (8.0, 64.0)), (0.15, 0.85)
"""Typical radii of droplets in pixels as they are shown, and how often."""
MOST_OBJECTS = 4000
"""After so many no more beads are drawn."""
COLOUR_MAPS = (
    cv2.COLORMAP_VIRIDIS, cv2.COLORMAP_PARULA, cv2.COLORMAP_JET, cv2.COLORMAP_HOT, cv2.COLORMAP_INFERNO,
    cv2.COLORMAP_OCEAN, cv2.COLORMAP_WINTER,
)  # fmt: skip
SEEN_BAND = 0.3
"""Part of the radius on both sides of an outline in which an object must be seen,"""
LEAST_CONTRAST, LEAST_LIKENESS = 0.5, 0.6
"""by root mean square grey levels across the outline, and by how alike (cosine) they are in the file and
without noise and compression. Else it is judged neither way."""


@dataclass(eq=False)
class Scene:
    """A picture in the making.

    Attributes:
        random: generator.
        canvas: planes.
        radius: typical, of the droplets.
        objects: drawn so far.
        ground: grey levels of the background.
        transmitted: whether light passes through (brightfield) or comes from the objects.
        skin: of the droplets.
    """

    random: np.random.Generator
    canvas: Canvas
    radius: float
    objects: list[Outline] = field(default_factory=list)
    ground: float = 140.0
    transmitted: bool = True
    skin: Skin | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(W, H)."""
        return self.canvas.gain.shape[1], self.canvas.gain.shape[0]


def _some_radius(random: np.random.Generator) -> float:
    """Any; the smallest are for finding only, their outlines are read at a larger scale."""
    low, high = RADII[int(random.choice(len(RADII), p=SHARES))]
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _fill(
    scene: Scene, skin: Skin, placed: Placed, *, cores: Cores | None = None, beads: Beads | None = None
) -> None:
    """Draw round or slightly deformed droplets with their contents."""
    random = scene.random
    deformed = float(random.choice([0, 0, 0, 0.03, 0.1]))
    squeezed = float(random.choice([0, 0, 0, 0.15])) * random.uniform(0, 1)
    turn = random.uniform(0, np.pi)
    hollow = random.uniform(0.05, 0.25)
    for (x, y), radius in zip(*placed, strict=True):
        radii = np.full(len(ANGLES), radius)
        if squeezed:
            radii = radii * (1 + squeezed * np.cos(2 * (ANGLES - turn)) / 2)
        if deformed:
            for wave in (2, 3):
                radii = radii * (
                    1 + deformed * random.normal() * np.cos(wave * ANGLES + random.uniform(0, 6.28)) / wave
                )
        outline = Outline(float(x), float(y), np.maximum(radii, 0.4 * radius))
        scene.objects.append(skin.draw(random, scene.canvas, outline))
        if cores is not None:
            scene.objects += cores.draw(random, scene.canvas, outline)
        if beads is not None and len(scene.objects) < MOST_OBJECTS:
            scene.objects += beads.draw(random, scene.canvas, outline, hollow)
    scene.skin = skin


def _contents(random: np.random.Generator, *, glowing: bool) -> Beads | None:
    return Beads.any(random, glowing=glowing) if random.uniform() < 0.5 else None


def emulsion(scene: Scene) -> None:
    """Droplets in brightfield."""
    skin = Brightfield.any(scene.random)
    cores = Cores.any(scene.random, skin) if scene.random.uniform() < 0.18 else None
    _fill(
        scene,
        skin,
        place(scene.random, *scene.size, scene.radius),
        cores=cores,
        beads=None if cores else _contents(scene.random, glowing=False),
    )


def mixed(scene: Scene) -> None:
    """Two skins in one picture: single and double droplets, dyed and clear ones, a few of another kind."""
    first, second = Brightfield.any(scene.random), Brightfield.any(scene.random)
    second = replace(second, contrast=first.contrast, light=first.light)
    points, radii = place(scene.random, *scene.size, scene.radius)
    some = scene.random.uniform(size=len(points)) < scene.random.choice([0.05, 0.3, 0.5])
    _fill(scene, first, (points[~some], radii[~some]), beads=_contents(scene.random, glowing=False))
    cores = Cores.any(scene.random, first) if scene.random.uniform() < 0.6 else None
    _fill(scene, second, (points[some], scene.random.uniform(0.7, 1.0) * radii[some]), cores=cores)


def glowing(scene: Scene) -> None:
    """Fluorescence."""
    scene.transmitted, scene.ground = (
        False,
        float(scene.random.choice([scene.random.uniform(0, 20), scene.random.uniform(10, 140)])),
    )
    skin = Glow.any(scene.random)
    cores = Cores.any(scene.random, skin) if scene.random.uniform() < 0.08 else None
    beads = _contents(scene.random, glowing=True) if scene.random.uniform() < 0.5 else None
    _fill(scene, skin, place(scene.random, *scene.size, scene.radius), cores=cores, beads=beads)


def dark_field(scene: Scene) -> None:
    """Bright rims on dark."""
    scene.transmitted, scene.ground = False, scene.random.uniform(0, 60)
    _fill(
        scene,
        Rim.any(scene.random),
        place(scene.random, *scene.size, scene.radius),
        beads=_contents(scene.random, glowing=True) if scene.random.uniform() < 0.3 else None,
    )


def foam(scene: Scene) -> None:
    """Cells and walls, some bubbles round between them."""
    scene.radius = float(np.clip(scene.radius, 9, 220))
    scene.objects += draw_foam(scene.random, scene.canvas, scene.radius)


def round_foam(scene: Scene) -> None:
    """Wet foam: bubbles of all sizes with thin dark rims, round or pressed, white inside and between."""
    random = scene.random
    scene.radius = float(np.clip(scene.radius, 10, 160))
    scene.ground = random.uniform(150, 255)
    ring = Ring(random.uniform(0.3, 0.95), random.uniform(0.008, 0.04), random.uniform(0.01, 0.06))
    skin = Brightfield((ring,), variety=(0.3, 0.3, 0.02), uneven=random.choice([0, 0.3, 0.5]))
    scene.canvas.gain += smooth_field(random, *scene.size, (9, 9), random.choice([0, 0.05]))
    if random.uniform() < 0.4:
        _fill(scene, skin, scattered(random, *scene.size, scene.radius, polydisperse=True))
        return
    for bubble in pressed_bubbles(random, *scene.size, scene.radius):
        # The hand follows the middle of so thin a rim.
        skin.draw(random, scene.canvas, replace(bubble, radii=bubble.radii * (1 + ring.outer)))
        scene.objects.append(bubble)


def channel(scene: Scene) -> None:
    """Plugs."""
    scene.radius = float(np.clip(scene.radius, 8, 200))
    skin = Brightfield.any(scene.random)
    scene.objects += draw_channel(
        scene.random, scene.canvas, scene.radius, skin, _contents(scene.random, glowing=False)
    )
    scene.skin = skin
    if scene.random.uniform() < 0.5:
        chip_steps(scene.random, scene.canvas)


def wells(scene: Scene) -> None:
    """Square and round wells of a chip, glowing or dyed, dim beside bright."""
    _wells(scene, int(scene.random.choice([4, 4, 4, 0])))


def _wells(scene: Scene, sides: int) -> None:
    random = scene.random
    scene.radius = float(np.clip(scene.radius, SMALLEST, 60))
    scene.transmitted = bool(random.uniform() < 0.3)
    scene.ground = random.uniform(90, 200) if scene.transmitted else random.uniform(0, 90)
    skin: Skin = Brightfield.any(random) if scene.transmitted else Glow.any(random)
    points, radii = grid(random, *scene.size, scene.radius)
    turn = float(random.uniform(-0.05, 0.05))
    for (x, y), radius in zip(points[:2500], radii, strict=False):
        outline = (
            squares(random, float(x), float(y), float(radius), sides, turn) if sides else circle(x, y, radius)
        )
        scene.objects.append(skin.draw(random, scene.canvas, outline))


def painted(scene: Scene) -> None:
    """Stains on paper and leaves, drawings, thresholded pictures."""
    random = scene.random
    scene.ground = float(random.choice([0, 255, random.uniform(40, 220)]))
    skin = Paint.any(random)
    if scene.ground < 20:
        scene.transmitted, scene.skin = False, None
        light = Glow(((random.uniform(80, 255), 1.0),), 0.02, 1.0, 0.0, 0.02, 0.0)
        _fill(scene, light, place(random, *scene.size, scene.radius))
        return
    if random.uniform() < 0.5:
        distractors.texture(random, scene.canvas, random.uniform(0.01, 0.12))
    if random.uniform() < 0.4:  # the card lies on something else
        chip_steps(random, scene.canvas)
    placed = place(random, *scene.size, scene.radius)
    if random.uniform() < 0.5:  # spray
        scene.radius = float(np.exp(random.uniform(np.log(3), np.log(16))))
        points, radii = scattered(random, *scene.size, scene.radius, polydisperse=True)
        chosen = random.permutation(len(points))[: int(np.exp(random.uniform(np.log(4), np.log(300))))]
        placed = points[chosen], radii[chosen]
    _fill(scene, skin, placed)


def airborne(scene: Scene) -> None:
    """Side views against the light: dark drops with a bright middle."""
    random = scene.random
    scene.ground = random.uniform(50, 230)
    skin = Brightfield(
        (Ring(1.0, 0.03, random.uniform(0.15, 0.6)),),
        step=-0.3,
        spot=random.uniform(0.2, 1.0),
        spot_size=random.uniform(0.1, 0.35),
    )
    points, radii = scattered(random, *scene.size, scene.radius, polydisperse=True)
    few = int(random.integers(1, 30))
    _fill(scene, skin, (points[:few], radii[:few]))
    if random.uniform() < 0.5:
        tall = int(random.uniform(0.03, 0.2) * scene.size[1])
        scene.canvas.dark[:tall] = np.maximum(scene.canvas.dark[:tall], random.uniform(0.5, 0.97))


def composite(scene: Scene) -> None:
    """Brightfield droplets with glowing beads laid over it."""
    emulsion_skin = Brightfield.any(scene.random)
    beads = replace(Beads.any(scene.random, glowing=True), contrast=scene.random.uniform(0.6, 1.2))
    _fill(scene, emulsion_skin, place(scene.random, *scene.size, scene.radius), beads=beads)


def only_beads(scene: Scene) -> None:
    """Glowing beads alone, on dark: no droplet is seen, though they may lie in some, several in one."""
    random = scene.random
    scene.transmitted, scene.ground = False, random.uniform(0, 40)
    scene.radius = float(np.exp(random.uniform(np.log(2.0), np.log(10))))
    beads = replace(Beads.any(random, glowing=True), contrast=random.uniform(0.3, 1.2))
    if random.uniform() < 0.5:
        around_each = scene.radius * random.uniform(3, 9)
        beads = replace(beads, size=scene.radius / around_each, mean=float(random.choice([0.3, 1.0, 2.5])))
        points, radii = place(random, *scene.size, around_each)
        drawn = [
            beads.draw(random, scene.canvas, circle(x, y, radius), random.uniform(0, 0.2))
            for (x, y), radius in zip(points[:1200], radii, strict=False)
        ]
        scene.objects += [replace(one, inner=False) for some in drawn for one in some]
        return
    points, radii = scattered(random, *scene.size, scene.radius, polydisperse=False)
    some = random.permutation(len(points))[: int(np.exp(random.uniform(np.log(5), np.log(800))))]
    for (x, y), radius in zip(points[some], radii[some], strict=True):
        scene.objects.append(replace(beads.one(random, scene.canvas, x, y, radius), inner=False))


def nothing(scene: Scene) -> None:
    """A picture without a droplet."""
    random = scene.random
    if random.uniform() < 0.7:
        distractors.texture(random, scene.canvas, random.uniform(0.01, 0.35))
    for draw in (distractors.walls, distractors.reflections, chip_steps):
        if random.uniform() < 0.5:
            draw(random, scene.canvas)
    if random.uniform() < 0.4:
        distractors.pillars(random, scene.canvas, scene.radius)


def optical(scene: Scene) -> None:
    """Held out: balls by geometric optics."""
    _fill(scene, Sphere.any(scene.random), place(scene.random, *scene.size, scene.radius))


def hexagons(scene: Scene) -> None:
    """Held out: hexagonal wells."""
    _wells(scene, 6)


def stained(scene: Scene) -> None:
    """Held out: brightfield rims around dyed insides, on texture."""
    random = scene.random
    distractors.texture(random, scene.canvas, random.uniform(0.01, 0.06))
    points, radii = place(random, *scene.size, scene.radius)
    _fill(scene, Paint(random.uniform(-0.6, -0.1), 1.0, 0.1), (points, radii))
    for outline in list(scene.objects):
        Brightfield((Ring(random.uniform(0.3, 0.8), 0.03, 0.05),)).draw(random, scene.canvas, outline)


LOOKS: dict[Callable[[Scene], None], float] = {
    emulsion: 0.30, mixed: 0.07, glowing: 0.13, dark_field: 0.05, foam: 0.10, round_foam: 0.06, channel: 0.14,
    wells: 0.05, painted: 0.07, airborne: 0.02, composite: 0.02, only_beads: 0.05, nothing: 0.06,
}  # fmt: skip
HELD_OUT: dict[Callable[[Scene], None], float] = {optical: 0.5, hexagons: 0.25, stained: 0.25}


def render(
    seed: int, *, held_out: bool = False, width: int = SIDE, height: int = SIDE, times: int = 1
) -> Picture:
    """A picture and its truth; the same seed gives the same picture.

    Arguments:
        seed: of everything in it.
        held_out: of the looks for validation.
        width, height: in pixels.
        times: by which droplets are larger, in a picture that is to be shrunk by as much.
    """
    random = np.random.default_rng([int(held_out), seed])
    looks = HELD_OUT if held_out else LOOKS
    shares = np.array(list(looks.values()))
    look = list(looks)[int(random.choice(len(looks), p=shares / shares.sum()))]
    radius = times * _some_radius(random)
    scene = Scene(random, Canvas.empty(width, height), radius, ground=random.uniform(50, 225))
    look(scene)
    _add_distractors(scene, busy=look is not nothing)
    return _finished(scene, look.__name__)


def _add_distractors(scene: Scene, *, busy: bool) -> None:
    """What is no droplet, and droplets that are not judged; more of it in a picture without droplets."""
    random, canvas, lit = scene.random, scene.canvas, not scene.transmitted
    likelier = 1.0 if busy else 1.8

    def some(draw: Callable[[], object], share: float) -> None:
        if random.uniform() < share * likelier:
            draw()

    some(lambda: distractors.specks(random, canvas, lit, scene.radius), 0.5)
    some(lambda: distractors.scratches(random, canvas, lit), 0.15)
    some(lambda: distractors.lit_gaps(random, canvas, scene.objects, lit), 0.25)
    some(lambda: _add_satellites(scene), 0.12)
    some(lambda: distractors.ghosts(random, canvas, scene.radius, lit), 0.12)
    if scene.transmitted:
        some(lambda: distractors.texture(random, canvas, random.uniform(0.005, 0.08)), 0.1)
        some(lambda: distractors.walls(random, canvas), 0.14)
        some(lambda: distractors.pillars(random, canvas, scene.radius), 0.06)
        some(lambda: distractors.debris(random, canvas, scene.radius), 0.06)
        some(lambda: distractors.reflections(random, canvas), 0.05)


def _add_satellites(scene: Scene) -> None:
    if scene.skin is not None:
        scene.objects += distractors.satellites(scene.random, scene.canvas, scene.objects, scene.skin)


def _finished(scene: Scene, look: str) -> Picture:
    """Light, colour, captions and camera; and which objects can be seen at all."""
    random, canvas = scene.random, scene.canvas
    width, height = scene.size
    light = 1 + smooth_field(random, width, height, (2, 2), random.choice([0, 0.05, 0.15, 0.3]))
    light = np.asarray(np.clip(light, 0.3, 2), np.float32)
    if scene.transmitted:
        grey: Plane = scene.ground * np.clip(1 + canvas.gain, 0.02, 3) * (1 - canvas.dark) * light
    else:
        stray = np.float32(random.choice([0, 0.05, 0.25])) * cv2.GaussianBlur(canvas.glow, (0, 0), 20)
        ground = scene.ground * np.clip(1 + 0.4 * canvas.gain, 0.2, 2)
        exposure = random.uniform(0.1, 0.5) if random.uniform() < 0.3 else 1.0
        grey = np.asarray(exposure * (ground + canvas.glow + stray) * light, np.float32)
    if random.uniform() < 0.05:
        grey = grey * distractors.field_of_view(random, width, height)
    coloured = _coloured(scene, np.asarray(grey, np.float32))
    if random.uniform() < 0.08:
        coloured = _with_margins(scene, coloured)
    if random.uniform() < 0.25:
        coloured = distractors.caption(random, coloured)
    radii = [one.radius for one in scene.objects if one.counts and not one.inner] or [scene.radius]
    sensor = Sensor.any(random, float(np.percentile(radii, 10)), lit=not scene.transmitted)
    pixels, clean = sensor.take(random, coloured)
    objects = [one.blurred(sensor.spread) for one in scene.objects]
    return Picture(pixels, _seen(pixels, clean, objects), look)


def _with_margins(scene: Scene, picture: Plane) -> Plane:
    """A panel of a figure: black or white up to one, two or four sides; nothing centred there counts."""
    random = scene.random
    (width, height), sides = scene.size, random.uniform(size=4) < random.choice([0.3, 1.0])
    shares = np.where(sides, random.uniform(0.01, 0.25, 4), 0.0) * (width, height, width, height)
    left, top, right, bottom = shares.astype(int).tolist()
    panel = np.full_like(picture, float(random.choice([0, 255, 255])))
    inside = (slice(top, height - bottom), slice(left, width - right))
    panel[inside] = picture[inside]
    away = [
        max(left - one.x, one.x - width + right, top - one.y, one.y - height + bottom)
        for one in scene.objects
    ]
    scene.objects = [
        replace(one, counts=one.counts and beyond < 0)
        for one, beyond in zip(scene.objects, away, strict=True)
        if beyond < one.radii.max()
    ]
    return panel


def _coloured(scene: Scene, grey: Plane) -> Plane:
    """HxWx3 of grey levels: grey, tinted, one colour, two colours, or a dye over a grey picture."""
    random, inside = scene.random, scene.canvas.inside[..., None]
    kind = random.choice(
        ["grey", "tint", "single", "two", "fringe", "map"], p=[0.57, 0.13, 0.09, 0.12, 0.05, 0.04]
    )
    out: NDArray[np.floating] = np.repeat(grey[..., None], 3, axis=2)
    if kind == "tint":
        out = out * _tint(random, 0.4)
    elif kind == "single":
        colour = np.eye(3)[int(random.integers(3))] if random.uniform() < 0.7 else _tint(random, 0.05)
        out = out * colour
        if random.uniform() < 0.4:  # on a ground of the same colour
            out = out * random.uniform(0.3, 0.8) + random.uniform(20, 150) * colour
    elif kind == "two":
        out = out * (_tint(random, 0.35) * (1 - inside) + _tint(random, 0.35) * inside)
    elif kind == "fringe":  # lateral chromatic aberration
        for channel_, factor in ((0, random.uniform(0.998, 1.002)), (2, random.uniform(0.998, 1.002))):
            turn = cv2.getRotationMatrix2D((grey.shape[1] / 2, grey.shape[0] / 2), 0, factor)
            out[..., channel_] = cv2.warpAffine(grey, turn, grey.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        out = out * _tint(random, 0.7)
    elif kind == "map":
        levels = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        out = cv2.applyColorMap(levels, int(random.choice(COLOUR_MAPS))).astype(np.float32)
    if scene.transmitted and scene.canvas.glow.any():
        out = out + scene.canvas.glow[..., None] * np.eye(3)[int(random.integers(3))]
    return np.asarray(out, np.float32)


def _tint(random: np.random.Generator, least: float) -> np.ndarray:
    colour = random.uniform(least, 1, 3)
    return np.asarray(colour / colour.max())


def _seen(pixels: np.ndarray, clean: np.ndarray, objects: list[Outline]) -> list[Outline]:
    """Objects; those that no one could see in the file's noise and compression do not count."""
    stored, meant = (one.max(axis=2).astype(np.float32) for one in (pixels, clean))
    checked = []
    for one in objects:
        near = around(meant.shape, one, SEEN_BAND * one.radius + 2)
        if near is None:
            continue
        there, wanted = _profiles(near, stored, meant)
        contrast = float(np.sqrt((wanted**2).mean()))
        alike = float((wanted * there).sum() / (np.linalg.norm(wanted) * np.linalg.norm(there) + 1e-9))
        seen = contrast > LEAST_CONTRAST and alike > LEAST_LIKENESS
        checked.append(one if seen else replace(one, counts=False))
    return checked


def _profiles(near: Around, *planes: Plane) -> list[np.ndarray]:
    """Of each plane 4x8: mean grey levels across the outline in each quadrant, without their slope.

    What crosses the outline, and uneven light, leave little in them.
    """
    reach = SEEN_BAND * near.radius + 1.5
    band = np.abs(near.signed) < reach
    step = np.minimum((8 * (near.signed[band] + reach) / (2 * reach)).astype(int), 7)
    quadrant = 2 * (near.across[band] > 0) + (near.down[band] > 0)
    group = 8 * quadrant + step
    counts = np.bincount(group, minlength=32).reshape(4, 8)
    across = np.arange(8) - 3.5
    profiles = []
    for plane in planes:
        sums = np.bincount(group, plane[near.window][band], minlength=32).reshape(4, 8)
        mean = sums.sum(axis=1, keepdims=True) / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        level = np.where(counts > 0, sums / np.maximum(counts, 1) - mean, 0)
        level = level - level.mean(axis=1, keepdims=True)
        profiles.append(level - (level @ across / (across @ across))[:, None] * across)
    return profiles
