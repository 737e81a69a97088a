"""The moving window is exact over threads, processes and restarts. One body for every storage."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import time_machine
from limits.strategies import MovingWindowRateLimiter

from auth_middleware import HourlyLimit
from store.sqlite import Database, SQLiteStorage

START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def open_limiter(path: Path) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(SQLiteStorage(Database(path)))


def hit_many(path: Path, limit: int, times: int) -> int:
    """Number allowed of `times` hits from ten threads; runs in a process of its own."""
    limiter = open_limiter(path)
    with ThreadPoolExecutor(10) as pool:
        return sum(pool.map(lambda _: limiter.hit(HourlyLimit(limit), "Ada"), range(times)))


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "limits.sqlite3"


@pytest.fixture
def limiter(path) -> MovingWindowRateLimiter:
    return open_limiter(path)


def test_exactly_n_of_200_over_4_processes(path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        allowed = pool.starmap(hit_many, [(path, 73, 50)] * 4)
    assert sum(allowed) == 73


def test_exactly_5_of_100_threads(path):
    assert hit_many(path, 5, 100) == 5


def open_and_hit(path: Path) -> bool:
    """First hit on a store that may not exist yet; runs in a process of its own."""
    return open_limiter(path).hit(HourlyLimit(100), "Ada")


def test_several_workers_may_start_on_a_fresh_file(tmp_path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        for attempt in range(10):
            path = tmp_path / f"{attempt}.sqlite3"
            assert pool.map(open_and_hit, [path] * 4, chunksize=1) == [True] * 4


def test_a_failed_transaction_leaves_the_connection_usable(path):
    database = Database(path)
    with pytest.raises(sqlite3.IntegrityError), database.transaction() as connection:
        connection.executemany("INSERT INTO hits VALUES (?, 1, 2)", [("Ada",), (None,)])
    assert not database.connection().in_transaction
    limiter = MovingWindowRateLimiter(SQLiteStorage(database))
    assert limiter.hit(HourlyLimit(1), "Ada")  # the first insertion was taken back


def test_old_hits_of_any_key_are_forgotten(limiter):
    with time_machine.travel(START, tick=False) as clock:
        for i in range(5):
            limiter.hit(HourlyLimit(9), f"address {i}")
        clock.shift(3600)
        limiter.hit(HourlyLimit(9), "Ada")
    assert [limiter.storage.get(HourlyLimit(9).key_for(f"address {i}")) for i in range(5)] == [0] * 5


def test_window_slides(limiter):
    limit = HourlyLimit(2)
    with time_machine.travel(START, tick=False) as clock:
        assert limiter.hit(limit, "Ada")
        clock.shift(1800)
        assert limiter.hit(limit, "Ada")
        assert not limiter.hit(limit, "Ada")
        clock.shift(1799)
        assert not limiter.hit(limit, "Ada")
        clock.shift(1)  # the first hit is an hour old
        assert limiter.hit(limit, "Ada")
        assert not limiter.hit(limit, "Ada")
        clock.shift(1800)  # the second one is
        assert limiter.hit(limit, "Ada")


def test_a_refused_hit_costs_nothing(limiter):
    limit = HourlyLimit(1)
    with time_machine.travel(START, tick=False) as clock:
        assert limiter.hit(limit, "Ada")
        for _ in range(10):
            clock.shift(300)
            assert not limiter.hit(limit, "Ada")
        clock.shift(600)
        assert limiter.hit(limit, "Ada")


def test_restart_remembers(path):
    first = open_limiter(path)
    assert first.hit(HourlyLimit(1), "Ada")
    first.storage._database.close()
    assert not open_limiter(path).hit(HourlyLimit(1), "Ada")


def test_a_changed_limit_keeps_the_history(limiter):
    for _ in range(3):
        assert limiter.hit(HourlyLimit(3), "Ada")
    assert limiter.hit(HourlyLimit(4), "Ada")
    assert not limiter.hit(HourlyLimit(4), "Ada")


def test_keys_do_not_share_a_window(limiter):
    assert limiter.hit(HourlyLimit(1), "Ada")
    assert limiter.hit(HourlyLimit(1), "Bob")


def test_stats_tell_remaining_and_reset(limiter):
    with time_machine.travel(START, tick=False) as clock:
        limiter.hit(HourlyLimit(5), "Ada")
        clock.shift(60)
        limiter.hit(HourlyLimit(5), "Ada")
        reset, remaining = limiter.get_window_stats(HourlyLimit(5), "Ada")
    assert remaining == 3
    assert reset == pytest.approx(START.timestamp() + 3600, abs=0.01)


@pytest.mark.parametrize("days", [1, -1])
def test_a_wrong_clock_locks_nobody_out_for_longer_than_a_window(limiter, days):
    """The clock runs ahead or behind by a day and is then set right."""
    with time_machine.travel(START + dt.timedelta(days=days), tick=False):
        assert limiter.hit(HourlyLimit(1), "Ada")
    with time_machine.travel(START, tick=False) as clock:
        assert limiter.hit(HourlyLimit(1), "Ada") is (days < 0)  # the hit ahead counts as made now
        clock.shift(3600)
        assert limiter.hit(HourlyLimit(1), "Ada")


def test_storage_forgets_on_request(limiter):
    storage = limiter.storage
    key = HourlyLimit(1).key_for("Ada")
    assert storage.incr(key, 3600, 2) == storage.get(key) == 2
    assert storage.get_expiry(key) > 0
    storage.clear(key)
    assert storage.get(key) == storage.get_expiry(key) == 0
    storage.incr(key, 3600)
    assert storage.reset() == 1
    assert storage.check()


def test_an_unwritable_file_is_reported(path):
    storage = SQLiteStorage(Database(path))
    storage._database.connection().execute("PRAGMA query_only = ON")
    assert not storage.check()
