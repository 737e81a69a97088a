"""Where objects lie and how large they are: Nx2 centres (x, y) and N radii, in pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Placed = tuple[Points, Points]

LARGEST = 2500
"""Objects of a picture."""


def raft(random: np.random.Generator, width: int, height: int, radius: float) -> Placed:
    """Hexagonal layer with holes, vacancies and a few of another size."""
    pitch = 2 * radius * random.uniform(0.97, 1.14)
    turn = random.uniform(0, np.pi)
    reach = int(0.8 * np.hypot(width, height) / pitch) + 2
    column, row = np.meshgrid(np.arange(-reach, reach), np.arange(-reach, reach))
    across, down = pitch * (column + 0.5 * (row % 2)), pitch * np.sqrt(3) / 2 * row
    x = width / 2 + np.cos(turn) * across - np.sin(turn) * down
    y = height / 2 + np.sin(turn) * across + np.cos(turn) * down
    loose = random.choice([0.01, 0.04, 0.08]) * radius
    x, y = x.ravel() + random.normal(0, loose, x.size), y.ravel() + random.normal(0, loose, y.size)
    kept = (x > -radius) & (x < width + radius) & (y > -radius) & (y < height + radius)
    field = random.normal(size=(6, 6)).astype(np.float32)
    field = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
    least = np.quantile(field, random.choice([0.0, 0.2, 0.5, 0.8]))
    here = field[np.clip(y, 0, height - 1).astype(int), np.clip(x, 0, width - 1).astype(int)]
    kept &= (here >= least) & (random.uniform(size=x.size) < random.choice([1, 0.98, 0.9, 0.7]))
    radii = radius * np.clip(random.normal(1, random.uniform(0, 0.03), x.size), 0.85, 1.1)
    odd = random.uniform(size=x.size) < random.choice([0, 0.02, 0.1])
    radii[odd] *= random.uniform(0.4, 0.9, int(odd.sum()))
    return np.column_stack([x, y])[kept], radii[kept]


def grid(random: np.random.Generator, width: int, height: int, radius: float) -> Placed:
    """Rows and columns, slightly sheared."""
    pitch_x = 2 * radius * random.uniform(1.08, 2.3)
    pitch_y = pitch_x if random.uniform() < 0.6 else 2 * radius * random.uniform(1.08, 2.5)
    x, y = np.meshgrid(
        np.arange(random.uniform(0, pitch_x), width, pitch_x),
        np.arange(random.uniform(0, pitch_y), height, pitch_y),
    )
    lean = random.uniform(-0.06, 0.06)
    if random.uniform() < 0.3:
        x = x + (np.arange(x.shape[0]) % 2)[:, None] * pitch_x / 2
    x, y = x + lean * y, y - lean * x
    kept = random.uniform(size=x.size) < random.choice([1, 1, 0.95])
    loose = random.choice([0, 0.02]) * radius
    points = np.column_stack([x.ravel(), y.ravel()])[kept]
    points += random.normal(0, loose, points.shape)
    return points, radius * np.clip(random.normal(1, random.uniform(0, 0.04), len(points)), 0.85, 1.15)


def lines(random: np.random.Generator, width: int, height: int, radius: float) -> Placed:
    """Single file, as in channels."""
    points: list[tuple[float, float]] = []
    for _ in range(random.integers(1, 5)):
        turn = random.normal(0, 0.06) + random.choice([0, np.pi / 2])
        spacing = 2 * radius * random.uniform(1.0, 4.0)
        along = np.arange(-1.5 * max(width, height), 1.5 * max(width, height), spacing)
        across = random.uniform(-0.5, 0.5) * min(width, height)
        x = width / 2 + along * np.cos(turn) - across * np.sin(turn)
        y = height / 2 + along * np.sin(turn) + across * np.cos(turn)
        points += zip(x.tolist(), y.tolist(), strict=True)
    places = np.array(points)
    places = places[((places > -radius) & (places < np.array([width, height]) + radius)).all(axis=1)]
    radii = radius * np.clip(random.normal(1, 0.02, len(places)), 0.9, 1.1)
    return _apart(places, radii, 0.98)


def scattered(
    random: np.random.Generator, width: int, height: int, radius: float, *, polydisperse: bool
) -> Placed:
    """At random, touching or apart; polydisperse ones differ by up to a factor of ten."""
    cover = random.uniform(0.03, 0.75)
    number = int(min(max(cover * width * height / (np.pi * radius**2), 1), LARGEST))
    if random.uniform() < 0.15:
        number = min(number, int(random.integers(1, 8)))
    if polydisperse:
        spread = random.uniform(0.2, 0.75)
        radii = radius * np.exp(random.normal(0, spread, 2 * number) - spread**2)
        radii = np.clip(radii, min(4.0, radius), 0.42 * min(width, height))
    else:
        radii = radius * np.clip(
            random.normal(1, random.choice([0.01, 0.04, 0.1, 0.2]), 2 * number), 0.5, 1.7
        )
    touching = random.choice(
        [0.75, 0.94, 0.98, 1.0, 1.05, 1.2, 1.5], p=[0.06, 0.1, 0.24, 0.24, 0.16, 0.1, 0.1]
    )
    clustered = random.uniform() < 0.3
    return _sequential(random, width, height, -np.sort(-radii), number, touching, clustered)


def _sequential(
    random: np.random.Generator,
    width: int,
    height: int,
    radii: Points,
    number: int,
    touching: float,
    clustered: bool,
) -> Placed:
    """Random sequential placement, largest first; clustered ones are put beside one that is there."""
    side = max(2 * float(radii.max()), 8.0)
    cells: dict[tuple[int, int], list[int]] = {}
    places: list[tuple[float, float]] = []
    sizes: list[float] = []

    def free(x: float, y: float, radius: float) -> bool:
        column, row = int(x // side), int(y // side)
        return all(
            (places[i][0] - x) ** 2 + (places[i][1] - y) ** 2 >= ((sizes[i] + radius) * touching) ** 2
            for a in (-1, 0, 1)
            for b in (-1, 0, 1)
            for i in cells.get((column + a, row + b), ())
        )

    for radius in radii.tolist():
        for _ in range(10):
            if clustered and places and random.uniform() < 0.9:
                near = int(random.integers(len(places)))
                angle, apart = random.uniform(0, 2 * np.pi), (sizes[near] + radius) * touching * 1.005
                x, y = places[near][0] + apart * np.cos(angle), places[near][1] + apart * np.sin(angle)
                if not (-radius < x < width + radius and -radius < y < height + radius):
                    continue
            else:
                x = random.uniform(-0.7 * radius, width + 0.7 * radius)
                y = random.uniform(-0.7 * radius, height + 0.7 * radius)
            if free(x, y, radius):
                cells.setdefault((int(x // side), int(y // side)), []).append(len(places))
                places.append((x, y))
                sizes.append(radius)
                break
        if len(places) >= number:
            break
    return np.array(places).reshape(-1, 2), np.array(sizes)


def _apart(points: Points, radii: Points, touching: float) -> Placed:
    """Without those that overlap an earlier one."""
    kept = np.ones(len(points), bool)
    for i in range(len(points)):
        if kept[i]:
            distance = np.hypot(*(points[i + 1 :] - points[i]).T)
            kept[i + 1 :] &= distance > (radii[i] + radii[i + 1 :]) * touching
    return points[kept], radii[kept]


def place(random: np.random.Generator, width: int, height: int, radius: float) -> Placed:
    """Any of the packings."""
    kind = random.choice(
        ["raft", "scattered", "polydisperse", "lines", "grid"], p=[0.3, 0.25, 0.25, 0.1, 0.1]
    )
    if kind == "raft":
        points, radii = raft(random, width, height, radius)
    elif kind == "grid":
        points, radii = grid(random, width, height, radius)
    elif kind == "lines":
        points, radii = lines(random, width, height, radius)
    else:
        points, radii = scattered(random, width, height, radius, polydisperse=kind == "polydisperse")
    return points[:LARGEST], radii[:LARGEST]


def gaps(points: Points, radii: Points) -> Placed:
    """Places between three objects that touch or nearly do, and the radius of the disc that fits there."""
    from scipy.spatial import Delaunay, QhullError  # noqa: PLC0415  # slow to import

    try:
        corners = Delaunay(points).simplices if len(points) > 3 else np.zeros((0, 3), int)
    except QhullError:
        corners = np.zeros((0, 3), int)
    if not len(corners):
        return np.zeros((0, 2)), np.zeros(0)
    triangle, sizes = points[corners], radii[corners]
    sides = np.linalg.norm(triangle - np.roll(triangle, 1, axis=1), axis=2)
    reach = sizes + np.roll(sizes, 1, axis=1)
    close = (sides < 1.25 * reach).all(axis=1)
    middle = (triangle[close] / sizes[close][..., None]).sum(axis=1) / (1 / sizes[close]).sum(axis=1)[:, None]
    room = (np.linalg.norm(triangle[close] - middle[:, None], axis=2) - sizes[close]).min(axis=1)
    fits = room > 1.0
    return middle[fits], room[fits]
