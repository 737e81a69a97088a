"""Frames that are rendered on all cores and encoded on a GPU while training goes on."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from droplets.finding.network import Network
from training.frames import Part, part_targets, shown
from training.targets import Targets

Rendered = tuple[NDArray[np.uint8], list[list[Targets]]]


def _rendered(seed: int) -> Rendered:
    picture = shown(seed)
    return picture.pixels, part_targets(picture, seed)


class LiveFrames:
    """The newest frames, in memory; a source of parts like `training.frames.Frames`.

    Arguments:
        network: encodes; on the GPU.
        workers: processes that render.
        first_seed: of the frames.
        most: frames that are kept; each takes 18 MB.
        least: frames that are waited for at the start.
    """

    def __init__(
        self, network: Network, workers: int, *, first_seed: int = 0, most: int = 3000, least: int = 100
    ) -> None:
        self._network, self._workers = network, workers
        self._most, self._first = most, first_seed
        self._parts: list[Part] = []
        self._enough = threading.Event()
        self._least = least
        threading.Thread(target=self._fill, name="frames", daemon=True).start()

    def look_again(self) -> None:
        """Wait until there is something to train on; what comes later is there by itself."""
        self._enough.wait()

    def __len__(self) -> int:
        """Parts."""
        return len(self._parts)

    def __getitem__(self, index: int) -> Part:
        """Any part that is kept."""
        return self._parts[index]

    def _fill(self) -> None:
        """Render, encode and keep; the oldest frames make room."""
        context = get_context("spawn")
        with context.Pool(self._workers) as pool:
            for number, (pixels, targets) in enumerate(self._renderings(pool)):
                features = self._network.features(pixels)
                place = 4 * (number % self._most)
                self._parts[place : place + 4] = [Part.cut(pixels, features, i, targets[i]) for i in range(4)]
                if number + 1 >= self._least:
                    self._enough.set()

    def _renderings(self, pool: object) -> Iterator[Rendered]:
        return pool.imap_unordered(_rendered, itertools.count(self._first), chunksize=2)  # type: ignore[attr-defined,no-any-return]
