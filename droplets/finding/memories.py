"""What is kept of the last pictures, so that the same picture with other filters costs no inference."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from droplets.finding.segmenter import Memory
from droplets.types import Generation, Quality

NO_TIME = {"queue": 0.0, "encode": 0.0, "generate": 0.0}
MASK_BYTES = 2**29
"""Memory that the masks of all remembered pictures may take."""


class Memories:
    """Of pictures, by fingerprint; those that were not asked for the longest go first.

    Arguments:
        size: pictures that are remembered.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[str, Memory] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, picture: str) -> Memory:
        """What is kept of a picture; a new one if nothing is."""
        return self._kept.get(picture) or Memory()

    def everything(self, picture: str, quality: Quality) -> Generation | None:
        """Masks of everything in a picture; None if they are not known."""
        with self._lock:
            memory = self._kept.get(picture)
            if memory is None:
                return None
            self._kept.move_to_end(picture)
            masks = memory.masks.get(quality)
            return None if masks is None else Generation(masks, NO_TIME, inner=memory.inner)

    def keep(self, picture: str, memory: Memory) -> None:
        """Remember a picture, and forget others for which there is no room."""
        with self._lock:
            self._kept[picture] = memory
            self._kept.move_to_end(picture)
            while len(self._kept) > self._size or (
                len(self._kept) > 1 and sum(kept.mask_bytes for kept in self._kept.values()) > MASK_BYTES
            ):
                self._kept.popitem(last=False)


def fingerprint(pixels: NDArray[np.uint8]) -> str:
    """Of HxWx3 pixels: what the memory of a picture goes by."""
    digest = hashlib.sha256(str(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
