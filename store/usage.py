"""Usage records: what was asked, by whom, and how long it took; written in batches off the request path."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from mmap import mmap
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from store.errors import StoreUnavailable
from store.in_flight import InFlight

log = structlog.get_logger(__name__)

HOUR = 3600.0
DAY = 24 * HOUR
KEYLESS_AN_HOUR = 100
"""Records without a known key that a worker takes: anybody can send them, and they push others out."""
MOST_RECORDS = 500_000
"""Usage records kept, about 100 MB in Redis; the oldest go, lest a store that is full counts no hits."""
LOST = 502
"""Status of a request whose worker was killed: what a load balancer tells its client."""
SPANS = 60
"""Points of a curve over time, about."""


@dataclass(frozen=True)
class UsageRecord:
    """One request that was answered, or whose worker was killed before that.

    Attributes:
        at: seconds since the epoch when it was answered, or its worker ended.
        key_name: name of the API key, "" if none was recognised.
        endpoint: the route's path pattern, such as "/segment".
        status: HTTP status; LOST if it was never answered.
        processing_ms: from the first decorator to the answer, or to the end of its worker.
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

    @classmethod
    def from_json(cls, text: str) -> UsageRecord:
        """What `as_json` wrote."""
        return cls(*json.loads(text))

    def as_json(self) -> str:
        """A list of the fields in order."""
        return json.dumps(list(vars(self).values()), separators=(",", ":"))


@dataclass(frozen=True, eq=False)
class UsageSum:
    """What records of one key and one endpoint in one span of time add up to.

    Attributes:
        key_name, endpoint: as in the records.
        span: number of the span since the epoch.
        requests: number of records.
        errors: of these, with a status of 400 or more.
        rate_limited: of these, with the status 429.
        server_errors: of these, with a status of 500 or more.
        masks, bytes: of all.
        processing_ms, queue_ms: N float64, of each request, in no order; no percentile can do without.
    """

    key_name: str
    endpoint: str
    span: int
    requests: int
    errors: int
    rate_limited: int
    server_errors: int
    masks: int
    bytes: int
    processing_ms: NDArray[np.float64]
    queue_ms: NDArray[np.float64]

    @classmethod
    def of(cls, row: Sequence[Any]) -> UsageSum:
        """As a backend gives it: the fields in order, the times as little-endian bytes."""
        values = [*row[:-2], *(np.frombuffer(times, "<f8") for times in row[-2:])]
        return cls(*values)


class UsageStore(Protocol):
    """What a backend has to offer."""

    def add(self, records: Sequence[UsageRecord]) -> None:
        """Write `records` at once."""

    def sums(self, start: float, seconds: int) -> list[UsageSum]:
        """Sums of the records of `start` (seconds since the epoch) and later, in spans of `seconds`.

        There may be several of one key, endpoint and span.
        """

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
        self._keyless: deque[float] = deque(maxlen=KEYLESS_AN_HOUR)
        self._stop = threading.Event()
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._in_flight: InFlight | None = None

    def take_over(self, memory: mmap, places: int, died: float) -> None:
        """Keep requests in hand in `memory`, and record those that the worker before this one left there.

        Arguments:
            memory: shared with a process that outlives this one; as a dead worker left it, or zeros.
            places: request threads that the workers have.
            died: when that worker ended, in seconds since the epoch.
        """
        self._in_flight = InFlight(memory, places)
        for text in self._in_flight.left():
            begun = UsageRecord.from_json(text.decode())
            lasted = 1000 * max(0.0, died - begun.at)
            self.add(replace(begun, at=died, processing_ms=begun.processing_ms + lasted))
        self._guarded(self.flush)
        self._in_flight.forget()

    def begin(self, record: UsageRecord) -> None:
        """This thread has a request in hand, whose record this is should it never be answered."""
        if self._in_flight is not None:
            self._in_flight.begin(record.as_json().encode())

    def add(self, record: UsageRecord) -> None:
        """Take the record of what this thread had in hand; returns at once. The first one starts the writing.

        Of those without a key, no more than KEYLESS_AN_HOUR; the metrics count all.
        """
        with self._start:
            if not record.key_name:
                if len(self._keyless) == KEYLESS_AN_HOUR and abs(record.at - self._keyless[0]) < HOUR:
                    return
                self._keyless.append(record.at)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="usage-writer", daemon=True)
                self._thread.start()
        if self._pending.qsize() + len(self._unwritten) < self._capacity:
            self._pending.put(record)
        else:
            log.warning("usage record dropped", reason="the store has been failing")
        if self._in_flight is not None:
            self._in_flight.end()

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


def summarise(sums: Iterable[UsageSum]) -> dict[str, Any]:
    """Counts, errors, masks, bytes and p50/p95/p99 of the times, over all `sums`."""
    parts = list(sums)
    return {
        "requests": sum(part.requests for part in parts),
        "errors": sum(part.errors for part in parts),
        "rate_limited": sum(part.rate_limited for part in parts),
        "masks": sum(part.masks for part in parts),
        "bytes": sum(part.bytes for part in parts),
        "processing_ms": _percentiles([part.processing_ms for part in parts]),
        "queue_ms": _percentiles([part.queue_ms for part in parts]),
    }


def span_seconds(start: float, end: float) -> int:
    """Length of each of about 60 spans from `start` to `end`, a whole number of minutes."""
    return 60 * max(1, round((end - start) / 60 / SPANS))


def series(sums: Iterable[UsageSum], start: float, end: float) -> list[dict[str, Any]]:
    """Counts, errors, refusals over limits and p50/p95/p99 of the times in equal spans from `start` to `end`.

    A span begins at a multiple of its length, so that it stays the same while time goes on. What lies after
    the end, by another worker's clock, counts into the last one.

    Arguments:
        sums: in spans of `span_seconds`, from `start` on.
        start: seconds since the epoch.
        end: seconds since the epoch.
    """
    seconds = span_seconds(start, end)
    first, last = int(start // seconds), int(end // seconds)
    spans: list[list[UsageSum]] = [[] for _ in range(first, last + 1)]
    for part in sums:
        spans[min(part.span, last) - first].append(part)
    return [
        {
            "start": span * seconds,
            "seconds": seconds,
            "requests": sum(part.requests for part in parts),
            "errors": sum(part.errors for part in parts),
            "rate_limited": sum(part.rate_limited for part in parts),
            "processing_ms": _percentiles([part.processing_ms for part in parts]),
        }
        for span, parts in enumerate(spans, first)
    ]


def _percentiles(times: Sequence[NDArray[np.float64]]) -> dict[str, float | None]:
    if not times:
        return {"p50": None, "p95": None, "p99": None}
    all_of_them = np.concatenate(times)
    return {f"p{q}": round(float(np.percentile(all_of_them, q)), 2) for q in (50, 95, 99)}
