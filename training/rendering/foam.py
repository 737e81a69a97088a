"""Foam: cells of a power diagram with walls between, wet or dry, whole or broken."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from training.rendering.canvas import Canvas, Plane, smooth_field
from training.rendering.truth import ANGLES, Outline

NEIGHBOURS = 6
LEAST = 30
"""Pixels of a cell that counts."""


def draw_foam(random: np.random.Generator, canvas: Canvas, radius: float) -> list[Outline]:
    """Cells of about that radius, drawn on `gain`; the truth is the inner edge of their walls."""
    height, width = canvas.gain.shape
    points, weights = _seeds(random, width, height, radius)
    own, wall, second = _diagram(points, weights, width, height)
    # Corners are rounded where much liquid is left: the wall's distance is smoothed.
    rounded = cv2.GaussianBlur(wall, (0, 0), max(0.5, random.choice([0.02, 0.08, 0.2, 0.35]) * radius))
    shell, inside = _wet(random, rounded, radius) if random.uniform() < 0.5 else _dry(random, rounded, radius)
    depth = random.choice([1, -1], p=[0.85, 0.15]) * random.uniform(0.2, 0.95)
    if random.uniform() < 0.5:
        shell = shell * _broken(random, own, second, width, height)
    tones = random.normal(0, random.choice([0, 0.03, 0.1]), len(points)).astype(np.float32)
    canvas.gain += tones[own] - np.asarray(depth * shell, np.float32)
    canvas.inside[...] = inside
    return _cells(np.where(inside, own, -1), len(points), radius)


def pressed_bubbles(random: np.random.Generator, width: int, height: int, radius: float) -> list[Outline]:
    """Outlines of bubbles that press on each other: cells with their corners smoothed away."""
    points, weights = _seeds(random, width, height, radius)
    own, wall, _ = _diagram(points, weights, width, height)
    gap = radius * random.uniform(0.01, 0.12)
    waves, shrunk = int(random.integers(3, 7)), random.uniform(0.93, 0.99)
    found = []
    for cell in _cells(np.where(wall > gap, own, -1), len(points), radius):
        spectrum = np.fft.rfft(cell.radii)
        spectrum[waves:] = 0
        found.append(replace(cell, radii=np.maximum(shrunk * np.fft.irfft(spectrum, len(cell.radii)), 1.0)))
    return found


def _dry(random: np.random.Generator, wall: Plane, radius: float) -> tuple[Plane, NDArray[np.bool_]]:
    """One wall between two cells: its strength, 0 to 1, and what lies within walls."""
    thickness = max(0.8, radius * random.uniform(0.02, 0.14))
    shell = np.exp(-0.5 * (np.maximum(wall - 0.3 * thickness, 0) / (0.7 * thickness)) ** 2)
    if random.uniform() < 0.3:  # a bright line beside the dark one
        beside = np.exp(-0.5 * ((wall - 2.2 * thickness) / (0.7 * thickness)) ** 2)
        shell = shell - random.uniform(0.1, 0.5) * beside
    return np.asarray(shell, np.float32), wall > 0.45 * thickness


def _wet(random: np.random.Generator, wall: Plane, radius: float) -> tuple[Plane, NDArray[np.bool_]]:
    """Each cell has a rim of its own, and the liquid between is as bright as the cells."""
    thickness = max(0.7, radius * random.uniform(0.01, 0.06))
    gap = radius * random.uniform(0.04, 0.25) + thickness
    shell = np.exp(-0.5 * ((wall - gap) / thickness) ** 2)
    return np.asarray(shell, np.float32), wall > gap


def _seeds(
    random: np.random.Generator, width: int, height: int, radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points and weights; large cells among small ones where they differ much."""
    number = max(6, int(width * height / (np.pi * radius**2)))
    spread = random.choice([0.1, 0.4, 0.8])
    sizes = -np.sort(-radius * np.exp(random.normal(0, spread, number) - spread**2 / 2))
    sizes = np.clip(sizes, 4, 0.35 * min(width, height))
    points: list[tuple[float, float]] = []
    kept: list[float] = []
    total = 0.0
    for size in sizes.tolist():
        for _ in range(12):
            x, y = random.uniform(-size, width + size), random.uniform(-size, height + size)
            if (
                not points
                or (
                    np.hypot(np.array(points)[:, 0] - x, np.array(points)[:, 1] - y)
                    > 0.8 * (np.array(kept) + size)
                ).all()
            ):
                points.append((x, y))
                kept.append(size)
                total += np.pi * size**2
                break
        if total > 1.1 * width * height or len(points) > 900:
            break
    return np.array(points), np.array(kept)


def _diagram(
    points: NDArray[np.float64], weights: NDArray[np.float64], width: int, height: int
) -> tuple[NDArray[np.int64], Plane, NDArray[np.int64]]:
    """HxW: the cell, the distance to its wall in pixels, and the cell beyond; computed at half size."""
    rows, columns = np.mgrid[0:height:2, 0:width:2]
    query = np.column_stack([columns.ravel(), rows.ravel()]).astype(float)
    power = np.full((len(query), 2), np.inf)
    near = np.zeros((len(query), 2), np.int64)
    tree = cKDTree(points)
    count = min(len(points), 4 * NEIGHBOURS)
    distance, index = tree.query(query, k=count)
    score = distance**2 - weights[index] ** 2
    order = np.argpartition(score, 1, axis=1)[:, :2]
    rank = np.argsort(np.take_along_axis(score, order, axis=1), axis=1)
    order = np.take_along_axis(order, rank, axis=1)
    near, power = np.take_along_axis(index, order, axis=1), np.take_along_axis(score, order, axis=1)
    apart = np.linalg.norm(points[near[:, 0]] - points[near[:, 1]], axis=1)
    wall = ((power[:, 1] - power[:, 0]) / (2 * np.maximum(apart, 1))).reshape(rows.shape).astype(np.float32)
    grown = cv2.resize(wall, (width, height), interpolation=cv2.INTER_LINEAR)
    own, second = (
        cv2.resize(
            near[:, i].reshape(rows.shape).astype(np.float32),
            (width, height),
            interpolation=cv2.INTER_NEAREST,
        ).astype(np.int64)
        for i in (0, 1)
    )
    return own, grown, second


def _broken(
    random: np.random.Generator, own: NDArray[np.int64], second: NDArray[np.int64], width: int, height: int
) -> Plane:
    """HxW, 0 to 1: walls that are thinner here and there, as a threshold leaves them."""
    field = smooth_field(random, width, height, (width / 25, height / 25), 1.0)
    strength = random.normal(0.9, 0.3, 4096).astype(np.float32)
    pair = (np.minimum(own, second) * 131 + np.maximum(own, second) * 7) % 4096
    return np.asarray(np.clip(strength[pair] + 0.35 * field, 0.05, 1), np.float32)


def _cells(labels: NDArray[np.int64], number: int, radius: float) -> list[Outline]:
    """Outlines of what is inside the walls."""
    height, width = labels.shape
    rows, columns = np.nonzero(labels >= 0)
    inside = labels[rows, columns]
    area = np.bincount(inside, minlength=number)
    x = np.bincount(inside, columns, number) / np.maximum(area, 1)
    y = np.bincount(inside, rows, number) / np.maximum(area, 1)
    found = []
    for i in np.flatnonzero(area >= LEAST).tolist():
        reach = np.arange(0.5, 4 * np.sqrt(area[i]) + 3, 0.5)
        across = np.rint(x[i] + reach * np.cos(ANGLES)[:, None]).astype(int)
        down = np.rint(y[i] + reach * np.sin(ANGLES)[:, None]).astype(int)
        there = (across >= 0) & (across < width) & (down >= 0) & (down < height)
        there &= labels[np.clip(down, 0, height - 1), np.clip(across, 0, width - 1)] == i
        radii = reach[
            np.maximum(np.argmin(np.column_stack([there, np.zeros(len(there), bool)]), axis=1) - 1, 0)
        ]
        if radii.min() >= 1.5 and (area[i] > 0.004 * radius**2):
            found.append(Outline(float(x[i]), float(y[i]), radii))
    return found
