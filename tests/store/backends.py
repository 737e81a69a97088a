"""The stores under test, each at a location: the path of a SQLite file or the URL of a Redis server."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from limits.strategies import MovingWindowRateLimiter

from store.database import Database
from store.guarded import GuardedUsage
from store.instances import InstanceStore
from store.redis import HITS, USAGE, RedisInstances, RedisStorage, RedisUsage, connect
from store.sqlite import SQLiteInstances, SQLiteStorage, SQLiteUsage
from store.usage import UsageRecord

BINARY = shutil.which("valkey-server") or shutil.which("redis-server")


class RedisServer:
    """A real server on a Unix socket in a folder of its own; it keeps nothing on disk."""

    def __init__(self, password: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sam-redis-"))  # short: a socket's path has a limit
        self.url = f"unix://{self.folder}/redis.sock" + (f"?password={password}" if password else "")
        self._command = [BINARY, "--port", "0", "--unixsocket", f"{self.folder}/redis.sock"]
        self._command += ["--dir", str(self.folder), "--save", "", "--requirepass", password]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        client = connect(self.url)
        deadline = time.monotonic() + 20
        while not RedisStorage(client).check() and time.monotonic() < deadline:
            time.sleep(0.02)
        client.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Take connections but answer nothing, as a host that hangs."""
        self._process.send_signal(signal.SIGSTOP)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)


def written(usage: SQLiteUsage | RedisUsage | GuardedUsage) -> list[UsageRecord]:
    """All usage records of a store, oldest first; the service itself reads only sums."""
    if isinstance(usage, GuardedUsage):
        return written(usage._usage)
    if isinstance(usage, RedisUsage):
        return [UsageRecord.from_json(packed.decode()) for packed in usage._client.zrange(USAGE, 0, -1)]
    rows = usage._database.connection().execute("SELECT * FROM usage ORDER BY at")
    return [UsageRecord(*row) for row in rows]


@dataclass(frozen=True)
class Opened:
    storage: SQLiteStorage | RedisStorage
    usage: SQLiteUsage | RedisUsage
    instances: InstanceStore

    @property
    def limiter(self) -> MovingWindowRateLimiter:
        return MovingWindowRateLimiter(self.storage)


@dataclass(frozen=True)
class Backend:
    """One store, which may be opened several times, also in other processes."""

    location: str

    @property
    def is_redis(self) -> bool:
        return "://" in self.location

    def open(self) -> Opened:
        if self.is_redis:
            client = connect(self.location)
            return Opened(RedisStorage(client), RedisUsage(client, 30), RedisInstances(client))
        database = Database(Path(self.location))
        return Opened(SQLiteStorage(database), SQLiteUsage(database), SQLiteInstances(database))

    def pass_time(self, seconds: int) -> None:
        """Make what is stored older, as if the store's clock were set forward (or back) by so much."""
        if self.is_redis:
            _make_older(self.location, seconds)
        else:
            connection = Database(Path(self.location)).connection()
            connection.execute("UPDATE hits SET at = at - ?, expires = expires - ?", (seconds, seconds))
            connection.execute("UPDATE instances SET at = at - ?", (seconds,))


def _make_older(url: str, seconds: int) -> None:
    client = connect(url)
    for key in client.scan_iter():
        left = client.pttl(key) - 1000 * seconds
        if left <= 0:
            client.delete(key)
            continue
        client.pexpire(key, left)
        if key.startswith(HITS.encode()):
            for hit, at in client.zrange(key, 0, -1, withscores=True):
                client.zadd(key, {hit: at - seconds * 1e6})
    client.close()
