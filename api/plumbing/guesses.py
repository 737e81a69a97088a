"""Who has sent wrong keys, and how long they have to wait: ten in five minutes from one network."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from typing import TypeVar

from limits import RateLimitItemPerMinute
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter

from api.errors import RateLimited

V = TypeVar("V")

WRONG_KEYS = RateLimitItemPerMinute(10, 5)
REMEMBERED = 10_000
"""Networks that a worker knows by itself: those that wait, and those that have sent a right key."""


class Guesses:
    """Counts wrong keys of all workers together, and remembers in this worker who has to wait.

    So those who go on guessing cost the store nothing, and neither do those whose keys are right.

    Arguments:
        storage: where wrong keys are counted.
    """

    def __init__(self, storage: Storage) -> None:
        assert isinstance(storage, MovingWindowSupport)  # noqa: S101  # as all of ours
        self._limiter = MovingWindowRateLimiter(storage)
        self._lock = threading.Lock()
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._welcome: OrderedDict[tuple[str, str], None] = OrderedDict()

    def check_wait(self, purpose: str, network: str) -> None:
        """Refuse a network that this worker knows to have to wait.

        Raises:
            RateLimited: it has to, and for how long.
        """
        left = self._until.get((purpose, network), 0.0) - time.time()
        if 0 < left <= WRONG_KEYS.get_expiry():  # more is left only where the clock has been set back
            raise _told_to_wait(left)

    def wrong(self, purpose: str, network: str) -> None:
        """Count a wrong key.

        Raises:
            RateLimited: it is one too many, or was before.
        """
        self.check_wait(purpose, network)
        # Counted as it is judged, so that guesses sent at once cannot exceed the limit.
        allowed = self._limiter.hit(WRONG_KEYS, purpose, network)
        until, left = self._limiter.get_window_stats(WRONG_KEYS, purpose, network)
        if left < 1:
            self._let_wait(purpose, network, until)
        if not allowed:
            raise _told_to_wait(until - time.time())

    def right(self, purpose: str, network: str) -> None:
        """Let a right key pass, unless other workers know that its network has to wait.

        Raises:
            RateLimited: it has to.
        """
        self.check_wait(purpose, network)
        until, left = self._limiter.get_window_stats(WRONG_KEYS, purpose, network)
        if left < 1:
            self._let_wait(purpose, network, until)
            raise _told_to_wait(until - time.time())

    def welcome(self, name: str, network: str) -> None:
        """Let an API key pass, or wait where wrong ones came from, unless it has passed there before.

        Told which of many keys is right, a guesser would not be slowed; and a colleague who goes on with an
        old key must not stop those who work beside him.

        Raises:
            RateLimited: it has to wait.
        """
        if (network, name) not in self._welcome:
            self.check_wait("api", network)
        with self._lock:
            _remember(self._welcome, (network, name), None)

    def _let_wait(self, purpose: str, network: str, until: float) -> None:
        with self._lock:
            _remember(self._until, (purpose, network), until)


def _remember(kept: OrderedDict[tuple[str, str], V], name: tuple[str, str], value: V) -> None:
    kept[name] = value
    kept.move_to_end(name)
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)


def _told_to_wait(seconds: float) -> RateLimited:
    wait = max(1, math.ceil(seconds))
    return RateLimited(
        f"Too many wrong keys from this address; wait {wait} s, then send the right one.",
        {"Retry-After": str(wait)},
    )
