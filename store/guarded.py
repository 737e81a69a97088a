"""Storage, usage and instances behind one guard: all raise StoreUnavailable, whatever the backend raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from limits.storage import MemoryStorage, MovingWindowSupport, Storage

from store.errors import StoreUnavailable
from store.guard import Guard
from store.instances import Instance, InstanceStore
from store.redis import RedisStorage
from store.sqlite import SQLiteStorage
from store.usage import UsageRecord, UsageStore, UsageSum

T = TypeVar("T")
SharedStorage = SQLiteStorage | RedisStorage


class GuardedStorage(Storage, MovingWindowSupport):
    """Moving-window storage that outlives an outage of the shared one.

    Arguments:
        guard: the breaker of `shared`.
        shared: counts for all workers.
        local: counts for this worker alone while the shared one is away; without it, calls then raise
            StoreUnavailable.
    """

    STORAGE_SCHEME = None

    def __init__(self, guard: Guard, shared: SharedStorage, local: MemoryStorage | None) -> None:
        super().__init__()
        self._guard = guard
        self._shared = shared
        self._local = local

    @property
    def base_exceptions(self) -> type[Exception]:
        """What is raised in an outage."""
        return StoreUnavailable

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Record `amount` hits of `key` unless more than `limit` would lie within `expiry` seconds."""
        return self._run(lambda storage: storage.acquire_entry(key, limit, expiry, amount))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Time of the oldest hit within the window (now if there is none) and the number of hits."""
        return self._run(lambda storage: storage.get_moving_window(key, limit, expiry))

    def get(self, key: str) -> int:
        """Number of hits kept of `key`."""
        return self._run(lambda storage: storage.get(key))

    def get_expiry(self, key: str) -> float:
        """Time of the newest hit of `key`, 0 if there is none."""
        return self._run(lambda storage: storage.get_expiry(key))

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Record `amount` hits of `key` without a limit and return the number within `expiry` seconds."""
        return self._run(lambda storage: storage.incr(key, expiry, amount))

    def take_back(self, key: str) -> None:
        """Forget the newest hit of `key` in the shared storage.

        Raises:
            StoreUnavailable: it is away.
        """
        self._guard.run(lambda: self._shared.take_back(key))

    def check(self) -> bool:
        """Whether the shared storage can be written now."""
        return self._guard.check()

    def reset(self) -> int | None:
        """Forget all hits; returns how many there were."""
        return self._run(lambda storage: storage.reset())

    def clear(self, key: str) -> None:
        """Forget the hits of `key`."""
        self._run(lambda storage: storage.clear(key))

    def _run(self, action: Callable[[SharedStorage | MemoryStorage], T]) -> T:
        try:
            return self._guard.run(lambda: action(self._shared))
        except StoreUnavailable:
            if self._local is None:
                raise
            return action(self._local)


class GuardedUsage:
    """Usage records behind the guard; see `store.usage.UsageStore`."""

    def __init__(self, guard: Guard, usage: UsageStore) -> None:
        self._guard = guard
        self._usage = usage

    def add(self, records: Sequence[UsageRecord]) -> None:
        """Write `records` at once."""
        self._guard.run(lambda: self._usage.add(records))

    def sums(self, start: float, seconds: int) -> list[UsageSum]:
        """Sums of the records of `start` (seconds since the epoch) and later, in spans of `seconds`."""
        return self._guard.run(lambda: self._usage.sums(start, seconds))

    def forget_before(self, end: float) -> int:
        """Delete records older than `end`; returns how many there were."""
        return self._guard.run(lambda: self._usage.forget_before(end))


class GuardedInstances:
    """Instances behind the guard; see `store.instances.InstanceStore`."""

    def __init__(self, guard: Guard, instances: InstanceStore) -> None:
        self._guard = guard
        self._instances = instances

    def beat(self, instance: Instance) -> None:
        """Say that `instance` is alive."""
        self._guard.run(lambda: self._instances.beat(instance))

    def alive(self) -> list[Instance]:
        """The instances that have beaten lately, oldest first."""
        return self._guard.run(self._instances.alive)

    def leave(self, id_: str) -> None:
        """Forget the instance of this id."""
        self._guard.run(lambda: self._instances.leave(id_))
