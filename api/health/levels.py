"""The five levels of health, each with what it finds wrong in plain sentences."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import psutil

from api.health.container import cpus, free_disk, memory
from api.plumbing.services import services
from droplets.errors import ModelUnavailable
from store.errors import StoreUnavailable
from store.usage import summarise

Status = Literal["healthy", "degraded", "unhealthy"]

ORDER: tuple[Status, ...] = ("healthy", "degraded", "unhealthy")
STARTED = time.time()
HOUR = 3600
OUTAGE_MODES = {
    "refuse": "requests that a limit protects get 503 while the store is away",
    "allow": "limits are local to each worker while the store is away",
}
MEBIBYTE = 2**20
CHANGED = (
    "The model's files have changed since this worker loaded them: it goes on with what it has in memory."
)


@dataclass(frozen=True)
class Limits:
    """Values beyond which a level is degraded, and unhealthy."""

    degraded: float
    unhealthy: float


MEMORY = Limits(degraded=0.9, unhealthy=0.97)
"""Part of the memory in use."""
DISK_MIB = Limits(degraded=1024, unhealthy=100)
"""Free where the data are kept."""
FAULTS = Limits(degraded=0.05, unhealthy=0.5)
"""Part of the last hour's requests that failed."""
FEWEST_REQUESTS = 20
"""A share of fewer requests than this says nothing."""


@dataclass
class Level:
    """One level's figures; `degraded` and `unhealthy` make its status worse and say why."""

    figures: dict[str, Any]
    status: Status = "healthy"
    reasons: list[str] = field(default_factory=list)

    def degraded(self, when: bool, reason: str) -> None:
        """Not as well as it should be, but the service works."""
        self._worsen(when, "degraded", reason)

    def unhealthy(self, when: bool, reason: str) -> None:
        """Requests fail, or soon will."""
        self._worsen(when, "unhealthy", reason)

    def as_json(self) -> dict[str, Any]:
        """Status, reasons and figures."""
        return {"status": self.status, "reasons": self.reasons, **self.figures}

    def _worsen(self, when: bool, status: Status, reason: str) -> None:
        if when:
            self.reasons.append(reason)
            self.status = worst((self.status, status))


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of `statuses`."""
    return max(statuses, key=ORDER.index, default="healthy")


def hierarchy() -> dict[str, Any]:
    """`status`, the worst of all levels, and `levels`."""
    levels = {
        "container": container(),
        "application": application(),
        "model": model(),
        "tunnel": tunnel(),
        "response_times": response_times(),
    }
    return {
        "status": worst(level.status for level in levels.values()),
        "levels": {name: level.as_json() for name, level in levels.items()},
    }


def container() -> Level:
    """Memory, CPUs and disk of the container, or of the machine if there is none."""
    settings = services().settings
    used, load = memory(), psutil.getloadavg()
    disk = free_disk(settings.data_dir) if settings.keeps_data else None  # else Redis keeps all there is
    level = Level(
        {
            "uptime_s": round(time.time() - STARTED),
            "pid": os.getpid(),
            "worker_memory_bytes": psutil.Process().memory_info().rss,
            "memory": {"used_bytes": used.used, "limit_bytes": used.limit, "source": used.source},
            "cpus": cpus(),
            "load_average": load,
            "disk": disk and {"free_bytes": disk[0], "total_bytes": disk[1]},
        }
    )
    share = used.used / used.limit
    level.unhealthy(
        share > MEMORY.unhealthy, f"{share:.0%} of the memory is in use; the next picture may not fit."
    )
    level.degraded(MEMORY.degraded < share <= MEMORY.unhealthy, f"{share:.0%} of the memory is in use.")
    machine_cpus = os.cpu_count() or 1
    level.degraded(
        load[1] > 2 * machine_cpus,
        f"The machine's load of the last 5 minutes is {load[1]:.1f}, with {machine_cpus} CPUs.",
    )
    if disk:
        free = disk[0] // MEBIBYTE
        room = f"{free} MiB are free where the data are kept."
        level.unhealthy(free < DISK_MIB.unhealthy, room)
        level.degraded(DISK_MIB.unhealthy <= free < DISK_MIB.degraded, room)
    return level


def application() -> Level:
    """Store, queue and workers."""
    sam, store = services().sam, services().store
    status, answers, store_status = sam.status(), store.check(), store.status()
    full = status.queue_length >= status.queue_size
    level = Level(
        {
            "store": {
                "backend": store_status.backend,
                "answers": answers,
                "since": store_status.since,
                "mode": f"{store.outage}: {OUTAGE_MODES[store.outage]}",
            },
            "takes_pictures": sam.ready,
            "queue_length": status.queue_length,
            "queue_size": status.queue_size,
            "draining": status.draining,
            "workers": services().settings.workers,
        }
    )
    away = f"The store does not answer: {OUTAGE_MODES[store.outage]}."
    level.unhealthy(not answers and store.outage == "refuse", away)
    level.degraded(not answers and store.outage == "allow", away)
    level.degraded(full, "The queue is full; more pictures are refused for now.")
    level.degraded(status.draining, "This worker is stopping: it finishes its requests.")
    return level


def model() -> Level:
    """The model of this worker and its files. One not loaded yet is healthy: it is loaded on demand.

    One that is loaded does not need its files any more, but a worker that starts does.
    """
    status = services().sam.status()
    files = {"checkpoint": checkpoint(), "head": head()}
    level = Level({**asdict(status), **files})
    if status.model_loaded:
        changed = tuple(checked.get("sha256") for checked in files.values()) != status.weights
        level.degraded(changed, CHANGED)
    for checked in files.values():
        worsen = level.degraded if status.model_loaded else level.unhealthy
        worsen(not checked["valid"], checked.get("reason", ""))
    return level


def tunnel() -> Level:
    """The tunnel's connections to its edge, as cloudflared tells them."""
    asked = services().tunnel
    if not asked.configured:
        return Level({"configured": False, "connections": None, "note": "not configured"})
    state = asked.state()
    level = Level({"configured": True, "connections": state.connections})
    level.unhealthy(state.reason is not None, state.reason or "")
    return level


def response_times() -> Level:
    """How the requests of the last hour went, over all workers that share the store."""
    settings = services().settings
    try:
        sums = services().store.usage.sums(time.time() - HOUR, HOUR)
    except StoreUnavailable:
        level = Level({"requests": None})
        level.degraded(True, "The records of the last hour cannot be read.")
        return level
    summary = summarise(sums)
    faults = sum(part.server_errors for part in sums)
    level = Level({**summary, "server_errors": faults})
    if summary["requests"] >= FEWEST_REQUESTS:
        share, slow = faults / summary["requests"], summary["processing_ms"]["p95"] / 1000
        failed = f"{share:.0%} of the last hour's requests failed."
        level.unhealthy(share > FAULTS.unhealthy, failed)
        level.degraded(FAULTS.degraded < share <= FAULTS.unhealthy, failed)
        level.degraded(
            slow > settings.request_timeout_s / 2,
            f"One request in twenty took over {slow:.0f} s; they are given up after "
            f"{settings.request_timeout_s:g} s.",
        )
    return level


def checkpoint() -> dict[str, Any]:
    """Whether the checkpoint is valid, and which it is or why not."""
    try:
        info = services().checkpoint.info()
    except ModelUnavailable as error:
        return {"valid": False, "reason": error.message}
    return {"valid": True, "name": info.name, "source": info.source, "sha256": info.sha256}


def head() -> dict[str, Any]:
    """Whether the head's file is valid, and which it is or why not."""
    try:
        info = services().head.info()
    except ModelUnavailable as error:
        return {"valid": False, "reason": error.message}
    return {"valid": True, "name": info.name, "sha256": info.sha256}
