"""The answers about the service's health, as schemas."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.health.levels import Status
from api.schemas.segmentation import Answer
from api.schemas.service import Percentiles


class Level(Answer):
    """A level of health."""

    status: Status
    reasons: list[str] = Field(description="what is wrong, in sentences")


class MemoryHealth(Answer):
    """Of the container, or of the machine if there is none."""

    used_bytes: int
    limit_bytes: int
    source: Literal["cgroup v1", "cgroup v2", "machine"]


class DiskHealth(Answer):
    """Where the data are kept."""

    free_bytes: int
    total_bytes: int


class ContainerHealth(Level):
    """The worker process that answers, and what it runs in."""

    uptime_s: int
    pid: int
    worker_memory_bytes: int
    memory: MemoryHealth
    cpus: float
    load_average: Annotated[list[float], Field(min_length=3, max_length=3)]
    disk: DiskHealth | None


class StoreHealth(Answer):
    """The store of limits and usage."""

    backend: str
    answers: bool
    since: float = Field(description="when it last began or ceased to answer, seconds since the epoch")
    mode: str = Field(description="what happens while it is away")


class ApplicationHealth(Level):
    """Store, queue and workers."""

    store: StoreHealth
    takes_pictures: bool
    queue_length: int
    queue_size: int
    draining: bool
    workers: int


class CheckpointHealth(Answer):
    """The checkpoint's file."""

    valid: bool
    reason: str | None = Field(None, description="why it is not")
    name: str | None = None
    source: str | None = None
    sha256: str | None = None


class HeadHealth(Answer):
    """The file of the head that finds objects."""

    valid: bool
    reason: str | None = Field(None, description="why it is not")
    name: str | None = None
    sha256: str | None = None


class ModelHealth(Level):
    """The model and its queue."""

    model_loaded: bool
    load_seconds: float | None
    device: str | None
    precision: str | None
    runtime: str | None = Field(description="what runs the network: torch or openvino")
    checkpoint_source: str | None
    weights: list[str] = Field(description="sha256 of the files that the model was loaded from")
    queue_length: int
    queue_size: int
    running: bool
    draining: bool
    remembered_pictures: int
    gpu_memory_bytes: int
    checkpoint: CheckpointHealth
    head: HeadHealth


class TunnelHealth(Level):
    """The tunnel, if there is one."""

    configured: bool
    connections: int | None
    note: str | None = None


class ResponseTimes(Level):
    """Of the last hour; nothing but `requests`, null, while the store is away."""

    requests: int | None
    errors: int | None = None
    server_errors: int | None = None
    rate_limited: int | None = None
    masks: int | None = None
    bytes: int | None = None
    processing_ms: Percentiles | None = None
    queue_ms: Percentiles | None = None


class Levels(Answer):
    """All levels of health."""

    container: ContainerHealth
    application: ApplicationHealth
    model: ModelHealth
    tunnel: TunnelHealth
    response_times: ResponseTimes


class Health(Answer):
    """Answer of /health."""

    status: Status = Field(description="the worst of the levels with the health key, else healthy")
    model_loaded: bool
    levels: Levels | None = Field(None, description="with the health key")


class Live(Answer):
    """Answer of /health/live."""

    status: Literal["alive"]


class Ready(Answer):
    """Answer of /health/ready."""

    status: Literal["ready", "not ready"]
    checks: dict[Literal["store", "checkpoint", "head", "queue"], bool]


class AdminHealth(Answer):
    """Answer of /admin/health."""

    success: Literal[True]
    status: Status = Field(description="the worst of the levels")
    levels: Levels
