"""Usage records reach the store in batches, survive its outages and are forgotten in time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from contextlib import suppress
from mmap import mmap

import numpy as np
import pytest

from store.usage import DAY, LOST, UsageRecord, UsageStore, UsageWriter, series, summarise
from tests.store.backends import written


@pytest.fixture
def store(backend) -> UsageStore:
    return backend.open().usage


def record(at: float = 1000.0, **changes) -> UsageRecord:
    values = {"key_name": "Ada", "endpoint": "/segment", "status": 200, "processing_ms": 10.0}
    return UsageRecord(at, **{**values, **changes})


class Unreliable:
    """A store that can be switched off, as a full disk would."""

    def __init__(self):
        self.broken = False
        self.records = []
        self.batches = 0

    def add(self, records):
        if self.broken:
            raise OSError("disk full")
        self.records += records
        self.batches += 1

    def forget_before(self, end):
        return 0


def test_records_come_back_as_written(store):
    first, second = record(1.0, masks=7, bytes=123, queue_ms=1.5), record(2.0, status=429)
    store.add([first, second])
    assert written(store) == [first, second]


def test_like_requests_at_other_moments_are_records_of_their_own(store):
    store.add([record(1.0), record(1.0000001)])
    assert len(written(store)) == 2


def test_the_forgotten_are_counted(store):
    store.add([record(1.0), record(2.0), record(3.0)])
    assert store.forget_before(3.0) == 2
    assert [r.at for r in written(store)] == [3.0]


def test_old_records_are_forgotten(store):
    now = time.time()
    store.add([record(now - 31 * DAY), record(now - 29 * DAY)])
    writer = UsageWriter(store, retention_days=30, interval=0.01)
    writer.add(record(now))
    deadline = time.monotonic() + 5
    while written(store)[0].at < now - 30 * DAY and time.monotonic() < deadline:
        time.sleep(0.01)
    writer.close()
    assert [r.at for r in written(store)] == [now - 29 * DAY, now]


def test_many_threads_few_batches():
    store = Unreliable()
    writer = UsageWriter(store, 30, interval=60)
    threads = [threading.Thread(target=lambda: [writer.add(record()) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.batches == 0  # nothing is written on the path of a request
    writer.close()
    assert len(store.records) == 400
    assert store.batches == 1


def test_an_outage_loses_nothing():
    store = Unreliable()
    store.broken = True
    writer = UsageWriter(store, 30, interval=60)
    writer.add(record(1.0))
    with pytest.raises(OSError, match="disk full"):
        writer.flush()
    store.broken = False
    writer.add(record(2.0))
    writer.close()
    assert [r.at for r in store.records] == [1.0, 2.0]


def test_a_long_outage_is_bounded():
    store = Unreliable()
    store.broken = True
    writer = UsageWriter(store, 30, interval=60, capacity=10)
    for i in range(100):
        writer.add(record(float(i)))
        with suppress(OSError):
            writer.flush()
    store.broken = False
    writer.flush()
    writer.close()
    assert len(store.records) == 10


def work_and_be_killed(memory: mmap) -> None:
    """Of three threads one has answered, and two have a request in hand, one of them of an absurd key."""
    writer = UsageWriter(Unreliable(), 30, interval=60)
    writer.take_over(memory, 3, died=0)
    done = threading.Barrier(4)

    def serve(begun: UsageRecord, answered: UsageRecord | None = None) -> None:
        writer.begin(begun)
        if answered:
            writer.add(answered)
        done.wait()
        done.wait()

    running = record(1001.0, status=LOST, processing_ms=2, bytes=9)
    absurd = record(1002.0, status=LOST, key_name="n" * 600)
    for arguments in ([record(1000.0, status=LOST), record(1000.5)], [running], [absurd]):
        threading.Thread(target=serve, args=arguments).start()
    done.wait()
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_worker_had_in_hand_is_recorded_once_by_its_successor(store):
    memory = mmap(-1, 3 * 512)
    worker = multiprocessing.get_context("fork").Process(target=work_and_be_killed, args=[memory])
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    for _ in range(2):
        successor = UsageWriter(store, 30, interval=60)
        successor.take_over(memory, 3, died=1010.0)
        successor.close()
    assert written(store) == [record(1010.0, status=LOST, processing_ms=9002, bytes=9)]
    assert [part.server_errors for part in store.sums(0, 60)] == [1]


def test_what_is_left_waits_for_a_store_that_is_away():
    memory, store = mmap(-1, 512), Unreliable()
    killed = UsageWriter(store, 30, interval=60)
    killed.take_over(memory, 1, died=0)
    killed.begin(record(1000.0, status=LOST))
    store.broken = True
    successor = UsageWriter(store, 30, interval=60)
    successor.take_over(memory, 1, died=1001.0)
    store.broken = False
    successor.close()
    assert store.records == [record(1001.0, status=LOST, processing_ms=1010)]


def test_summary(store):
    records = [
        record(i / 1000, processing_ms=float(i), masks=2, bytes=5, queue_ms=1.0) for i in range(1, 101)
    ]
    records += [
        record(status=429, processing_ms=50.5, queue_ms=1.0),
        record(status=500, processing_ms=50.5, queue_ms=1.0),
    ]
    store.add(records)
    figures = summarise(store.sums(0, 60))
    assert figures["requests"] == 102
    assert figures["errors"] == 2
    assert figures["rate_limited"] == 1
    assert figures["masks"] == 200
    assert figures["bytes"] == 500
    assert figures["processing_ms"]["p50"] == 50.5
    assert figures["processing_ms"]["p95"] == pytest.approx(95, abs=1)
    assert figures["queue_ms"] == {"p50": 1.0, "p95": 1.0, "p99": 1.0}
    assert sum(part.server_errors for part in store.sums(0, 60)) == 1


def test_summary_of_nothing(store):
    assert store.sums(0, 60) == []
    assert summarise([])["processing_ms"] == {"p50": None, "p95": None, "p99": None}


def test_sums_are_those_of_the_records_one_by_one(store):
    """By key, endpoint and span of time, to the last digit."""
    random = np.random.default_rng(4)
    records = [
        record(
            float(random.uniform(1000, 2000)),
            key_name=str(random.choice(["", "Ada", "B\u00f6b: 7"])),
            endpoint=str(random.choice(["/segment", "/jobs/<id>"])),
            status=int(random.choice([200, 401, 429, 500, 503])),
            processing_ms=float(random.lognormal(6, 2)),
            queue_ms=float(random.lognormal(2, 3)),
            masks=int(random.integers(3000)),
            bytes=int(random.integers(2**40)),
        )
        for _ in range(500)
    ]
    store.add(records[:200])
    store.add(records[200:])
    late = [r for r in records if r.at >= 1300]
    groups = {(r.key_name, r.endpoint, int(r.at // 120)) for r in late}
    sums = store.sums(1300, 120)
    assert {(part.key_name, part.endpoint, part.span) for part in sums} == groups
    for group in groups:
        own = [r for r in late if (r.key_name, r.endpoint, int(r.at // 120)) == group]
        parts = [part for part in sums if (part.key_name, part.endpoint, part.span) == group]
        assert sum(part.server_errors for part in parts) == sum(r.status >= 500 for r in own)
        assert summarise(parts) == {
            "requests": len(own),
            "errors": sum(r.status >= 400 for r in own),
            "rate_limited": sum(r.status == 429 for r in own),
            "masks": sum(r.masks for r in own),
            "bytes": sum(r.bytes for r in own),
            "processing_ms": percentiles([r.processing_ms for r in own]),
            "queue_ms": percentiles([r.queue_ms for r in own]),
        }


def percentiles(values):
    return {f"p{q}": round(float(np.percentile(values, q)), 2) for q in (50, 95, 99)}


def test_series_covers_the_time_in_equal_spans(store):
    store.add(
        [
            record(float(at), status=500 if at % 120 == 30 else 200, processing_ms=float(at))
            for at in range(30, 3600, 60)
        ]
    )
    spans = series(store.sums(0, 60), 0.0, 3599.0)
    assert [span["start"] for span in spans] == list(range(0, 3600, 60))
    assert [span["requests"] for span in spans] == [1] * 60
    assert [span["errors"] for span in spans] == [1, 0] * 30
    assert [span["processing_ms"]["p50"] for span in spans] == list(range(30, 3600, 60))


@pytest.mark.parametrize(("hours", "seconds"), [(1, 60), (24, 1440), (24 * 7, 24 * 7 * 60)])
def test_series_has_about_60_spans_whatever_the_time(hours, seconds):
    end = 1_000_000_123.0
    spans = series([], end - 3600 * hours, end)
    assert len(spans) == 61
    assert {span["seconds"] for span in spans} == {seconds}
    assert spans[0]["start"] <= end - 3600 * hours
    assert spans[-1]["start"] <= end < spans[-1]["start"] + seconds
    assert spans[0]["processing_ms"] == {"p50": None, "p95": None, "p99": None}


def test_series_counts_every_record_once(store):
    """Also one that another worker's clock puts after the end."""
    store.add(
        [record(at, status=429 if at > 500 else 200, processing_ms=at) for at in (900.0, 10.0, 59.9, 60.0)]
    )
    spans = series(store.sums(10.0, 60), 10.0, 600.0)
    assert [(s["start"], s["requests"], s["errors"], s["rate_limited"]) for s in spans if s["requests"]] == [
        (0, 2, 0, 0),
        (60, 1, 0, 0),
        (600, 1, 1, 1),
    ]
    assert spans[0]["processing_ms"]["p50"] == 34.95


def test_usage_cannot_fill_the_store(store, monkeypatch):
    for backend in ("redis", "sqlite"):
        monkeypatch.setattr(f"store.{backend}.MOST_RECORDS", 3)
    store.add([record(float(i)) for i in range(5)])
    assert [r.at for r in written(store)] == [2.0, 3.0, 4.0]
    store.add([record(5.0)])
    assert [r.at for r in written(store)] == [3.0, 4.0, 5.0]
