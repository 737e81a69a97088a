"""One SQLite file: connections to it, and what is done when somebody deletes or replaces it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

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
