"""The embedded store: one SQLite file shared by all threads and workers of a machine."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from limits.storage import MovingWindowSupport, Storage

from store.instances import FORGOTTEN_AFTER_S, Instance
from store.usage import MOST_RECORDS, UsageRecord, UsageSum

SCHEMA = """
CREATE TABLE IF NOT EXISTS hits (key TEXT NOT NULL, at REAL NOT NULL, expires REAL NOT NULL);
CREATE INDEX IF NOT EXISTS hits_by_key ON hits (key, at);
CREATE INDEX IF NOT EXISTS hits_by_expiry ON hits (expires);
CREATE TABLE IF NOT EXISTS usage (
    at REAL NOT NULL, key_name TEXT NOT NULL, endpoint TEXT NOT NULL, status INTEGER NOT NULL,
    processing_ms REAL NOT NULL, queue_ms REAL NOT NULL, masks INTEGER NOT NULL, bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS usage_by_time ON usage (at);
CREATE TABLE IF NOT EXISTS instances (id TEXT PRIMARY KEY, at REAL NOT NULL, beat TEXT NOT NULL);
"""
BESIDE = ("-wal", "-shm")
"""Of the files beside the database, which SQLite keeps while it is open."""
SUMS = """
SELECT key_name, endpoint, CAST(at / ? AS INTEGER) AS span,
    COUNT(*), SUM(status >= 400), SUM(status = 429), SUM(status >= 500), SUM(masks), SUM(bytes),
    packed(processing_ms), packed(queue_ms)
FROM usage WHERE at >= ? GROUP BY key_name, endpoint, span
"""


class _Packed:
    """SQL aggregate: the numbers as float64, one after the other."""

    def __init__(self) -> None:
        self._numbers = array("d")

    def step(self, number: float) -> None:
        """Take one more."""
        self._numbers.append(number)

    def finalize(self) -> bytes:
        """All that were taken."""
        return self._numbers.tobytes()


@dataclass(frozen=True)
class _Files:
    """Which files a database consists of now: device and inode of each; None for one that is missing."""

    main: tuple[int, int] | None
    wal: tuple[int, int] | None
    shm: tuple[int, int] | None

    @classmethod
    def beside(cls, path: Path) -> _Files:
        return cls(_identity(path, least=1), *(_identity(f"{path}{ending}") for ending in BESIDE))

    def unlink_left(self, path: Path) -> None:
        """Delete what has outlived another part of the same database: it fits no other."""
        now = _Files.beside(path)
        for ending, was, found in zip(BESIDE, (self.wal, self.shm), (now.wal, now.shm), strict=True):
            if found == was:
                Path(f"{path}{ending}").unlink(missing_ok=True)


def _identity(path: str | Path, least: int = 0) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # thrice a call of the store, and pathlib takes twice as long
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_size >= least else None


class Database:
    """Connections to one SQLite file in WAL mode: one a thread, none carried over a fork.

    Should somebody delete or replace the file, or those beside it, while it is in use, the next call notices:
    it takes away what is left of the old ones and opens the file anew, with the tables that it may lack.

    Arguments:
        path: the file; its folder is made if it is missing.
        timeout: seconds that a writer waits for the other writers.
    """

    def __init__(self, path: Path, timeout: float = 5) -> None:
        self._path = path
        self._timeout = timeout
        self._local = threading.local()
        self._renewing = threading.Lock()
        self._renewed: _Files | None = None
        self._keeper: sqlite3.Connection | None = (
            None  # threads come and go; the last to close deletes the -wal
        )
        self.connection()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode.

        Raises:
            sqlite3.Error: the file cannot be opened, or is none of SQLite's.
        """
        mine = getattr(self._local, "pid", None) == os.getpid()
        if not mine or self._local.files != _Files.beside(self._path):
            if mine:
                self._close_mine()
            self._local.files = self._renew()
            self._local.connection, self._local.pid = self._opened(), os.getpid()
        connection = self._local.connection
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101  # tells the type checker
        return connection

    def _renew(self) -> _Files:
        """Make the files fit to be opened, unless another thread has; returns which they are."""
        with self._renewing:
            found = _Files.beside(self._path)
            if self._renewed is not None and found == self._renewed:
                return found
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(f"{self._path}.lock", timeout=self._timeout):  # journal mode: no process waits
                    self._clear_up()
                    connection = self._opened()
                    connection.execute("PRAGMA journal_mode=WAL")
                    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT")
                    self._renewed = _Files.beside(self._path)
            except OSError as error:
                raise sqlite3.OperationalError("the file cannot be made") from error
            self._keeper = connection
            return self._renewed

    def _clear_up(self) -> None:
        """Take away what is left of a database that has lost a part."""
        if (old := self._renewed) is None:
            return
        if _Files.beside(self._path).main == old.main and old.main is not None:
            # Only its -wal or -shm has gone. Connections of a process share what they know of a file, so it
            # takes another file to begin anew; what the -wal held, the connections that are open still have.
            assert self._keeper is not None  # noqa: S101  # it came with `_renewed`
            with suppress(sqlite3.Error):
                self._keeper.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            copy = self._path.with_name(f"{self._path.name}.copy")
            shutil.copy2(self._path, copy)
            copy.replace(self._path)
        elif self._path.exists() and not self._path.stat().st_size:
            self._path.unlink()
        old.unlink_left(self._path)

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.create_aggregate("packed", 1, _Packed)  # type: ignore[arg-type]  # bytes are fine
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction, begun at once so that read and write within it see the same state."""
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close this thread's connection and what keeps the files open."""
        self._close_mine()
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

    def _close_mine(self) -> None:
        if getattr(self._local, "pid", None) == os.getpid():
            self._local.connection.close()
            self._local.pid = None


class SQLiteStorage(Storage, MovingWindowSupport):
    """Moving-window storage of `limits` on a SQLite file.

    A hit is one transaction: forget what has left its window (of any key), count, insert. Other workers wait
    for it, so the count is exact. Should the clock be set back, hits that then lie in the future
    count as made now, so that a key is never locked out for longer than one window.
    """

    STORAGE_SCHEME = None

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a failing store raises."""
        return sqlite3.Error

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Record `amount` hits of `key` unless more than `limit` would lie within `expiry` seconds."""
        now = time.time()
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM hits WHERE expires <= ?", (now,))
            connection.execute(
                "UPDATE hits SET at = ?, expires = ? WHERE key = ? AND at > ?", (now, now + expiry, key, now)
            )
            (count,) = connection.execute("SELECT COUNT(*) FROM hits WHERE key = ?", (key,)).fetchone()
            if count + amount > limit:
                return False
            connection.executemany("INSERT INTO hits VALUES (?, ?, ?)", [(key, now, now + expiry)] * amount)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002
        """Time of the oldest hit within the window (now if there is none) and the number of hits."""
        now = time.time()
        oldest, count = (
            self._database.connection()
            .execute(
                "SELECT MIN(MIN(at, ?)), COUNT(*) FROM hits WHERE key = ? AND at > ?",
                (now, key, now - expiry),
            )
            .fetchone()
        )
        return (now if oldest is None else oldest), count

    def get(self, key: str) -> int:
        """Number of hits kept of `key`."""
        row = (
            self._database.connection().execute("SELECT COUNT(*) FROM hits WHERE key = ?", (key,)).fetchone()
        )
        return int(row[0])

    def get_expiry(self, key: str) -> float:
        """Time of the newest hit of `key`, 0 if there is none."""
        row = self._database.connection().execute("SELECT MAX(at) FROM hits WHERE key = ?", (key,)).fetchone()
        return float(row[0] or 0)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Record `amount` hits of `key` without a limit and return the number within `expiry` seconds."""
        self.acquire_entry(key, 2**62, expiry, amount)
        return self.get(key)

    def take_back(self, key: str) -> None:
        """Forget the newest hit of `key`."""
        self._database.connection().execute(
            "DELETE FROM hits WHERE rowid = (SELECT rowid FROM hits WHERE key = ? ORDER BY at DESC LIMIT 1)",
            (key,),
        )

    def check(self) -> bool:
        """Whether the file can be written now."""
        try:
            with self._database.transaction() as connection:
                connection.execute("PRAGMA user_version = 0")  # a page to write: a full disk takes locks
                return True
        except sqlite3.Error:
            return False

    def reset(self) -> int:
        """Forget all hits; returns how many there were."""
        return self._database.connection().execute("DELETE FROM hits").rowcount

    def clear(self, key: str) -> None:
        """Forget the hits of `key`."""
        self._database.connection().execute("DELETE FROM hits WHERE key = ?", (key,))


class SQLiteUsage:
    """Usage records in the same file; see `store.usage.UsageStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, records: Sequence[UsageRecord]) -> None:
        """Write `records` in one transaction; the oldest beyond MOST_RECORDS go."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (r.at, r.key_name, r.endpoint, r.status, r.processing_ms, r.queue_ms, r.masks, r.bytes)
                    for r in records
                ],
            )
            connection.execute(
                "DELETE FROM usage WHERE rowid <= (SELECT MAX(rowid) FROM usage) - ?", (MOST_RECORDS,)
            )

    def sums(self, start: float, seconds: int) -> list[UsageSum]:
        """Sums of the records of `start` (seconds since the epoch) and later, in spans of `seconds`."""
        rows = self._database.connection().execute(SUMS, (seconds, start))
        return [UsageSum.of(row) for row in rows]

    def forget_before(self, end: float) -> int:
        """Delete records older than `end`; returns how many there were."""
        return self._database.connection().execute("DELETE FROM usage WHERE at < ?", (end,)).rowcount


class SQLiteInstances:
    """Instances in the same file; see `store.instances.InstanceStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, instance: Instance) -> None:
        """Say that `instance` is alive, and forget those that no longer are."""
        now = time.time()
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM instances WHERE ABS(at - ?) >= ?", (now, FORGOTTEN_AFTER_S))
            connection.execute(
                "REPLACE INTO instances VALUES (?, ?, ?)", (instance.id, now, instance.as_json())
            )

    def alive(self) -> list[Instance]:
        """The instances that have beaten within FORGOTTEN_AFTER_S, the longest running first."""
        rows = self._database.connection().execute(
            "SELECT beat FROM instances WHERE ABS(at - ?) < ?", (time.time(), FORGOTTEN_AFTER_S)
        )
        return sorted((Instance.from_json(beat) for (beat,) in rows), key=lambda instance: instance.started)

    def leave(self, id_: str) -> None:
        """Forget the instance of this id."""
        self._database.connection().execute("DELETE FROM instances WHERE id = ?", (id_,))
