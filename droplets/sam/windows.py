"""Which prompts look at the picture through the same window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from droplets.sam.projections import SIDE

STRIDE = 16  # frame pixels per image token


@dataclass(frozen=True, eq=False)
class Group:
    """Prompts that share their windows, `share` of them each.

    Attributes:
        prompts: (G share) int64, which of the points; those of one window in a row.
        corners: Gx2 int64 (x, y) of the windows' top-left image token.
    """

    prompts: NDArray[np.int64]
    corners: NDArray[np.int64]


def window_corners(points: NDArray[np.float64], window: int, pool: int) -> NDArray[np.int64]:
    """Top-left image tokens of windows around points, aligned to the blocks and inside the frame.

    Args:
        points: Nx2 (x, y) in the 1024 frame.
        window: image tokens along one side, a multiple of `pool`.
        pool: image tokens along one side of a block.
    """
    corners = np.rint((points / STRIDE - window / 2) / pool).astype(np.int64) * pool
    return np.asarray(np.clip(corners, 0, SIDE - window), dtype=np.int64)


def group_by_window(corners: NDArray[np.int64], batch: int) -> Iterator[Group]:
    """Batches of at most `batch` prompts, in each of which all windows have as many prompts.

    Args:
        corners: Nx2, see `window_corners`.
        batch: prompts in one batch.
    """
    members: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, (x, y) in enumerate(corners.tolist()):
        members[x, y].append(index)
    chunks: dict[int, list[tuple[tuple[int, int], list[int]]]] = defaultdict(list)
    for corner, indices in members.items():
        start = 0
        for size in (8, 4, 2, 1):
            while len(indices) - start >= size and size <= batch:
                chunks[size].append((corner, indices[start : start + size]))
                start += size
    for size, entries in sorted(chunks.items(), reverse=True):
        for begin in range(0, len(entries), batch // size):
            part = entries[begin : begin + batch // size]
            prompts = np.array([i for _, indices in part for i in indices], dtype=np.int64)
            yield Group(prompts, np.array([corner for corner, _ in part], dtype=np.int64))
