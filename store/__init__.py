"""Where the service remembers: hits of the last hour, usage records, and which workers are alive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from limits.storage import MemoryStorage

from config import Settings
from store.database import Database
from store.guard import Guard, StoreStatus
from store.guarded import GuardedInstances, GuardedStorage, GuardedUsage
from store.instances import InstanceStore
from store.redis import RedisInstances, RedisStorage, RedisUsage, connect
from store.sqlite import SQLiteInstances, SQLiteStorage, SQLiteUsage
from store.usage import UsageStore


@dataclass(frozen=True)
class Store:
    """All that one backend remembers. While it is away, its parts raise StoreUnavailable.

    Attributes:
        storage: hits of the API keys; with STORE_OUTAGE=allow this worker counts alone during an outage.
        guesses: wrong admin and health keys; these it always counts alone then, for health must tell of it.
        usage: usage records.
        instances: workers that are alive.
        outage: STORE_OUTAGE.
    """

    storage: GuardedStorage
    guesses: GuardedStorage
    usage: UsageStore
    instances: InstanceStore
    outage: Literal["refuse", "allow"]
    _guard: Guard
    _disconnect: Callable[[], None]

    @property
    def ready(self) -> bool:
        """Whether requests are served now: the store can be written, or it may be away."""
        return self.check() or self.outage == "allow"

    def check(self) -> bool:
        """Whether the store can be written now."""
        return self._guard.check()

    def status(self) -> StoreStatus:
        """The store as this worker last saw it; asks nobody."""
        return self._guard.status()

    def close(self) -> None:
        """Let go of the connections; the store may not be used any more."""
        self._guard.close()
        self._disconnect()


def open_store(settings: Settings) -> Store:
    """The store that the settings name: the server at REDIS_URL, else one SQLite file in DATA_DIR.

    A Redis server that does not answer yet is an outage like any other.
    """
    storage: SQLiteStorage | RedisStorage
    usage: UsageStore
    instances: InstanceStore
    if settings.redis_url is None:
        backend, database = "sqlite", Database(settings.database)
        storage, usage, instances = SQLiteStorage(database), SQLiteUsage(database), SQLiteInstances(database)
        disconnect = database.close
    else:
        backend, client = "redis", connect(settings.redis_url.get_secret_value())
        storage, instances = RedisStorage(client), RedisInstances(client)
        usage = RedisUsage(client, settings.usage_retention_days)
        disconnect = client.close
    guard = Guard(backend, storage.base_exceptions, storage.check)
    local = MemoryStorage()
    return Store(
        storage=GuardedStorage(guard, storage, local if settings.store_outage == "allow" else None),
        guesses=GuardedStorage(guard, storage, local),
        usage=GuardedUsage(guard, usage),
        instances=GuardedInstances(guard, instances),
        outage=settings.store_outage,
        _guard=guard,
        _disconnect=disconnect,
    )
