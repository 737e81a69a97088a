"""What a worker has in hand, in memory that outlives it, so that its successor finds what it left."""

from __future__ import annotations

import threading
from itertools import count
from mmap import mmap

LENGTH_BYTES = 2


class InFlight:
    """A place in shared memory for each request thread.

    Arguments:
        memory: zeros, or as another worker has left it.
        places: as many as there are request threads.
    """

    def __init__(self, memory: mmap, places: int) -> None:
        self._memory = memory
        self._size = len(memory) // places
        self._starts = range(0, places * self._size, self._size)
        self._numbers = count()
        self._of_thread = threading.local()

    def begin(self, note: bytes) -> None:
        """This thread has something in hand; one that does not fit into its place is not kept."""
        if not hasattr(self._of_thread, "start"):
            self._of_thread.start = self._starts[next(self._numbers)]
        text = self._of_thread.start + LENGTH_BYTES
        if LENGTH_BYTES + len(note) <= self._size:
            self._memory[text : text + len(note)] = note
            self._set_length(self._of_thread.start, len(note))  # last: the worker may be killed at any moment

    def end(self) -> None:
        """This thread is done with what it had in hand, if it had."""
        if hasattr(self._of_thread, "start"):
            self._set_length(self._of_thread.start, 0)

    def left(self) -> list[bytes]:
        """What is in hand."""
        texts = ((start + LENGTH_BYTES, self._length(start)) for start in self._starts)
        return [self._memory[text : text + length] for text, length in texts if length]

    def forget(self) -> None:
        """Nothing is in hand."""
        for start in self._starts:
            self._set_length(start, 0)

    def _length(self, start: int) -> int:
        return int.from_bytes(self._memory[start : start + LENGTH_BYTES], "little")

    def _set_length(self, start: int, length: int) -> None:
        self._memory[start : start + LENGTH_BYTES] = length.to_bytes(LENGTH_BYTES, "little")
