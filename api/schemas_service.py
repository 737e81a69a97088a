"""The answers about pictures as a whole and about the service itself, as schemas."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas import Answer, Histogram


class PictureSize(Answer):
    """Pixels, and bytes of the file."""

    width: int
    height: int
    bytes: int


class ChannelFigures(Answer):
    """Of the stored values of one channel; the histogram has 256 bins."""

    mean: float
    min: float
    max: float
    std: float
    median: float
    histogram: Histogram


class PictureFigures(Answer):
    """Answer of /analyze_image."""

    success: Literal[True]
    request_id: str
    size: PictureSize
    bit_depth: int
    format: str
    notes: list[str]
    overall: ChannelFigures = Field(description="of the grey values")
    channels: dict[Literal["grey", "red", "green", "blue"], ChannelFigures]
    suggested_filters: dict[str, float]


class Default(Answer):
    """A parameter's default and a line on it."""

    default: Any
    description: str


class Limits(Answer):
    """What the service takes."""

    max_file_size_mb: float
    max_image_pixels: int


class Defaults(Answer):
    """Answer of /defaults."""

    filters: dict[str, Default]
    preprocessing: dict[str, Default]
    options: dict[str, Default]
    limits: Limits


class Percentiles(Answer):
    """Of times in milliseconds; null without requests."""

    p50: float | None
    p95: float | None
    p99: float | None


class UsageSummary(Answer):
    """Requests, and what they cost."""

    requests: int
    errors: int = Field(description="answered with a status of 400 or more")
    rate_limited: int
    masks: int
    bytes: int
    processing_ms: Percentiles
    queue_ms: Percentiles = Field(description="spent waiting for the model")


class KeyUsage(UsageSummary):
    """One API key."""

    name: str
    hint: str = Field(description="the key's first characters")
    enabled: bool
    limit_per_hour: int
    used_last_hour: int
    endpoints: dict[str, UsageSummary]


class Stats(Answer):
    """Answer of /admin/stats."""

    success: Literal[True]
    hours: int
    keys: list[KeyUsage]
    unauthenticated: UsageSummary = Field(description="requests without a known key")
    endpoints: dict[str, UsageSummary]
    totals: UsageSummary


class ContainerHealth(Answer):
    """The process that answers."""

    uptime_s: int
    pid: int
    peak_memory_mb: int
    load_average: Annotated[list[float], Field(min_length=3, max_length=3)]


class ApplicationHealth(Answer):
    """What the application needs."""

    store: bool = Field(description="the store can be written")
    takes_pictures: bool = Field(description="there is room in the queue, and the service is not stopping")


class CheckpointHealth(Answer):
    """The checkpoint's file."""

    valid: bool
    reason: str | None = Field(None, description="why it is not")
    name: str | None = None
    source: str | None = None
    sha256: str | None = None


class ModelHealth(Answer):
    """The model and its queue."""

    model_loaded: bool
    load_seconds: float | None
    device: str | None
    precision: str | None
    checkpoint_source: str | None
    queue_length: int
    queue_size: int
    running: bool
    draining: bool
    remembered_pictures: int
    checkpoint: CheckpointHealth


class Levels(Answer):
    """All levels of health."""

    container: ContainerHealth
    application: ApplicationHealth
    model: ModelHealth
    response_times: UsageSummary | None = Field(description="of the last hour; null if the store is away")


class Health(Answer):
    """Answer of /health."""

    status: Literal["healthy"]
    model_loaded: bool
    levels: Levels | None = Field(None, description="with the health key")


class Live(Answer):
    """Answer of /health/live."""

    status: Literal["alive"]


class Ready(Answer):
    """Answer of /health/ready."""

    status: Literal["ready", "not ready"]
    checks: dict[Literal["store", "checkpoint", "queue"], bool]


class AdminHealth(Answer):
    """Answer of /admin/health."""

    success: Literal[True]
    status: Literal["healthy"]
    levels: Levels
