"""Windows of image tokens around prompts: which prompts share one, and what each holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from droplets.sam.projections import SIDE
from droplets.sam.transfer import upload

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

    def halves(self) -> tuple[Group, ...]:
        """Two groups with its windows shared out, or the prompts of its only one; itself if it has one."""
        count, windows = len(self.prompts), len(self.corners)
        if count < 2:
            return (self,)
        if windows < 2:
            return Group(self.prompts[: count // 2], self.corners), Group(
                self.prompts[count // 2 :], self.corners
            )
        first = windows // 2
        middle = first * (count // windows)
        return Group(self.prompts[:middle], self.corners[:first]), Group(
            self.prompts[middle:], self.corners[first:]
        )


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


def consecutive(count: int, batch: int) -> Iterator[Group]:
    """Batches of at most `batch` of `count` prompts that all look at the whole frame."""
    for start in range(0, count, batch):
        prompts = np.arange(start, min(start + batch, count), dtype=np.int64)
        yield Group(prompts, np.zeros((1, 2), np.int64))


def token_indices(corners: NDArray[np.int64], window: int) -> NDArray[np.int64]:
    """Gx2 corners -> Gx(window^2), the windows' image tokens among the 4096, row by row."""
    steps = np.arange(window)
    places = (corners[:, 1, None, None] + steps[:, None]) * SIDE + corners[:, 0, None, None] + steps
    return places.reshape(len(corners), -1)


def covered_blocks(corners: NDArray[np.int64], window: int, pool: int) -> NDArray[np.bool_]:
    """Gx2 corners -> Gx(64/pool)^2, whether a block lies in the window."""
    starts = np.arange(0, SIDE, pool)
    x, y = (
        (corners[:, axis, None] <= starts) & (starts < corners[:, axis, None] + window) for axis in (0, 1)
    )
    return (y[:, :, None] & x[:, None, :]).reshape(len(corners), -1)


def cut_windows(frame: Tensor, corners: NDArray[np.int64], window: int, pool: int) -> Tensor:
    """Windows of a map of the image tokens: AxCx64x64 and Gx2 corners -> AxGxCx(window^2).

    A GPU takes them all at once; a CPU copies slices, which are whole rows, 3 to 5 times as fast.
    """
    if frame.device.type != "cpu":
        return _gathered(frame, corners, window, pool)
    out = frame.new_empty(frame.shape[0], len(corners), frame.shape[1], window, window)
    for g, (x, y) in enumerate(corners.tolist()):
        out[:, g] = frame[..., y : y + window, x : x + window]
    return out.flatten(3)


def _gathered(frame: Tensor, corners: NDArray[np.int64], window: int, pool: int) -> Tensor:
    """`cut_windows` as one indexed copy out of all places where a window can be."""
    places = frame.unfold(2, window, pool).unfold(3, window, pool).permute(0, 2, 3, 1, 4, 5)
    column, row = upload(corners.T // pool, frame.device)
    return places[:, row, column].flatten(3)
