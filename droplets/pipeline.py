"""From a picture to measured droplets: the whole story, one line a stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from droplets.edges import find_boundaries
from droplets.errors import BadRequest
from droplets.filters import AutomaticFilters, Filters, apply_filters
from droplets.hierarchy import build_hierarchy
from droplets.measure import border_distance, grey_values, intensity, shape
from droplets.parameters import Parameters
from droplets.preprocess import Preprocessing, preprocess
from droplets.types import Analysis, Boundary, Box, Droplet, Generation, Image, Mask, PixelSize, Quality

LONGEST = 500  # sides of 1:1024 leave less than one row of the model's frame
Point = Annotated[list[float], Field(min_length=2, max_length=2)]


def _all_or_single(value: Any) -> Any:
    """A bool as it is, else the filters; checked here, so that an error names the field it is about."""
    if isinstance(value, bool | AutomaticFilters):
        return value
    return AutomaticFilters.parse(value, "options.automatic_filters")


class Options(Parameters):
    """How a picture is analysed and answered."""

    quality: Quality = Field(
        "balanced", description="fast, balanced or thorough: speed against small objects."
    )
    points: list[Point] | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="[x, y] pixels: segment only what lies at these points.",
    )
    roi: Annotated[list[int], Field(min_length=4, max_length=4)] | None = Field(
        None, description="[x, y, width, height] pixels: analyse only this part, as if it were the picture."
    )
    refine_edges: bool = Field(
        True,
        description="Move each mask's boundary to the object's true edge; false keeps the model's masks.",
    )
    automatic_filters: Annotated[AutomaticFilters | bool, BeforeValidator(_all_or_single)] = Field(
        True,
        description="false switches all automatic filters off, an object single ones.",
    )
    pixel_size_um: float | None = Field(None, gt=0, le=1000, description="Width of one pixel in micrometres.")
    mask_format: Literal["rle", "png", "polygon", "none"] = Field(
        "rle", description="COCO compressed RLE, a PNG data URL a mask, polygons, or no masks."
    )


@dataclass(frozen=True)
class AnalysisOptions:
    """Everything that a request may set about an analysis."""

    options: Options = field(default_factory=Options)
    filters: Filters = field(default_factory=Filters)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)


GenerateMasks = Callable[[NDArray[np.uint8], Quality, NDArray[np.float64] | None], Generation]
"""(HxWx3 uint8 RGB, quality, Nx2 (x, y) prompt points or None for everything) -> Generation."""


def analyze(image: Image, generate: GenerateMasks, wanted: AnalysisOptions) -> Analysis:
    """Find, measure and filter the droplets of a picture.

    Arguments:
        image: the picture.
        generate: gives the masks of a picture, wherever the model lives.
        wanted: options, filters and preprocessing.

    Raises:
        BadRequest: region or prompt points lie outside the picture.
    """
    timing: dict[str, float] = {}
    roi = _checked_roi(image, wanted.options.roi)
    points = _checked_points(wanted.options.points, roi)
    with _stopwatch(timing, "preprocess"):
        part = crop(image, roi)
        prepared = preprocess(part.pixels, wanted.preprocessing)
    generation = generate(prepared, wanted.options.quality, points)
    timing |= generation.timing_ms
    grey = grey_values(part)
    with _stopwatch(timing, "refine"):
        boundaries = _boundaries(grey, generation.masks, wanted.options)
    with _stopwatch(timing, "measure"):
        hierarchy = build_hierarchy(list(boundaries), part.width, part.height)
        droplets = [
            Droplet(
                mask=node.mask,
                kind=node.kind,
                parent=node.parent,
                intensity=intensity(grey, node.mask),
                shape=shape(node.mask, boundaries[node.mask].contour),
                border=border_distance(node.mask, part.width, part.height),
                boundary=boundaries[node.mask],
            )
            for node in hierarchy.nodes
        ]
        kept, removed = apply_filters(droplets, _automatic(wanted.options), wanted.filters)
    return Analysis(
        droplets=[_shifted(droplet, roi) for droplet in kept],
        found=len(generation.masks),
        removed={
            "background": hierarchy.background,
            "duplicate": hierarchy.duplicates,
            "clump": hierarchy.clumps,
            **removed,
        },
        timing_ms=timing,
        pixel_size=_pixel_size(image, wanted.options),
    )


def _boundaries(grey: NDArray[np.generic], masks: Sequence[Mask], options: Options) -> dict[Mask, Boundary]:
    """Each mask with its boundary: moved to the true edge, or the model's own where that is not wanted."""
    if options.refine_edges:
        found = find_boundaries(grey, masks)
    else:
        found = [Boundary(mask, kept_because="refine_edges is off") for mask in masks]
    return {boundary.mask: boundary for boundary in found}


def crop(image: Image, roi: Box) -> Image:
    """The part of the picture in the box, `original` as a view."""
    x, y, width, height = roi
    window = np.s_[y : y + height, x : x + width]
    return replace(image, pixels=np.ascontiguousarray(image.pixels[window]), original=image.original[window])


def _pixel_size(image: Image, options: Options) -> PixelSize | None:
    """What the client says, else what the file says."""
    return PixelSize(options.pixel_size_um, "request") if options.pixel_size_um else image.pixel_size


def _checked_roi(image: Image, roi: list[int] | None) -> Box:
    x, y, width, height = roi or (0, 0, image.width, image.height)
    inside = x >= 0 and y >= 0 and x + width <= image.width and y + height <= image.height
    if not inside or min(width, height) < 8:
        raise BadRequest(
            f"options.roi must lie within the picture of {image.width} x {image.height} pixels "
            "and be at least 8 x 8."
        )
    if max(width, height) > LONGEST * min(width, height):
        raise BadRequest(
            f"The picture (or options.roi) may be at most {LONGEST} times as long as it is wide."
        )
    return x, y, width, height


def _checked_points(points: list[Point] | None, roi: Box) -> NDArray[np.float64] | None:
    if points is None:
        return None
    x, y, width, height = roi
    relative = np.array(points) - (x, y)
    if (relative < -0.5).any() or (relative > (width - 0.5, height - 0.5)).any():
        raise BadRequest("options.points: every point must lie within the picture (or the roi).")
    return relative


def _automatic(options: Options) -> AutomaticFilters:
    chosen = options.automatic_filters
    if isinstance(chosen, AutomaticFilters):
        return chosen
    return AutomaticFilters(area=chosen, edge=chosen, circularity=chosen)


def _shifted(droplet: Droplet, roi: Box) -> Droplet:
    """The droplet in the frame of the whole picture."""
    mask = replace(droplet.mask, x=droplet.mask.x + roi[0], y=droplet.mask.y + roi[1])
    boundary = droplet.boundary
    if boundary:
        contour = None if boundary.contour is None else boundary.contour + roi[:2]
        boundary = replace(boundary, mask=mask, contour=contour)
    return replace(droplet, mask=mask, boundary=boundary)


@contextmanager
def _stopwatch(timing: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timing[stage] = (time.perf_counter() - started) * 1000
