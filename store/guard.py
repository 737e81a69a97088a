"""What stands between the service and its store: one that is away costs no request a long wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from store.errors import StoreUnavailable
from store.faults import Faults

T = TypeVar("T")

log = structlog.get_logger(__name__)

RETRY_S = 1.0
"""Seconds between two tries whether the store is back."""


@dataclass(frozen=True)
class StoreStatus:
    """How this worker finds its store.

    Attributes:
        backend: "sqlite" or "redis".
        up: whether it answered last.
        failures: calls that failed since the worker started.
        since: seconds since the epoch when `up` became what it is.
    """

    backend: str
    up: bool
    failures: int
    since: float


class Guard:
    """Breaker in front of the store.

    The first call that fails opens it. From then on no caller waits for the store: a thread asks once a
    second whether it is back, and then closes the breaker. Both are logged once.

    Arguments:
        backend: the store's name.
        errors: what a failing store raises.
        answers: whether the store can be written now.
    """

    def __init__(self, backend: str, errors: type[Exception], answers: Callable[[], bool]) -> None:
        self._errors = errors
        self._answers = answers
        self._lock = threading.Lock()
        self._status = StoreStatus(backend, up=True, failures=0, since=time.time())
        self._closed = threading.Event()
        self._faults = Faults()

    def run(self, action: Callable[[], T]) -> T:
        """Result of `action`, a call of the store.

        Raises:
            StoreUnavailable: it failed, or the store is known to be away.
        """
        if not self._status.up:
            raise StoreUnavailable
        try:
            return action()
        except self._errors as error:
            self._fail(type(error).__name__)
            raise StoreUnavailable from error

    def check(self) -> bool:
        """Whether the store can be written now."""
        if self._status.up and not self._asked():
            self._fail("check")
        return self._status.up

    def status(self) -> StoreStatus:
        """The store as last seen; asks nobody."""
        return self._status

    def close(self) -> None:
        """Stop waiting for the store."""
        self._closed.set()

    def _asked(self) -> bool:
        try:
            return self._answers()
        except Exception as error:  # or nobody would wait for the store any more
            self._faults.log("asking the store failed", error)
            return False

    def _fail(self, kind: str) -> None:
        with self._lock:
            last = self._status
            since = time.time() if last.up else last.since
            self._status = StoreStatus(last.backend, up=False, failures=last.failures + 1, since=since)
            if last.up:
                log.error("store does not answer", backend=last.backend, kind=kind)
                threading.Thread(target=self._await_return, name="store-return", daemon=True).start()

    def _await_return(self) -> None:
        while not self._closed.wait(RETRY_S):
            if self._asked():
                with self._lock:
                    away = self._status
                    self._status = StoreStatus(
                        away.backend, up=True, failures=away.failures, since=time.time()
                    )
                log.warning(
                    "store answers again", backend=away.backend, away_s=round(time.time() - away.since)
                )
                return
            self._fail("check")
