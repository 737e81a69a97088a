"""What is no droplet: dust, gaps, letters, walls, textures, reflections, things out of focus."""

from __future__ import annotations

import cv2
import numpy as np

from training.rendering.canvas import Canvas, Plane, around, smooth_field
from training.rendering.packings import gaps
from training.rendering.skins import Skin
from training.rendering.truth import ANGLES, Outline, circle

WORDS = ["100 um", "50um", "200 um", "t=12 s", "00:04:30", "A1", "10x"]
ONE_SIZE, SPECK = 0.1, 0.18
"""Standard deviation over mean of radii up to which droplets are of one size, and the part of their radius
under which what looks like them is a speck."""
LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-.,%[]()/=")


def specks(random: np.random.Generator, canvas: Canvas, glowing: bool, radius: float) -> None:
    """Dots and tiny rings, much smaller than the droplets."""
    plane = canvas.glow if glowing else canvas.gain
    scale = random.uniform(10, 120) if glowing else 1.0
    height, width = plane.shape
    largest = max(1.5, min(7.0, 0.22 * radius))
    for _ in range(int(random.choice([8, 40, 160]) * random.uniform(0.5, 1.2))):
        dot = circle(random.uniform(0, width), random.uniform(0, height), random.uniform(0.7, largest))
        near = around(plane.shape, dot, 2 * dot.radius + 3)
        if near is None:
            continue
        strength = scale * random.normal(0, 0.35)
        if glowing:
            strength = abs(strength)
        if random.uniform() < 0.55:
            shape = np.exp(-0.5 * (near.from_centre / dot.radius) ** 2)
        else:
            shape = np.exp(-0.5 * (near.signed / max(0.6, 0.35 * dot.radius)) ** 2)
            shape = shape - random.uniform(0, 0.8) * np.exp(
                -0.5 * (near.from_centre / (0.5 * dot.radius)) ** 2
            )
        plane[near.window] += np.asarray(strength * shape, np.float32)


def scratches(random: np.random.Generator, canvas: Canvas, glowing: bool) -> None:
    """Fibres, hairs and scratches, straight or curved."""
    layer = np.zeros_like(canvas.gain)
    height, width = layer.shape
    for _ in range(random.integers(1, 15)):
        start = random.uniform(0, 1, 2) * (width, height)
        steps = np.cumsum(
            random.normal(0, random.choice([8, 25]), (int(random.integers(2, 14)), 2))
            + random.normal(0, 15, 2),
            axis=0,
        )
        cv2.polylines(
            layer,
            [np.rint(start + steps).astype(np.int32)],
            isClosed=False,
            color=float(random.normal(0, 0.4)),
            thickness=int(random.integers(1, 4)),
        )
    layer = cv2.GaussianBlur(layer, (0, 0), random.uniform(0.5, 2.5))
    if glowing:
        canvas.glow += 60 * np.abs(layer)
    else:
        canvas.gain += layer


def lit_gaps(random: np.random.Generator, canvas: Canvas, objects: list[Outline], glowing: bool) -> None:
    """The places between three droplets shine or are dark, and look round."""
    outer = [one for one in objects if not one.inner]
    if len(outer) < 4:
        return
    points = np.array([(one.x, one.y) for one in outer])
    middle, room = gaps(points, np.array([one.radius for one in outer]))
    strength = random.uniform(-0.5, 0.7)
    size = random.uniform(0.5, 1.1)
    plane = canvas.glow if glowing else canvas.gain
    for (x, y), free in zip(middle, room, strict=True):
        near = around(plane.shape, circle(x, y, max(free, 1.0)), 1.5 * free + 3)
        if near is not None:
            shape = np.exp(-0.5 * (near.from_centre / max(0.8, size * free)) ** 2)
            level = 40 * abs(strength) if glowing else strength
            plane[near.window] += np.asarray(level * random.uniform(0.7, 1.1) * shape, np.float32)


def satellites(
    random: np.random.Generator, canvas: Canvas, objects: list[Outline], skin: Skin
) -> list[Outline]:
    """Tiny droplets beside others: a person may count them or not, so truth does not judge.

    Beside droplets of one size the tiniest are specks, which nobody counts.
    """
    outer = [one for one in objects if not one.inner]
    if not outer:
        return []
    points, radii = np.array([(one.x, one.y) for one in outer]), np.array([one.radius for one in outer])
    typical = float(np.median(radii))
    one_size = float(radii.std()) < ONE_SIZE * typical
    drawn: list[Outline] = []
    for _ in range(random.integers(2, 40)):
        i = int(random.integers(len(outer)))
        radius = typical * random.uniform(0.05, 0.28)
        angle = random.uniform(0, 2 * np.pi)
        x, y = points[i] + (radii[i] + radius + random.uniform(0, typical)) * np.array(
            [np.cos(angle), np.sin(angle)]
        )
        if radius < 1.2 or (np.hypot(*(points - (x, y)).T) < radii + 0.9 * radius).any():
            continue
        small = circle(float(x), float(y), radius, counts=False)
        shown = skin.draw(random, canvas, small)
        if not one_size or radius > SPECK * typical:
            drawn.append(shown)
    return drawn


def texture(random: np.random.Generator, canvas: Canvas, strength: float) -> None:
    """Fractal or streaky ground: paper, tissue, a rough chip."""
    height, width = canvas.gain.shape
    total = np.zeros_like(canvas.gain)
    for size in (4, 8, 16, 32, 64, 128):
        if random.uniform() < 0.65:
            stretch = random.choice([1, 1, 1, 0.2])
            total += smooth_field(
                random, width, height, (width / size * stretch, height / size), random.uniform(0.2, 1)
            )
    if random.uniform() < 0.3:
        total = np.abs(total)
    if random.uniform() < 0.25:
        total = (total > np.quantile(total[::8, ::8], random.uniform(0.4, 0.9))).astype(np.float32)
    canvas.gain += total * (strength / (float(total.std()) + 1e-3))


def walls(random: np.random.Generator, canvas: Canvas) -> None:
    """Edges of channels and chips: parallel lines, bends, crossings, steps of brightness."""
    height, width = canvas.gain.shape
    layer = np.zeros_like(canvas.gain)
    fill = np.zeros((height, width), np.uint8)
    sign = random.choice([-1, 1], p=[0.75, 0.25]) * random.uniform(0.1, 0.7)
    for _ in range(random.integers(1, 6)):
        path = _path(random, width, height)
        wide = int(random.uniform(0.01, 0.2) * max(width, height))
        outline = np.zeros((height, width), np.uint8)
        cv2.polylines(outline, [path], isClosed=False, color=255, thickness=max(wide, 2))
        fill |= outline
        edges = cv2.morphologyEx(outline, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8))
        edges = cv2.dilate(edges, np.ones((int(random.integers(1, 6)),) * 2, np.uint8))
        layer = np.maximum(layer, edges.astype(np.float32) / 255)
    if random.uniform() < 0.4:  # channels seen as wholes: walls are where channels end, not where they cross
        edges = cv2.morphologyEx(fill, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
        layer = edges.astype(np.float32) / 255
    canvas.gain += sign * cv2.GaussianBlur(layer, (0, 0), random.uniform(0.5, 4))
    if random.uniform() < 0.4:
        canvas.gain += random.uniform(-0.3, 0.3) * cv2.GaussianBlur(
            fill.astype(np.float32) / 255, (0, 0), 1.5
        )


def _path(random: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Corners of a channel: straight, a serpentine, a curve or a wedge."""
    kind = random.choice(["straight", "serpentine", "curve", "wedge"])
    size = np.array([width, height])
    if kind == "straight":
        turn = random.choice([0, np.pi / 2]) + random.normal(0, 0.05)
        middle, reach = (
            random.uniform(0, 1, 2) * size,
            2 * size.max() * np.array([np.cos(turn), np.sin(turn)]),
        )
        corners = np.array([middle - reach, middle + reach])
    elif kind == "serpentine":
        rows = int(random.integers(2, 7))
        left, right = np.sort(random.uniform(-0.2, 1.2, 2)) * width
        y = np.repeat(
            random.uniform(0, 0.5) * height + np.arange(rows) * random.uniform(0.05, 0.25) * height, 2
        )
        x = np.tile([left, right, right, left], rows)[: 2 * rows]
        corners = np.column_stack([x, y])
        if random.uniform() < 0.5:
            corners = corners[:, ::-1]
    elif kind == "curve":
        centre, radius = random.uniform(-0.2, 1.2, 2) * size, random.uniform(0.15, 0.9) * width
        turn = np.linspace(0, random.uniform(0.5, 1.5) * np.pi, 40) + random.uniform(0, 6.28)
        corners = centre + radius * np.column_stack([np.cos(turn), np.sin(turn)])
    else:
        tip = random.uniform(0.1, 0.9, 2) * size
        turn, opening = random.uniform(0, 6.28), random.uniform(0.3, 1.4)
        sides = [turn - opening / 2, turn + opening / 2]
        ends = [tip + 2 * width * np.array([np.cos(a), np.sin(a)]) for a in sides]
        corners = np.array([ends[0], tip, ends[1]])
    return np.asarray(np.rint(corners), np.int32)


def ghosts(random: np.random.Generator, canvas: Canvas, radius: float, glowing: bool) -> None:
    """Droplets of another layer, far out of focus: a person does not count them."""
    layer = np.zeros_like(canvas.gain)
    height, width = layer.shape
    for _ in range(random.integers(2, 30)):
        place = (int(random.uniform(0, width)), int(random.uniform(0, height)))
        size = max(2, int(radius * random.uniform(0.7, 1.5)))
        cv2.circle(layer, place, size, 1.0, -1 if random.uniform() < 0.4 else max(1, int(0.25 * radius)))
    layer = cv2.GaussianBlur(layer, (0, 0), max(3, random.uniform(0.4, 0.8) * radius))
    if glowing:
        canvas.glow += random.uniform(5, 40) * layer
    else:
        canvas.gain += random.uniform(-0.3, 0.3) * layer


def reflections(random: np.random.Generator, canvas: Canvas) -> None:
    """Broad bright or dark patches and streaks of light."""
    height, width = canvas.gain.shape
    layer = np.zeros_like(canvas.gain)
    for _ in range(random.integers(1, 6)):
        centre = (int(random.uniform(0, width)), int(random.uniform(0, height)))
        axes = (int(random.uniform(5, 160)), int(random.uniform(5, 60)))
        cv2.ellipse(layer, centre, axes, random.uniform(0, 180), 0, 360, float(random.uniform(-0.4, 0.8)), -1)
    canvas.gain += cv2.GaussianBlur(layer, (0, 0), random.choice([2, 8, 30]))


def pillars(random: np.random.Generator, canvas: Canvas, radius: float) -> None:
    """Posts, squares and bars of a chip."""
    height, width = canvas.gain.shape
    layer = np.zeros_like(canvas.gain)
    side = max(4, int(radius * random.uniform(0.3, 1.5)))
    solid = random.uniform() < 0.5
    for _ in range(random.integers(2, 40)):
        x, y = int(random.uniform(0, width)), int(random.uniform(0, height))
        long = int(side * random.uniform(1, 3))
        corners = cv2.boxPoints(((x, y), (side, long), float(random.choice([0, 45, 90]))))
        cv2.polylines(
            layer,
            [np.rint(corners).astype(np.int32)],
            isClosed=True,
            color=1.0,
            thickness=int(random.integers(1, 4)),
        )
        if solid:
            cv2.fillPoly(layer, [np.rint(corners).astype(np.int32)], 0.6)
    canvas.gain += random.uniform(-0.5, 0.5) * cv2.GaussianBlur(layer, (0, 0), random.uniform(0.5, 2))


def debris(random: np.random.Generator, canvas: Canvas, radius: float) -> None:
    """Irregular dark or bright lumps."""
    height, width = canvas.gain.shape
    for _ in range(random.integers(1, 12)):
        size = radius * random.uniform(0.1, 1.0)
        radii = np.full(len(ANGLES), size)
        for wave in range(2, 9):
            radii = radii * (
                1 + 0.35 / wave * random.normal() * np.cos(wave * ANGLES + random.uniform(0, 6.28))
            )
        lump = Outline(random.uniform(0, width), random.uniform(0, height), np.clip(radii, 0.3 * size, None))
        near = around(canvas.gain.shape, lump, 5)
        if near is None:
            continue
        body = 0.5 - 0.5 * np.tanh(np.clip(near.signed / random.uniform(0.6, 3), -15, 15))
        rough = smooth_field(random, near.signed.shape[1], near.signed.shape[0], (6, 6), 0.5)
        canvas.gain[near.window] += np.asarray(random.uniform(-0.7, 0.4) * body * (1 + rough), np.float32)


def caption(random: np.random.Generator, pixels: Plane) -> Plane:
    """Letters, digits, scale bars and strips, burnt into HxWx3."""
    height, width = pixels.shape[:2]
    colours = [(0, 0, 0), (255, 255, 255), (255, 255, 0), (255, 0, 0), (40, 40, 40)]
    colour = np.array(colours[int(random.integers(len(colours)))], np.float32)
    kind = str(random.choice(["bar", "strip", "page", "label"], p=[0.4, 0.2, 0.15, 0.25]))
    out, ink = pixels.copy(), np.zeros((height, width), np.uint8)
    size, face, thick = (
        float(random.uniform(0.25, 2.2)),
        int(random.integers(0, 5)),
        int(random.integers(1, 4)),
    )
    if kind == "strip":
        tall = int(random.uniform(0.04, 0.15) * height)
        top = height - tall if random.uniform() < 0.7 else 0
        ground = float(random.choice([0, 255, 230]))
        out[top : top + tall] = ground
        colour, size = np.full(3, 255 - ground, np.float32), tall / 60
        places = [(int(random.uniform(0, 0.1) * width), top + int(0.6 * tall))]
    elif kind == "page":
        lines = random.uniform(30, height, int(random.integers(2, 9)))
        places = [(int(random.uniform(0, 0.2) * width), int(y)) for y in lines]
    else:
        places = [(int(random.uniform(0.02, 0.8) * width), int(random.uniform(0.05, 0.97) * height))]
    for x, y in places:
        length = int(random.integers(1, 9) if kind in ("bar", "label") else random.integers(8, 60))
        words = (
            "".join(random.choice(LETTERS, length)) if random.uniform() < 0.6 else str(random.choice(WORDS))
        )
        cv2.putText(ink, words, (x, y), face, size, 255, thick, cv2.LINE_AA)
        if kind == "bar":
            end = (x + int(random.uniform(40, 250)), y + 8 + int(random.uniform(3, 14)))
            cv2.rectangle(ink, (x, y + 8), end, 255, -1)
    share = ink[..., None].astype(np.float32) / 255
    return np.asarray(out * (1 - share) + share * colour, np.float32)


def field_of_view(random: np.random.Generator, width: int, height: int) -> Plane:
    """HxW, 1 within: a round one, or an oblique end."""
    field = np.ones((height, width), np.float32)
    if random.uniform() < 0.6:
        field[...] = 0
        centre = (int(random.uniform(0.3, 0.7) * width), int(random.uniform(0.3, 0.7) * height))
        cv2.circle(field, centre, int(random.uniform(0.45, 0.75) * width), 1.0, -1)
    else:
        corner = random.uniform(0.05, 0.3) * width
        end = int(corner * random.uniform(0, 1.5))
        cv2.fillPoly(field, [np.array([[0, 0], [int(corner), 0], [end, height], [0, height]], np.int32)], 0.0)
    return np.asarray(cv2.GaussianBlur(field, (0, 0), random.choice([1, 4])), np.float32)
