"""The answers about pictures as a whole and about the service itself, as schemas."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.schemas.segmentation import Answer, Histogram


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
    errors: int = Field(description="answered with a status of 400 or more, 429 included")
    rate_limited: int = Field(description="answered with the status 429")
    masks: int
    bytes: int
    processing_ms: Percentiles
    queue_ms: Percentiles = Field(description="spent waiting for the model")


class KeyUsage(UsageSummary):
    """One API key."""

    name: str
    hint: str = Field(description="the key's first characters, and the first six of its SHA-256")
    enabled: bool
    limit_per_hour: int
    used_last_hour: int
    endpoints: dict[str, UsageSummary]


class Span(Answer):
    """A span of time."""

    start: int = Field(description="seconds since the epoch")
    seconds: int
    requests: int
    errors: int
    rate_limited: int
    processing_ms: Percentiles


class InstanceInfo(Answer):
    """A worker that is alive."""

    id: str
    host: str
    pid: int
    started: float = Field(description="seconds since the epoch")
    model_loaded: bool
    queue_length: int
    version: str


class Stats(Answer):
    """Answer of /admin/stats."""

    success: Literal[True]
    hours: int
    keys: list[KeyUsage]
    unauthenticated: UsageSummary = Field(description="requests without a known key")
    endpoints: dict[str, UsageSummary]
    totals: UsageSummary
    series: list[Span] = Field(description="about 60 spans of equal length")
    instances: list[InstanceInfo]
