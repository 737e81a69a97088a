"""Usage records: what was asked, by whom, and how long it took; written in batches off the request path."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import structlog

from droplets.errors import StoreUnavailable

log = structlog.get_logger(__name__)

DAY = 86_400.0
MOST_RECORDS = 500_000
"""Usage records kept, about 100 MB in Redis; the oldest go, lest a store that is full counts no hits."""
SPANS = 60
"""Points of a curve over time, about."""


@dataclass(frozen=True)
class UsageRecord:
    """One answered request.

    Attributes:
        at: seconds since the epoch when it was answered.
        key_name: name of the API key, "" if none was recognised.
        endpoint: the route's path pattern, such as "/segment".
        status: HTTP status.
        processing_ms: from the first decorator to the answer.
        queue_ms: of these, spent waiting for the inference thread.
        masks: number of masks answered.
        bytes: size of the request's body as its header claims it, but no more than the service reads.
    """

    at: float
    key_name: str
    endpoint: str
    status: int
    processing_ms: float
    queue_ms: float = 0.0
    masks: int = 0
    bytes: int = 0


class UsageStore(Protocol):
    """What a backend has to offer."""

    def add(self, records: Sequence[UsageRecord]) -> None:
        """Write `records` at once."""

    def since(self, start: float) -> list[UsageRecord]:
        """Records of `start` (seconds since the epoch) and later, oldest first."""

    def forget_before(self, end: float) -> int:
        """Delete records older than `end`; returns how many there were."""


class UsageWriter:
    """Collects records and writes them in batches on a thread of its own.

    A store that fails costs a warning, never a request: the batch is kept and tried again.

    Arguments:
        store: the backend.
        retention_days: records older than this are deleted once an hour.
        interval: seconds between batches.
        capacity: records kept while the store fails; the newest are dropped beyond it.
    """

    def __init__(
        self, store: UsageStore, retention_days: int, interval: float = 1.0, capacity: int = 10_000
    ) -> None:
        self._store = store
        self._retention = retention_days * DAY
        self._interval = interval
        self._capacity = capacity
        self._pending: queue.SimpleQueue[UsageRecord] = queue.SimpleQueue()
        self._writing = threading.Lock()
        self._unwritten: list[UsageRecord] = []
        self._stop = threading.Event()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, record: UsageRecord) -> None:
        """Take a record; returns at once. The writing thread starts with the first one."""
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="usage-writer", daemon=True)
                self._thread.start()
        if self._pending.qsize() + len(self._unwritten) < self._capacity:
            self._pending.put(record)
        else:
            log.warning("usage record dropped", reason="the store has been failing")

    def flush(self) -> None:
        """Write what has been taken so far."""
        with self._writing:
            while not self._pending.empty():
                self._unwritten.append(self._pending.get_nowait())
            if self._unwritten:
                self._store.add(self._unwritten)
                self._unwritten = []

    def close(self) -> None:
        """Stop the thread and write the rest."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._guarded(self.flush)

    def _run(self) -> None:
        next_cleanup = 0.0
        while not self._stop.wait(self._interval):
            self._guarded(self.flush)
            if time.monotonic() >= next_cleanup:
                self._guarded(lambda: self._store.forget_before(time.time() - self._retention))
                next_cleanup = time.monotonic() + 3600

    @staticmethod
    def _guarded(action: Callable[[], Any]) -> None:
        try:
            with suppress(StoreUnavailable):  # the guard has logged it
                action()
        except Exception as error:  # the thread must outlive whatever the backend raises
            log.warning("usage store failed", error=type(error).__name__)


def summarise(records: Iterable[UsageRecord]) -> dict[str, Any]:
    """Counts, errors, masks, bytes and p50/p95/p99 of the times, over `records`."""
    rows = list(records)
    times = np.array([r.processing_ms for r in rows])
    waits = np.array([r.queue_ms for r in rows])
    return {
        "requests": len(rows),
        "errors": sum(r.status >= 400 for r in rows),
        "rate_limited": sum(r.status == 429 for r in rows),
        "masks": sum(r.masks for r in rows),
        "bytes": sum(r.bytes for r in rows),
        "processing_ms": _percentiles(times),
        "queue_ms": _percentiles(waits),
    }


def series(records: Iterable[UsageRecord], start: float, end: float) -> list[dict[str, Any]]:
    """Counts, errors and p50/p95/p99 of the times in about 60 equal spans from `start` to `end`.

    A span is a whole number of minutes and begins at a multiple of its length, so that it stays the same
    while time goes on.

    Arguments:
        records: those from `start` on.
        start: seconds since the epoch.
        end: seconds since the epoch.
    """
    seconds = 60 * max(1, round((end - start) / 60 / SPANS))
    starts = np.arange(start // seconds, end // seconds + 1) * seconds
    rows = sorted(records, key=lambda record: record.at)
    bounds = np.searchsorted([r.at for r in rows], starts[1:])
    times = np.split(np.array([r.processing_ms for r in rows]), bounds)
    failed = np.split(np.array([r.status >= 400 for r in rows]), bounds)
    return [
        {
            "start": int(at),
            "seconds": seconds,
            "requests": len(span),
            "errors": int(errors.sum()),
            "processing_ms": _percentiles(span),
        }
        for at, span, errors in zip(starts, times, failed, strict=True)
    ]


def _percentiles(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float | None]:
    if not values.size:
        return {"p50": None, "p95": None, "p99": None}
    return {f"p{q}": round(float(np.percentile(values, q)), 2) for q in (50, 95, 99)}
