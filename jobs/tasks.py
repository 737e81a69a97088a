"""The queue of jobs that wait for a worker: Huey on a SQLite file, or on the Redis server of REDIS_URL.

The queue holds names alone. Whatever is lost with it is put in again by the next sweep, and a name that is in
it twice is worked on once, for the folder of the job says what is left to do.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import structlog
from huey import RedisHuey, SqliteHuey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer
from redis import RedisError

from config import Settings
from store.redis import connect

log = structlog.get_logger(__name__)

NAME = "samjobs"
"""Of the queue: on a Redis server the list `huey.redis.samjobs`."""


class PlainSerializer(Serializer):  # type: ignore[misc]  # huey has no types
    """Messages as JSON: Huey's own pickles would let whoever reaches the Redis server run code here."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps([data.id, data.name, data.args]).encode()

    def _deserialize(self, data: bytes) -> Message:
        id_, name, args = json.loads(data)
        return Message(id=id_, name=name, retries=0, retry_delay=0, args=tuple(args), kwargs={})


class Tasks:
    """Names of jobs that wait, first come first served.

    Arguments:
        settings: say where the queue is.
    """

    def __init__(self, settings: Settings) -> None:
        common: dict[str, Any] = {"results": False, "serializer": PlainSerializer()}
        if settings.redis_url is None:
            file = settings.data_dir / "jobs.sqlite3"
            file.parent.mkdir(parents=True, exist_ok=True)
            self._huey = SqliteHuey(NAME, filename=str(file), strict_fifo=True, **common)
        else:
            pool = connect(settings.redis_url.get_secret_value()).connection_pool
            # Asked again and again, since the store's connections wait for no answer longer than a second.
            self._huey = RedisHuey(NAME, connection_pool=pool, blocking=False, **common)
        self._work: Callable[[str], None] | None = None
        self._task = self._huey.task()(self._run)

    def put(self, name: str) -> None:
        """Have a worker take this job; if the queue is away, the next sweep does it."""
        try:
            self._task(name)
        except (RedisError, sqlite3.Error) as error:
            log.warning("the queue of jobs does not answer", kind=type(error).__name__)

    def waiting(self) -> list[str]:
        """Names in the queue, the next one first."""
        return [task.args[0] for task in self._huey.pending()]

    def consumer(self) -> Consumer:
        """What takes names from the queue, one after the other, until SIGTERM or SIGINT."""
        return self._huey.create_consumer(workers=1, periodic=False, graceful_signal="TERM", max_delay=1)

    def hand_to(self, work: Callable[[str], None]) -> None:
        """Have the consumer call `work` with each name that it takes."""
        self._work = work

    def close(self) -> None:
        """Let go of the connections."""
        if isinstance(self._huey, SqliteHuey):
            self._huey.storage.close()
        else:
            self._huey.storage.pool.disconnect()

    def _run(self, name: str) -> None:
        assert self._work is not None  # noqa: S101  # told before the consumer runs
        self._work(name)
