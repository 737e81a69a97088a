"""Renders series of frames of plain droplets that move, merge and split in known ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.rendering.plain import Rendering, TrueDroplet, render_placed


@dataclass(frozen=True)
class Moving:
    """A droplet of a series.

    Attributes:
        x, y: where its centre is, or would be, in frame 0, in pixels.
        radius: in pixels.
        velocity: (x, y) in pixels a frame.
        first, last: frames in which it is there.
    """

    x: float
    y: float
    radius: float
    velocity: tuple[float, float]
    first: int = 0
    last: int = 10**6


def positions(droplets: Sequence[Moving], frame: int, width: int, height: int) -> dict[int, TrueDroplet]:
    """What a frame shows, by index of the droplet: those whose centre lies in it."""
    shown = {}
    for number, one in enumerate(droplets):
        x, y = one.x + frame * one.velocity[0], one.y + frame * one.velocity[1]
        if one.first <= frame <= one.last and 0 <= x <= width - 1 and 0 <= y <= height - 1:
            cut = min(x, y, width - 1 - x, height - 1 - y) <= one.radius
            shown[number] = TrueDroplet(x, y, one.radius, cut)
    return shown


def render_series(
    droplets: Sequence[Moving], frames: int, width: int, height: int, *, seed: int = 0
) -> list[Rendering]:
    """Brightfield pictures of the frames, under the same light."""
    return [
        render_placed(width, height, list(positions(droplets, frame, width, height).values()), seed=seed)
        for frame in range(frames)
    ]


def channel(
    length: int,
    *,
    diameter: float,
    pitch: float,
    step: float,
    spread: float,
    frames: int,
    y: float,
    seed: int,
) -> list[Moving]:
    """Droplets in single file that flow to the right.

    Arguments:
        length: of the channel in pixels.
        diameter: mean, in pixels.
        pitch: mean distance of centres, in pixels.
        step: pixels a frame.
        spread: standard deviation of diameters and of distances, over their means.
        frames: for which there are enough droplets.
        y: of the axis, in pixels.
        seed: of the random generator.
    """
    random = np.random.default_rng(seed)
    count = int((length + frames * step) / pitch) + 1
    ways: NDArray[np.float64] = length - np.cumsum(pitch * np.clip(random.normal(1, spread, count), 0.6, 1.4))
    radii = diameter / 2 * np.clip(random.normal(1, spread, count), 0.7, 1.3)
    return [Moving(float(x), y, float(r), (step, 0.0)) for x, r in zip(ways, radii, strict=True)]


def merging(
    x: float, y: float, radius: float, frame: int, velocity: tuple[float, float] = (0.0, 0.0)
) -> list[Moving]:
    """Two equal droplets that lie side by side around (x, y) in frame 0, and from a frame on are one."""
    apart = 1.05 * radius
    halves = [Moving(x + side * apart, y, radius, velocity, last=frame - 1) for side in (-1, 1)]
    return [*halves, Moving(x, y, 2 ** (1 / 3) * radius, velocity, first=frame)]


def splitting(
    x: float, y: float, radius: float, frame: int, velocity: tuple[float, float] = (0.0, 0.0)
) -> list[Moving]:
    """A droplet at (x, y) in frame 0 that from a frame on is two equal ones, side by side."""
    half = radius / 2 ** (1 / 3)
    halves = [Moving(x + side * 1.05 * half, y, half, velocity, first=frame) for side in (-1, 1)]
    return [Moving(x, y, radius, velocity, last=frame - 1), *halves]
