"""Places for bodies: few enough that health has threads left, and bounded in bytes, for they lie on disk."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sam_service import Busy

BODIES_ON_DISK = 4
"""As many of the largest size may be there at a time: 0.5 GB, by default, of a /tmp of 1 GB."""
THREADS_FOR_OTHERS = 4
"""Of a worker's threads, for health, pages and refusals."""


class Uploads:
    """Who holds how many places.

    Arguments:
        places: bodies at a time.
        share: of these, bodies of one owner.
        most_bytes: of all of them together.
    """

    def __init__(self, places: int, share: int, most_bytes: int) -> None:
        self._places = places
        self._share = share
        self._room = most_bytes
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def place(self, owner: str, size: int) -> Iterator[None]:
        """A place for a body of `size` bytes, for as long as the context lasts.

        Raises:
            Busy: there is none.
        """
        with self._lock:
            if self._held[owner] >= self._share and self._held.total() < self._places:
                raise Busy(
                    "This key has too many requests under way; send the next one when one is answered."
                )
            if self._held.total() >= self._places or size > self._room:
                raise Busy("Too many uploads are under way; try again in a moment.")
            self._held[owner] += 1
            self._room -= size
        try:
            yield
        finally:
            with self._lock:
                self._held[owner] -= 1
                self._room += size
