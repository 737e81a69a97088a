"""The answers, as schemas: what a client may rely on."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from droplets.ddpcr.result import ThresholdSource
from droplets.types import Finder, Kind, PixelSizeSource


class Answer(BaseModel):
    """Base: nothing beyond the named fields, no NaN."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class AxesInfo(Answer):
    """What a file holds beside the plane that was analysed."""

    frames: int = Field(description="in time")
    planes: int = Field(description="in z")
    channels: list[str] = Field(description='such as "1 (FAM)"; empty where there is but one')


class ImageInfo(Answer):
    """The picture that was analysed."""

    width: int
    height: int
    bit_depth: int
    format: str
    pixel_size_um: float | None
    pixel_size_source: PixelSizeSource | None
    notes: list[str]
    axes: AxesInfo


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


class FluorescenceInfo(Answer):
    """A droplet's light, in the units of the stored fluorescence picture."""

    intensity: float
    amplitude: float = Field(description="above the ground between the droplets, under even light")
    positive: bool | None


class BoundaryInfo(Answer):
    """How well the mask's boundary was placed on the object's true edge."""

    residual: float = Field(description="rms distance in pixels of the edge on single rays from the contour")
    contrast: float = Field(description="steepness of the edge over the picture's noise")
    uncertainty_px: float | None = Field(
        description="standard uncertainty of equivalent_diameter; null where none is known"
    )
    kept_because: str | None = Field(
        description="why the outline was kept as it was, null if it was moved to the edge"
    )


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
    equivalent_diameter: float = Field(description="of the outer edge of the rim, pixels")
    inner_diameter: float | None = Field(description="of the inner edge of a dark rim, pixels")
    max_feret_diameter: float
    circularity: float
    solidity: float
    found_by: Finder = Field(
        description="head: the one pass over the picture; prompt: MobileSAM's decoder, where that was "
        "unsure or saw nothing; hand: pointed at or drawn by the client; contents: looked for in droplets, "
        "or glowing"
    )
    predicted_iou: float = Field(description="IoU with the true mask that is expected, 0 to 1")
    stability_score: float = Field(description="of the decoder's masks; 1 for others")
    parent_id: int | None
    children: list[int]
    pixel_stats: PixelStats
    channels: dict[Literal["red", "green", "blue"], PixelStats] | None = Field(
        description="pixel_stats of each channel of a colour picture, null for a grey one"
    )
    edge_stats: EdgeStats
    boundary: BoundaryInfo | None
    diameter_um: float | None
    inner_diameter_um: float | None
    volume_pl: float | None
    fluorescence: FluorescenceInfo | None
    excluded: str | None = Field(description="why it does not count for digital PCR")
    dyes: list[FluorescenceInfo | None] = Field([], description="fluorescence of each dye, of several")


class RegistrationInfo(Answer):
    """How the fluorescence lies on the picture."""

    shift: tuple[float, float] = Field(description="x, y in pixels from the picture to the fluorescence")
    residual: float | None = Field(description="median distance of local matches from the mapping, pixels")
    matched: float | None = Field(description="share of the droplets that match, 0 to 1")
    confidence: float | None = Field(description="that no other shift matches better; null: not registered")


class VolumeInfo(Answer):
    """Volume of the droplets that count."""

    mean: float | None
    cv: float | None


class DyeFigures(Answer):
    """Digital PCR of one dye over the whole droplets in the common field; null where it cannot be told."""

    n: int
    positives: int | None
    negatives: int | None
    p: float | None
    p_interval: tuple[float | None, float | None]
    lambda_: float | None = Field(alias="lambda", description="copies a droplet")
    lambda_interval: tuple[float | None, float | None]
    copies_per_ul: float | None
    copies_per_ul_interval: tuple[float | None, float | None]
    threshold: float | None
    threshold_source: ThresholdSource | None
    separation: float | None = Field(description="resolution of positives and negatives")
    rain: float | None = Field(description="share of the droplets between the populations")
    volume_pl: VolumeInfo
    registration: RegistrationInfo
    warnings: list[str]


class DyeInfo(DyeFigures):
    """One of several dyes."""

    name: str
    excluded: dict[str, int] = Field(description="droplets that do not count, by reason")
    saturated: int
    missed: int = Field(description="vacant places in which negatives may have been missed")


class JointInfo(Answer):
    """Two dyes over the droplets that count for both."""

    dyes: tuple[str, str]
    negative: int
    only_first: int
    only_second: int
    both: int
    linked: float | None = Field(description="copies a droplet that are joined beyond chance")
    linked_interval: tuple[float | None, float | None]
    linked_share: float | None = Field(description="of the rarer target's copies")


class DdpcrInfo(DyeFigures):
    """Digital PCR of the first dye; of several also of each and of each two."""

    dyes: list[DyeInfo] = []
    joint: list[JointInfo] = []


class Spread(Answer):
    """Of a figure over the droplets; docs/labs/measurements.md defines each one."""

    mean: float | None
    median: float | None
    std: float | None = Field(description="of the sample")
    cv: float | None = Field(description="std / mean")
    min: float | None
    max: float | None


class Histogram(Answer):
    """Bins of equal width."""

    edges: list[float]
    counts: list[int]


class SizeDistribution(Spread):
    """Of the equivalent diameters."""

    uncertainty: float | None = Field(
        description="standard uncertainty of a size in this picture, common to all of them"
    )
    standard_error: float | None
    mean_95: tuple[float, float] | None = Field(description="95 % interval of the mean")
    d10: float | None
    d50: float | None
    d90: float | None
    span: float | None = Field(description="(d90 - d10) / d50")
    dv10: float | None = Field(description="by volume")
    dv50: float | None
    dv90: float | None
    d30: float | None = Field(description="diameter of the mean volume")
    d32: float | None = Field(description="Sauter mean diameter")
    d43: float | None = Field(description="De Brouckere mean diameter")
    pdi: float | None = Field(description="(std / mean)^2")
    histogram: Histogram


class SummaryStatistics(Answer):
    """Over the droplets that the border does not cut."""

    count: dict[Kind, int]
    measured: int
    diameter: SizeDistribution
    diameter_um: SizeDistribution | None
    area: Spread
    circularity: Spread
    mean_intensity: Spread
    near_median: float | None = Field(description="part within 5 % of the median diameter")
    monodisperse: bool | None = Field(description="near_median is at least 0.9")
    total_volume_pl: float | None


class ModelInfo(Answer):
    """What computed the masks."""

    name: str
    checkpoint: str | None
    device: str | None
    precision: str | None
    runtime: str | None = Field(description="what runs the network: torch or openvino")


class Segmentation(Answer):
    """Answer of /segment and /segment_file."""

    success: Literal[True]
    request_id: str
    image: ImageInfo
    num_masks: int
    original_count: int
    removed: dict[str, int]
    masks: list[MaskInfo]
    ddpcr: DdpcrInfo | None
    summary_statistics: SummaryStatistics
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
