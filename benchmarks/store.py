"""What the store costs: bytes a hit, a usage record and an instance take, and time a request waits for it.

    python -m benchmarks.store

Starts a Redis (or Valkey) server of its own and makes a SQLite file, both in a temporary folder.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path

from limits.strategies import MovingWindowRateLimiter
from redis import Redis

from api.plumbing.auth import HourlyLimit
from config import VERSION
from store.database import Database
from store.in_flight import InFlight
from store.instances import Instance
from store.redis import HITS, PREFIX, USAGE, RedisInstances, RedisStorage, RedisUsage, connect
from store.sqlite import SQLiteStorage, SQLiteUsage
from store.usage import LOST, UsageRecord

HITS_MADE = 10_000
RECORDS = 100_000
INSTANCE = Instance("0" * 32, "sam-app-7d9c5b6f4-x2x8q", 7, 1_700_000_000.123456, True, 3, VERSION)


@contextmanager
def redis_server() -> Iterator[Redis]:
    """Client of a server that lives as long as the context."""
    binary = shutil.which("valkey-server") or shutil.which("redis-server")
    if binary is None:
        sys.exit("Neither valkey-server nor redis-server is on PATH.")
    with tempfile.TemporaryDirectory(prefix="sam-redis-") as folder:
        socket = f"{folder}/redis.sock"
        command = [binary, "--port", "0", "--unixsocket", socket, "--dir", folder, "--save", ""]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            client = connect(f"unix://{socket}")
            while not RedisStorage(client).check():
                time.sleep(0.05)
            yield client
            client.close()
        finally:
            process.terminate()
            process.wait()


def records() -> Iterator[UsageRecord]:
    """Usage of a day's length, with times and figures as they come."""
    for i in range(RECORDS):
        yield UsageRecord(
            1_700_000_000.123456 + i * 0.864, "Ada Lovelace", "/segment_file", 200, 1234.567890123 + i / 7,
            12.3456789 + i / 11, 412, 1_234_567,
        )  # fmt: skip


def milliseconds(action: Callable[[], object], times: int = 1000) -> float:
    """Median time of `action`."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)


def time_hits(storage: SQLiteStorage | RedisStorage) -> dict[str, float]:
    """Times with HITS_MADE hits in the store afterwards."""
    limiter = MovingWindowRateLimiter(storage)
    limit = HourlyLimit(10 * HITS_MADE)
    for _ in range(HITS_MADE - 1000):
        limiter.hit(limit, "Ada Lovelace")
    return {
        "hit_ms": milliseconds(lambda: limiter.hit(limit, "Ada Lovelace")),
        "window_ms": milliseconds(lambda: limiter.get_window_stats(limit, "Ada Lovelace")),
    }


def time_usage(usage: SQLiteUsage | RedisUsage) -> dict[str, float]:
    """Times with RECORDS records in the store afterwards."""
    written = list(records())
    started = time.perf_counter()
    for start in range(0, RECORDS, 1000):
        usage.add(written[start : start + 1000])
    return {
        "write_a_record_ms": 1000 * (time.perf_counter() - started) / RECORDS,
        "add_up_a_record_ms": milliseconds(lambda: usage.sums(0, 1440), times=3) / RECORDS,
    }


def in_redis(client: Redis) -> dict[str, float]:
    """Figures of the server behind `client`."""
    figures = {**time_hits(RedisStorage(client)), **time_usage(RedisUsage(client, 30))}
    RedisInstances(client).beat(INSTANCE)
    hits = HITS + HourlyLimit(1).key_for("Ada Lovelace")
    return {
        **figures,
        "bytes_a_hit": client.memory_usage(hits, samples=0) / HITS_MADE,
        "bytes_a_record": client.memory_usage(USAGE, samples=0) / RECORDS,
        "bytes_an_instance": client.memory_usage(f"{PREFIX}instance:{INSTANCE.id}", samples=0),
    }


def in_sqlite(path: Path) -> dict[str, float]:
    """Figures of a file at `path`."""
    database = Database(path)

    def size() -> int:
        database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.stat().st_size

    sizes = [size()]
    figures = time_hits(SQLiteStorage(database))
    sizes.append(size())
    figures |= time_usage(SQLiteUsage(database))
    sizes.append(size())
    database.close()
    return {
        **figures,
        "bytes_a_hit": (sizes[1] - sizes[0]) / HITS_MADE,
        "bytes_a_record": (sizes[2] - sizes[1]) / RECORDS,
    }


def in_memory() -> dict[str, float]:
    """Time that a request takes to be noted, lest its worker be killed, and to be struck out."""
    in_flight = InFlight(mmap(-1, 512), 1)

    def note() -> None:
        record = UsageRecord(time.time(), "Ada Lovelace", "/segment_file", LOST, 1.2345, bytes=1_234_567)
        in_flight.begin(record.as_json().encode())
        in_flight.end()

    return {"note_ms": milliseconds(note)}


def main() -> None:
    """Print the figures of all as one line of JSON."""
    with redis_server() as client, tempfile.TemporaryDirectory() as folder:
        figures = {
            f"redis {client.info()['redis_version']}": in_redis(client),
            "sqlite": in_sqlite(Path(folder) / "sam.sqlite3"),
            "in flight": in_memory(),
        }
    print(json.dumps({name: {k: round(v, 4) for k, v in each.items()} for name, each in figures.items()}))


if __name__ == "__main__":
    main()
