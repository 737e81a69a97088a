"""From old workers to new ones at a reload: the old ones go when as many new ones are ready."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable

LOOK_S = 0.1


class Handover:
    """What master and workers share about a reload; to be made in the master, before it forks.

    Gunicorn numbers its workers in the order in which they are made: their age.
    """

    def __init__(self) -> None:
        self._oldest_new = multiprocessing.Value("l", 0)
        self._ready = multiprocessing.Value("l", 0)
        self._waiting = False

    def begin(self, newest_old: int) -> None:
        """Expect new workers in the place of those up to the age `newest_old`."""
        self._ready.value = 0
        self._oldest_new.value = newest_old + 1

    def end(self) -> None:
        """Expect no new workers any more: all are to go."""
        self._oldest_new.value = 0

    def ready(self, age: int) -> None:
        """Tell that the worker of this age takes requests."""
        with self._ready.get_lock():
            if age >= self._oldest_new.value:
                self._ready.value += 1

    def wait(self, age: int, workers: int, leave: Callable[[], None]) -> bool:
        """Call `leave` on a thread when `workers` new ones are ready; tells whether there will be any.

        The master says every second that an old worker is to go: once is enough.

        Arguments:
            age: of the worker that is told to go.
            workers: how many new ones there will be.
            leave: makes it go.
        """
        if age >= self._oldest_new.value:
            return False
        if not self._waiting:
            self._waiting = True
            threading.Thread(target=self._wait, args=(workers, leave), name="handover", daemon=True).start()
        return True

    def _wait(self, workers: int, leave: Callable[[], None]) -> None:
        while self._oldest_new.value and self._ready.value < workers:
            time.sleep(LOOK_S)
        leave()
