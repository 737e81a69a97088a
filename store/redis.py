"""The shared store: a Redis or Valkey server that workers on several machines count in."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from limits.storage import MovingWindowSupport, Storage
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from store.instances import FORGOTTEN_AFTER_S, Instance
from store.usage import DAY, MOST_RECORDS, UsageRecord, UsageSum

PREFIX = "sam-droplets:"
"""Of every key, so that other services may use the same server."""
HITS = PREFIX + "hits:"
USAGE = PREFIX + "usage"
INSTANCES = PREFIX + "instances"
CHECK = PREFIX + "check"
PAGE = 2000
"""Usage records added up by one script, so that a long history does not hold up the counting of hits."""
SCRIPTS = Path(__file__).parent

Scored = list[tuple[bytes, float]]
"""Members of a sorted set; the client's own types also allow for other protocols."""


def connect(url: str) -> Redis:
    """Client of the server at `url`; connects when it is first used, and is safe to share between threads.

    A dead server is noticed within a second. A connection that broke while idle is made again once; every
    command sent by this module may safely arrive twice.
    """
    return Redis.from_url(
        url,
        socket_connect_timeout=1,
        socket_timeout=1,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        client_name="sam-droplets",
        protocol=2,  # what every server since Redis 6 speaks, and every version of the client reads alike
    )


class RedisStorage(Storage, MovingWindowSupport):
    """Moving-window storage of `limits` on a Redis server.

    A hit is one script, which the server runs by itself and by its own clock: the count is exact for any
    number of workers on any number of machines. Keys expire with their last hit.
    """

    STORAGE_SCHEME = None

    def __init__(self, client: Redis) -> None:
        super().__init__()
        self._client = client
        self._acquire = client.register_script((SCRIPTS / "acquire.lua").read_text())
        self._window = client.register_script((SCRIPTS / "window.lua").read_text())

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a failing store raises."""
        return RedisError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Record `amount` hits of `key` unless more than `limit` would lie within `expiry` seconds."""
        call = uuid.uuid4().hex[:16]
        return bool(self._acquire(keys=[HITS + key], args=[limit, expiry, amount, call]))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002
        """Time of the oldest hit within the window (now if there is none) and the number of hits.

        The time is by this worker's clock, as the callers' is.
        """
        age, count = self._window(keys=[HITS + key], args=[expiry])
        return time.time() - age / 1e6, count

    def get(self, key: str) -> int:
        """Number of hits kept of `key`."""
        return int(self._client.zcard(HITS + key))

    def get_expiry(self, key: str) -> float:
        """Time of the newest hit of `key`, 0 if there is none."""
        newest = cast(Scored, self._client.zrange(HITS + key, -1, -1, withscores=True))
        return newest[0][1] / 1e6 if newest else 0

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Record `amount` hits of `key` without a limit and return the number within `expiry` seconds."""
        self.acquire_entry(key, 2**53, expiry, amount)
        return self.get(key)

    def take_back(self, key: str) -> None:
        """Forget the newest hit of `key`."""
        # Not ZPOPMAX: sent twice, it would take two.
        self._client.zrem(HITS + key, *self._client.zrange(HITS + key, -1, -1) or [b""])

    def check(self) -> bool:
        """Whether the server can be written now."""
        try:
            return bool(self._client.set(CHECK, 1, ex=60))
        except RedisError:
            return False

    def reset(self) -> int:
        """Forget all hits; returns how many there were."""
        keys = list(self._client.scan_iter(match=HITS + "*", count=1000))
        with self._client.pipeline() as pipeline:
            for key in keys:
                pipeline.zcard(key)
                pipeline.delete(key)
            return sum(pipeline.execute()[::2])

    def clear(self, key: str) -> None:
        """Forget the hits of `key`."""
        self._client.delete(HITS + key)


class RedisUsage:
    """Usage records in one sorted set by time; see `store.usage.UsageStore`.

    Arguments:
        client: see `connect`.
        retention_days: the records expire so long after the last one at the latest.
    """

    def __init__(self, client: Redis, retention_days: int) -> None:
        self._client = client
        self._retention = int(retention_days * DAY)
        self._sums = client.register_script((SCRIPTS / "usage.lua").read_text())

    def add(self, records: Sequence[UsageRecord]) -> None:
        """Write `records` in one transaction. A record that is there already is not written twice."""
        with self._client.pipeline() as pipeline:
            pipeline.zadd(USAGE, {record.as_json(): record.at for record in records})
            pipeline.zremrangebyrank(USAGE, 0, -MOST_RECORDS - 1)
            pipeline.expire(USAGE, self._retention)
            pipeline.execute()

    def sums(self, start: float, seconds: int) -> list[UsageSum]:
        """Sums of the records of `start` (seconds since the epoch) and later, in spans of `seconds`."""
        found: list[UsageSum] = []
        last: bytes | None = b""
        while last is not None:
            last, groups = self._sums(keys=[USAGE], args=[repr(start), seconds, PAGE, last])
            found += [
                UsageSum.of((key.decode(), endpoint.decode(), *rest)) for key, endpoint, *rest in groups
            ]
        return found

    def forget_before(self, end: float) -> int:
        """Delete records older than `end`; returns how many there were."""
        return int(self._client.zremrangebyscore(USAGE, "-inf", f"({end!r}"))


class RedisInstances:
    """Instances as keys that expire by themselves; see `store.instances.InstanceStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def beat(self, instance: Instance) -> None:
        """Say that `instance` is alive."""
        with self._client.pipeline() as pipeline:
            pipeline.set(_instance(instance.id), instance.as_json(), ex=FORGOTTEN_AFTER_S)
            pipeline.sadd(INSTANCES, instance.id)
            pipeline.expire(INSTANCES, FORGOTTEN_AFTER_S)
            pipeline.execute()

    def alive(self) -> list[Instance]:
        """The instances that have beaten within FORGOTTEN_AFTER_S, the longest running first."""
        ids = [id_.decode() for id_ in cast(set[bytes], self._client.smembers(INSTANCES))]
        if not ids:
            return []
        beats = self._client.mget([_instance(id_) for id_ in ids])
        if gone := [id_ for id_, beat in zip(ids, beats, strict=True) if beat is None]:
            self._client.srem(INSTANCES, *gone)
        found = [Instance.from_json(beat) for beat in beats if beat is not None]
        return sorted(found, key=lambda instance: instance.started)

    def leave(self, id_: str) -> None:
        """Forget the instance of this id."""
        self._client.delete(_instance(id_))
        self._client.srem(INSTANCES, id_)


def _instance(id_: str) -> str:
    return f"{PREFIX}instance:{id_}"
