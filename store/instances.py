"""Which workers are alive: each says so every few seconds, and is forgotten when it stops."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from typing import Protocol

from config import VERSION
from store.errors import StoreUnavailable
from store.faults import Faults

BEAT_S = 10.0
FORGOTTEN_AFTER_S = 35
"""Seconds without a beat; three may be late."""


@dataclass(frozen=True)
class Instance:
    """One worker process.

    Attributes:
        id: unique to the worker's life.
        host: name of its machine or container.
        pid: its process id there.
        started: seconds since the epoch.
        model_loaded: whether it has the model in memory.
        queue_length: pictures that wait for it.
        version: of the service.
    """

    id: str
    host: str
    pid: int
    started: float
    model_loaded: bool
    queue_length: int
    version: str

    @classmethod
    def from_json(cls, text: str | bytes) -> Instance:
        """What `as_json` wrote, in this version of the service or one that knows more of an instance."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})

    def as_json(self) -> str:
        """For a store to keep."""
        return json.dumps(asdict(self))


class InstanceStore(Protocol):
    """What a backend has to offer."""

    def beat(self, instance: Instance) -> None:
        """Say that `instance` is alive."""

    def alive(self) -> list[Instance]:
        """The instances that have beaten within FORGOTTEN_AFTER_S, the longest running first."""

    def leave(self, id_: str) -> None:
        """Forget the instance of this id."""


class Status(Protocol):
    """What a beat tells of the model and its queue."""

    @property
    def model_loaded(self) -> bool:
        """Whether the model is in memory."""

    @property
    def queue_length(self) -> int:
        """Pictures that wait."""


class Heartbeat:
    """Says that this worker is alive, on a thread of its own.

    Arguments:
        instances: the backend.
        status: what the model and its queue are like now (`SamService.status`).
    """

    def __init__(self, instances: InstanceStore, status: Callable[[], Status]) -> None:
        self._instances = instances
        self._status = status
        self._id = uuid.uuid4().hex
        self._started = time.time()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start beating; to be called in the worker, after the fork."""
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Say once that this worker is alive.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        status = self._status()
        self._instances.beat(
            Instance(
                id=self._id,
                host=socket.gethostname(),
                pid=os.getpid(),
                started=self._started,
                model_loaded=status.model_loaded,
                queue_length=status.queue_length,
                version=VERSION,
            )
        )

    def close(self) -> None:
        """Stop beating and be forgotten at once."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            with suppress(StoreUnavailable):  # then the others forget it in time
                self._instances.leave(self._id)

    def _run(self) -> None:
        faults = Faults()
        while True:
            try:
                with suppress(StoreUnavailable):  # logged by the guard
                    self.beat()
            except Exception as error:  # the thread must outlive whatever a store holds or raises
                faults.log("heartbeat failed", error)
            if self._stop.wait(BEAT_S):
                return
