"""Places discs in a frame without overlap, up to nearly hexagonal packing.

Discs start on the sites of a turned hexagonal lattice, of which a smooth random field keeps the
best, so that dense rafts and open oil appear side by side as they do under a microscope. They are
shaken, then pushed apart until no two overlap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

HEXAGON = np.sqrt(3) / 2  # area of a lattice cell over the pitch squared
GAP = 1.0  # pixels that are kept between discs not asked to touch
TOLERANCE = 0.02
ROUNDS = 2000

Points = NDArray[np.float64]


def pack_discs(
    width: int,
    height: int,
    radii: NDArray[np.float64],
    *,
    touching: float,
    random: np.random.Generator,
) -> Points:
    """Centres of discs that do not overlap.

    Arguments:
        width, height: of the frame in pixels; centres lie in 0..width-1, 0..height-1.
        radii: N, in pixels.
        touching: share of the discs that is moved up to its nearest neighbour, 0 to 1.
        random: generator.

    Returns:
        Nx2 (x, y) in pixels. Discs keep a gap of about a pixel, but for those moved into contact.

    Raises:
        ValueError: the discs do not fit.
    """
    if not len(radii):
        return np.zeros((0, 2))
    size = np.array([width - 1, height - 1], float)
    wide = radii + GAP / 2
    centres = _sites(size, 2 * float(wide.mean()), len(radii), random)
    centres += random.normal(0, 0.12 * 2 * wide.mean(), centres.shape)
    centres = _push_apart(centres, wide, size)
    return _pull_together(
        centres, radii, size, random.permutation(len(radii))[: round(touching * len(radii))]
    )


def _sites(size: Points, pitch: float, count: int, random: np.random.Generator) -> Points:
    """`count` sites of a lattice as wide as the frame allows up to 5 % over the pitch."""
    pitch = min(1.05 * pitch, float(np.sqrt(size.prod() / (count * HEXAGON))))
    angle, reach = random.uniform(0, np.pi / 3), int(np.hypot(*size) / pitch) + 2
    row, column = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    across, down = (column + row / 2) * pitch, row * pitch * HEXAGON
    turned = np.column_stack(
        [across * np.cos(angle) - down * np.sin(angle), across * np.sin(angle) + down * np.cos(angle)]
    )
    sites = turned + size / 2 + random.uniform(-pitch / 2, pitch / 2, 2)
    # A few sites just outside make up the number where the lattice falls short by chance.
    outside = np.maximum(-sites, sites - size).max(axis=1)
    patch = min(0.6 * float(size.max()), 15 * pitch)  # breadth of the rafts and of the gaps between them
    waves = random.normal(0, 2 * np.pi / patch, (6, 2))
    field = np.cos(sites @ waves.T + random.uniform(0, 2 * np.pi, 6)).sum(axis=1)
    field += random.normal(0, 1.0, len(field))
    order = np.lexsort((-field, np.where(outside > 0, outside, 0)))
    return sites[order[:count]]


def _push_apart(centres: Points, radii: NDArray[np.float64], size: Points) -> Points:
    """Move overlapping discs along the line of their centres until none overlap."""
    for _ in range(ROUNDS):
        centres = np.clip(centres, 0, size)
        pairs = cKDTree(centres).query_pairs(2 * float(radii.max()), output_type="ndarray")
        first, second = pairs[:, 0], pairs[:, 1]
        between = centres[second] - centres[first]
        distance = np.maximum(np.hypot(between[:, 0], between[:, 1]), 1e-6)
        overlap = radii[first] + radii[second] - distance
        close = overlap > TOLERANCE
        if not close.any():
            return centres
        push = between[close] * (0.5 * (overlap[close] + TOLERANCE / 2) / distance[close])[:, None]
        np.add.at(centres, first[close], -push)
        np.add.at(centres, second[close], push)
    raise ValueError(f"{len(radii)} discs of mean radius {radii.mean():.1f} do not fit in this frame")


def _pull_together(
    centres: Points, radii: NDArray[np.float64], size: Points, movers: NDArray[np.int64]
) -> Points:
    """Move each of `movers` up to its nearest neighbour, unless another disc is in the way."""
    for mover in movers:
        away = centres - centres[mover]
        clear = np.hypot(away[:, 0], away[:, 1]) - radii - radii[mover]
        clear[mover] = np.inf
        nearest = int(clear.argmin())
        if not np.isfinite(clear[nearest]):
            break
        target = centres[mover] + away[nearest] * (clear[nearest] / np.hypot(*away[nearest]))
        rest = np.hypot(*(centres - target).T) - radii - radii[mover]
        rest[mover] = np.inf
        if rest.min() > -TOLERANCE and (target >= 0).all() and (target <= size).all():
            centres[mover] = target
    return centres
