"""What the admin's figures cost with a full store: seconds and memory of one GET /admin/stats.

    python -m benchmarks.usage

Writes as many usage records of a month as a store keeps into a SQLite file and into a Redis (or Valkey)
server, both in a temporary folder. Each is then asked by a process of its own. Prints JSON.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.store import redis_server
from config import Settings
from store.database import Database
from store.redis import RedisUsage
from store.sqlite import SQLiteUsage
from store.usage import DAY, MOST_RECORDS, UsageRecord

DAYS = 30
ROUNDS = 3
BATCH = 10_000
KEYS = 10
ENDPOINTS = (
    "/segment",
    "/segment_file",
    "/analyze_image",
    "/advanced_analysis",
    "/download_analysis",
    "/defaults",
)
ADMIN_KEY = "benchmark-admin-key"


def records() -> Iterator[UsageRecord]:
    """Usage of the last month, as much as is kept, with times and figures as they come."""
    seeded, now = random.Random(1), time.time()  # noqa: S311
    for i in range(MOST_RECORDS):
        yield UsageRecord(
            now - DAYS * DAY * (1 - (i + 0.5) / MOST_RECORDS), f"key {seeded.randrange(KEYS)}",
            seeded.choice(ENDPOINTS), 200 if seeded.random() < 0.95 else 429, seeded.lognormvariate(6, 1),
            seeded.lognormvariate(3, 1), seeded.randrange(3000), 1_234_567,
        )  # fmt: skip


def fill(usage: SQLiteUsage | RedisUsage) -> None:
    """Write all records."""
    batch: list[UsageRecord] = []
    for record in records():
        batch.append(record)
        if len(batch) == BATCH:
            usage.add(batch)
            batch = []


def measure(folder: str, url: str) -> dict[str, float]:
    """Figures of this process, which asks the store in `folder`, or at `url` if there is one."""
    from app import create_app

    keys = ",".join(f"benchmark-key-000{i}:key {i}:1000" for i in range(KEYS))
    settings = Settings(
        _env_file=None, api_keys=keys, admin_api_key=ADMIN_KEY, data_dir=Path(folder), redis_url=url or None
    )
    client = create_app(settings).test_client()
    get = lambda hours: client.get(f"/admin/stats?hours={hours}", headers={"X-Admin-Key": ADMIN_KEY})  # noqa: E731
    assert get(1).status_code == 200
    before, seconds, busy = _peak(), [], []
    for _ in range(ROUNDS):
        started, worked = time.perf_counter(), time.process_time()
        answer = get(24 * DAYS)
        seconds.append(time.perf_counter() - started)
        busy.append(time.process_time() - worked)
        assert answer.json is not None
        assert answer.json["totals"]["requests"] > 0.99 * MOST_RECORDS
    return {
        "seconds": round(statistics.median(seconds), 2),
        "cpu_seconds": round(statistics.median(busy), 2),
        "peak_mb_more": round(_peak() - before),
    }


def main() -> None:
    """Fill both stores and print what each costs as one line of JSON."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:])))
        return
    with redis_server() as client, tempfile.TemporaryDirectory() as folder:
        fill(SQLiteUsage(Database(Path(folder) / "sam.sqlite3")))
        fill(RedisUsage(client, 2 * DAYS))
        socket = client.get_connection_kwargs()["path"]
        print(
            json.dumps(
                {
                    name: _asked(folder, url)
                    for name, url in {"sqlite": "", "redis": f"unix://{socket}"}.items()
                }
            )
        )


def _asked(folder: str, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.usage", folder, url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _peak() -> float:
    """Megabytes that this process took at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
