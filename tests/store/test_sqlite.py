"""What holds for the SQLite file alone."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import resource
import sqlite3
from pathlib import Path

import pytest
import time_machine
from limits.strategies import MovingWindowRateLimiter

from auth_middleware import HourlyLimit
from store.sqlite import Database, SQLiteStorage

START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "limits.sqlite3"


def open_and_hit(path: Path) -> bool:
    """First hit on a store that may not exist yet; runs in a process of its own."""
    return MovingWindowRateLimiter(SQLiteStorage(Database(path))).hit(HourlyLimit(100), "Ada")


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


def test_the_window_is_exact_to_the_moment(path):
    limiter = MovingWindowRateLimiter(SQLiteStorage(Database(path)))
    with time_machine.travel(START, tick=False) as clock:
        assert limiter.hit(HourlyLimit(1), "Ada")
        clock.shift(3599.999)
        assert not limiter.hit(HourlyLimit(1), "Ada")
        clock.shift(0.001)
        assert limiter.hit(HourlyLimit(1), "Ada")


def test_an_unwritable_file_is_reported(path):
    storage = SQLiteStorage(Database(path))
    storage._database.connection().execute("PRAGMA query_only = ON")
    assert not storage.check()


def test_a_disk_without_room_is_reported(path):
    storage = SQLiteStorage(Database(path))
    assert storage.check()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))  # locks can be had still
    try:
        room = storage.check()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not room
    assert storage.check()
