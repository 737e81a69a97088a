"""The answers, as schemas: what a client may rely on."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from droplets.types import Kind, PixelSizeSource


class Answer(BaseModel):
    """Base: nothing beyond the named fields, no NaN."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ImageInfo(Answer):
    """The picture that was analysed."""

    width: int
    height: int
    bit_depth: int
    format: str
    pixel_size_um: float | None
    pixel_size_source: PixelSizeSource | None
    notes: list[str]


class Rle(Answer):
    """COCO compressed RLE."""

    size: tuple[int, int] = Field(description="[height, width] of the picture")
    counts: str


class PixelStats(Answer):
    """Grey values (or those of one channel) under the mask, in the units of the stored picture."""

    mean_intensity: float
    min_intensity: float
    max_intensity: float
    std_intensity: float
    median_intensity: float
    pixel_count: int


class EdgeStats(Answer):
    """Distances of the mask's box to the borders, in pixels."""

    min_distance_to_edge: int
    touches_edge: bool
    distances: dict[Literal["top", "bottom", "left", "right"], int]
    edge_touching_sides: list[Literal["top", "bottom", "left", "right"]]


class MaskInfo(Answer):
    """One mask; the outline comes as `segmentation`, `image` or `polygons`, as options.mask_format says."""

    id: int
    kind: Kind
    confidence: float = Field(description="that it is of this kind, 0 to 1")
    bbox: tuple[int, int, int, int] = Field(description="x, y, width, height in pixels")
    area: int
    centroid: tuple[float, float]
    segmentation: Rle | None = None
    image: str | None = Field(None, description="PNG data URL of the picture's size, white on black")
    polygons: list[list[float]] | None = None
    circle: tuple[float, float, float] | None = Field(description="centre x, y and radius, null if not round")
    equivalent_diameter: float
    max_feret_diameter: float
    circularity: float
    solidity: float
    predicted_iou: float
    stability_score: float
    parent_id: int | None
    children: list[int]
    pixel_stats: PixelStats
    channels: dict[Literal["red", "green", "blue"], PixelStats] | None = Field(
        description="pixel_stats of each channel of a colour picture, null for a grey one"
    )
    edge_stats: EdgeStats
    diameter_um: float | None
    volume_pl: float | None


class ModelInfo(Answer):
    """What computed the masks."""

    name: str
    checkpoint: str | None
    device: str | None
    precision: str | None


class Segmentation(Answer):
    """Answer of /segment and /segment_file."""

    success: Literal[True]
    request_id: str
    image: ImageInfo
    num_masks: int
    original_count: int
    removed: dict[str, int]
    masks: list[MaskInfo]
    summary_statistics: dict[str, Any]
    filters_applied: dict[str, Any]
    preprocessing_applied: dict[str, Any]
    timing_ms: dict[str, float]
    model: ModelInfo


class ErrorAnswer(Answer):
    """Answer of every request that failed."""

    success: Literal[False]
    error: str
    message: str
    request_id: str
