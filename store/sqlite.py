"""The embedded store: limits, usage and instances in one SQLite file, for all workers of a machine."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence

from limits.storage import MovingWindowSupport, Storage

from store.database import Database
from store.instances import FORGOTTEN_AFTER_S, Instance
from store.usage import MOST_RECORDS, UsageRecord, UsageSum

SUMS = """
SELECT key_name, endpoint, CAST(at / ? AS INTEGER) AS span,
    COUNT(*), SUM(status >= 400), SUM(status = 429), SUM(status >= 500), SUM(masks), SUM(bytes),
    packed(processing_ms), packed(queue_ms)
FROM usage WHERE at >= ? GROUP BY key_name, endpoint, span
"""


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
