"""Plugs and droplets in channels, and the oil between them, which looks like a plug with hollow ends."""

from __future__ import annotations

import cv2
import numpy as np

from training.rendering.canvas import Canvas, edge
from training.rendering.contents import Beads
from training.rendering.skins import Skin
from training.rendering.truth import ANGLES, Outline


def stadium(
    x: float, y: float, half_width: float, half_length: float, turn: float, roundness: float
) -> Outline:
    """A plug: a rectangle with rounded ends, along the direction `turn`; roundness 1 for half circles."""
    corner = half_width * roundness
    angles = ANGLES - turn
    cosine, sine = np.abs(np.cos(angles)), np.abs(np.sin(angles))
    low, high = np.zeros(len(ANGLES)), np.full(len(ANGLES), half_length + half_width)
    for _ in range(40):  # bisection along each ray: the distance to a rounded rectangle is known
        middle = (low + high) / 2
        across, down = middle * cosine - (half_length - corner), middle * sine - (half_width - corner)
        outside = (
            np.hypot(np.maximum(across, 0), np.maximum(down, 0)) + np.minimum(np.maximum(across, down), 0)
            > corner
        )
        low, high = np.where(outside, low, middle), np.where(outside, middle, high)
    return Outline(float(x), float(y), (low + high) / 2)


def draw_channel(
    random: np.random.Generator, canvas: Canvas, radius: float, skin: Skin, beads: Beads | None
) -> list[Outline]:
    """One to three channels with plugs; returns the plugs and their contents."""
    height, width = canvas.gain.shape
    turn = float(
        random.choice([0, np.pi / 2]) + random.choice([0, random.normal(0, 0.05), random.uniform(-0.8, 0.8)])
    )
    along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    reach = float(np.hypot(width, height))
    number = int(random.integers(1, 4))
    starts = (np.arange(number) - (number - 1) / 2) * radius * random.uniform(3, 6) + random.uniform(
        -0.2, 0.2
    ) * height
    half = radius * random.uniform(1.0, 1.25)
    tone, wall = random.uniform(-0.25, 0.25), random.choice([-1, 1], p=[0.8, 0.2]) * random.uniform(0.1, 0.8)
    thick, length = max(0.8, radius * random.uniform(0.02, 0.15)), random.uniform(1.0, 4.0)
    squeezed = random.uniform() < 0.6  # plugs fill the channel
    empty = random.uniform() < 0.2  # it waits for them
    drawn: list[Outline] = []
    offset_v = (columns - width / 2) * across[0] + (rows - height / 2) * across[1]
    for start in starts.tolist():
        away = np.abs(offset_v - start)
        canvas.gain += tone * (1 - edge(np.asarray(away - half, np.float32), 2.0))
        canvas.gain += wall * np.asarray(np.exp(-0.5 * ((away - half) / thick) ** 2), np.float32)
        if random.uniform() < 0.3:
            canvas.gain -= (
                0.6 * wall * np.asarray(np.exp(-0.5 * ((away - half - 2.5 * thick) / thick) ** 2), np.float32)
            )
        position = -reach / 2 - random.uniform(0, 4) * radius
        while position < reach / 2 and not empty:
            half_length = radius * (length * random.uniform(0.95, 1.05) if squeezed else 1.0)
            x, y = np.array([width, height]) / 2 + position * along + start * across
            fill = half * random.uniform(0.9, 0.99) if squeezed else radius
            plug = stadium(
                x,
                y,
                fill,
                max(half_length, fill),
                turn,
                float(random.choice([1.0, 0.8, 0.6])) if squeezed else 1.0,
            )
            if (
                -2 * radius * length < x < width + 2 * radius * length
                and -2 * radius * length < y < height + 2 * radius * length
            ):
                drawn.append(skin.draw(random, canvas, plug))
                if beads is not None:
                    drawn += beads.draw(random, canvas, plug, 0.15)
            position += 2 * half_length + radius * random.uniform(0.2, 5)
        if squeezed and random.uniform() < 0.4:  # the sides of plugs are lost in the walls
            line = np.exp(-0.5 * ((away - half) / (1.5 * thick)) ** 2)
            np.maximum(canvas.dark, np.float32(random.uniform(0.4, 0.95)) * line, out=canvas.dark)
    if random.uniform() < 0.35:
        _thread(random, canvas, half, turn, starts[0], skin, drawn)
    return drawn


def _thread(
    random: np.random.Generator,
    canvas: Canvas,
    half: float,
    turn: float,
    start: float,
    skin: Skin,
    drawn: list[Outline],
) -> None:
    """The end of a stream that comes in from the border: a droplet that is not one yet."""
    height, width = canvas.gain.shape
    reach = 0.5 * float(np.hypot(width, height))
    tip = -random.uniform(0.15, 0.45) * width
    middle = (tip - reach) / 2
    x = width / 2 + middle * np.cos(turn) - start * np.sin(turn)
    y = height / 2 + middle * np.sin(turn) + start * np.cos(turn)
    thread = stadium(x, y, half * random.uniform(0.3, 0.95), (tip + reach) / 2, turn, 1.0)
    if all(
        np.hypot(one.x - x, one.y - y) > float(one.radii.max()) + float(thread.radii.max()) for one in drawn
    ):
        skin.draw(random, canvas, Outline(x, y, thread.radii, counts=False))


def squares(
    random: np.random.Generator, x: float, y: float, radius: float, sides: int, turn: float
) -> Outline:
    """A well: a regular polygon of inner radius `radius`, its corners rounded."""
    power = random.uniform(4, 12)
    angles = ANGLES[:, None] - turn - 2 * np.pi * np.arange(sides) / sides
    support = np.clip(np.cos(angles), 0, None)
    return Outline(x, y, radius / (support**power).sum(axis=1) ** (1 / power))


def chip_steps(random: np.random.Generator, canvas: Canvas) -> None:
    """Large areas of the chip that are a little brighter or darker, with sharp edges."""
    height, width = canvas.gain.shape
    for _ in range(random.integers(1, 4)):
        corners = random.uniform(-0.3, 1.3, (int(random.integers(3, 6)), 2)) * (width, height)
        area = np.zeros((height, width), np.uint8)
        cv2.fillPoly(area, [np.rint(corners).astype(np.int32)], 255)
        canvas.gain += random.uniform(-0.25, 0.25) * cv2.GaussianBlur(
            area.astype(np.float32) / 255, (0, 0), random.uniform(0.6, 3)
        )
