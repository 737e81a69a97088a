"""What holds for the SQLite file alone."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import resource
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import time_machine
from limits.strategies import MovingWindowRateLimiter

from api.plumbing.auth import HourlyLimit
from store.database import Database
from store.sqlite import SQLiteStorage

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


def filled(path: Path) -> Path:
    """Another database of the service's, with one hit of its own."""
    other = Database(path)
    assert MovingWindowRateLimiter(SQLiteStorage(other)).hit(HourlyLimit(9), "Eve")
    other.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    return path


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: Path(f"{path}-wal").unlink(),
        lambda path: Path(f"{path}-shm").unlink(),
        lambda path: [file.unlink() for file in path.parent.iterdir()],
        lambda path: shutil.rmtree(path.parent),
        lambda path: os.truncate(path, 0),
        lambda path: filled(path.with_name("other.sqlite3")).replace(path),
        lambda path: path.rename(path.with_name("moved.sqlite3")),
    ],
    ids=["deleted", "-wal", "-shm", "all of them", "the folder", "emptied", "replaced", "moved"],
)
def test_files_that_go_while_they_are_in_use_are_made_again(tmp_path, harm):
    """By several threads of two workers, within one call of each."""
    path = tmp_path / "data" / "limits.sqlite3"
    workers = [SQLiteStorage(Database(path)) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:

        def hit(i: int) -> bool:
            storage = workers[i % 2]
            return storage.check() and MovingWindowRateLimiter(storage).hit(HourlyLimit(99), "Ada")

        assert all(pool.map(hit, range(20)))
        harm(path)
        assert all(pool.map(hit, range(20)))
        assert workers[0].get(HourlyLimit(99).key_for("Ada")) >= 20
        assert workers[0].get(HourlyLimit(99).key_for("Ada")) == workers[1].get(
            HourlyLimit(99).key_for("Ada")
        )
        assert all(pool.map(hit, range(20)))
    with closing(sqlite3.connect(path)) as whole:
        assert whole.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_a_file_that_is_no_database_is_an_error_until_it_goes(tmp_path):
    path = tmp_path / "limits.sqlite3"
    storage = SQLiteStorage(Database(path))
    notes = tmp_path / "notes"
    notes.write_text("these are notes " * 999)
    notes.replace(path)
    assert not storage.check()
    with pytest.raises(sqlite3.Error):
        storage.get("Ada")
    assert path.read_text().startswith("these are notes")
    path.unlink()
    assert storage.check()
