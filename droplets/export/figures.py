"""The figures of every droplet as one table, which all formats take theirs from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from droplets.analysis import Analysis
from droplets.ddpcr.options import MOST_DYES
from droplets.objects.measure import diameter_um, volume_pl
from droplets.types import Droplet, Fluorescence, Intensity, PixelSize

Value = str | int | float | None
CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True)
class Entry:
    """A droplet and what a row tells of it besides."""

    number: int
    droplet: Droplet
    beads: int
    size: PixelSize | None


@dataclass(frozen=True)
class Column:
    """One figure: its name (with the unit at the end), unit, meaning, and where it is read."""

    name: str
    unit: str
    meaning: str
    value: Callable[[Entry], Value]


def rounded(value: Any, digits: int = 7) -> Any:
    """JSON values with floats of so many significant digits, and null where a number is not finite."""
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    if value is None or isinstance(value, (int, str)):  # before the rarer kinds: there are thousands
        return value
    if isinstance(value, dict):
        return {name: rounded(item, digits) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item, digits) for item in value]
    return value


def rows(analysis: Analysis) -> list[dict[str, Value]]:
    """The figures of each droplet by the names of COLUMNS, in their order; None where not known."""
    beads = Counter(droplet.parent for droplet in analysis.droplets if droplet.kind == "bead")
    entries = (
        Entry(number, droplet, beads[number], analysis.pixel_size)
        for number, droplet in enumerate(analysis.droplets)
    )
    return [{column.name: rounded(column.value(entry)) for column in COLUMNS} for entry in entries]


def columns_table() -> str:
    """COLUMNS as a Markdown table."""
    head = ["| column | unit | meaning |", "|---|---|---|"]
    return "\n".join(head + [f"| `{c.name}` | {c.unit} | {c.meaning} |" for c in COLUMNS])


def _area_um2(entry: Entry) -> float | None:
    return entry.droplet.mask.area * entry.size.um**2 if entry.size else None


def _residual(entry: Entry) -> float | None:
    boundary = entry.droplet.boundary
    moved = boundary is not None and boundary.contour is not None and boundary.kept_because is None
    return boundary.residual if boundary and moved else None


def _channel(index: int, figure: Callable[[Intensity], float]) -> Callable[[Entry], Value]:
    def value(entry: Entry) -> Value:
        channels = entry.droplet.channels
        return figure(channels[index]) if index < len(channels) else None

    return value


def _fluorescence(figure: Callable[[Fluorescence], Value], dye: int = 0) -> Callable[[Entry], Value]:
    def value(entry: Entry) -> Value:
        lights = (entry.droplet.fluorescence, *entry.droplet.further_dyes)
        light = lights[dye] if dye < len(lights) else None
        return figure(light) if light else None

    return value


COLUMNS: tuple[Column, ...] = (
    Column("id", "", "number of the object, from 0, largest area first", lambda e: e.number),
    Column("kind", "", "`droplet`, `bead` (lies in a droplet) or `other`", lambda e: e.droplet.kind),
    Column("confidence", "", "that it is of this kind, 0 to 1", lambda e: e.droplet.confidence),
    Column("parent_id", "", "id of the droplet that it lies in", lambda e: e.droplet.parent),
    Column("beads", "", "number of beads that lie in it", lambda e: e.beads),
    Column("centroid_x_px", "px", "mean x of its pixels", lambda e: e.droplet.mask.centroid[0]),
    Column("centroid_y_px", "px", "mean y of its pixels", lambda e: e.droplet.mask.centroid[1]),
    Column("bbox_x_px", "px", "first column of its box", lambda e: e.droplet.mask.x),
    Column("bbox_y_px", "px", "first row of its box", lambda e: e.droplet.mask.y),
    Column("bbox_width_px", "px", "columns of its box", lambda e: e.droplet.mask.width),
    Column("bbox_height_px", "px", "rows of its box", lambda e: e.droplet.mask.height),
    Column("area_px", "px", "number of its pixels", lambda e: e.droplet.mask.area),
    Column("area_um2", "um^2", "area", _area_um2),
    Column(
        "equivalent_diameter_px",
        "px",
        "2 sqrt(area within its outline / pi)",
        lambda e: e.droplet.shape.equivalent_diameter,
    ),
    Column(
        "equivalent_diameter_um",
        "um",
        "the same",
        lambda e: diameter_um(e.droplet.shape.equivalent_diameter, e.size),
    ),
    Column(
        "diameter_uncertainty_px",
        "px",
        "standard uncertainty of the equivalent diameter",
        lambda e: e.droplet.uncertainty,
    ),
    Column(
        "diameter_uncertainty_um",
        "um",
        "the same",
        lambda e: diameter_um(e.droplet.uncertainty, e.size),
    ),
    Column(
        "inner_diameter_px",
        "px",
        "equivalent diameter of the inner edge of its dark rim",
        lambda e: e.droplet.inner_diameter,
    ),
    Column("inner_diameter_um", "um", "the same", lambda e: diameter_um(e.droplet.inner_diameter, e.size)),
    Column(
        "volume_pl",
        "pl",
        "ball of the equivalent diameter",
        lambda e: volume_pl(e.droplet.shape.equivalent_diameter, e.size),
    ),
    Column(
        "max_feret_diameter_px",
        "px",
        "largest distance between two points of its outline",
        lambda e: e.droplet.shape.max_feret_diameter,
    ),
    Column(
        "max_feret_diameter_um",
        "um",
        "the same",
        lambda e: diameter_um(e.droplet.shape.max_feret_diameter, e.size),
    ),
    Column("perimeter_px", "px", "length of its outline", lambda e: e.droplet.shape.perimeter),
    Column("perimeter_um", "um", "the same", lambda e: diameter_um(e.droplet.shape.perimeter, e.size)),
    Column(
        "circularity",
        "",
        "4 pi area within its outline / perimeter^2, at most 1",
        lambda e: e.droplet.shape.circularity,
    ),
    Column(
        "solidity",
        "",
        "area within its outline over that of the convex hull",
        lambda e: e.droplet.shape.solidity,
    ),
    Column(
        "border_distance_px",
        "px",
        "free pixels between its box and the nearest border of what was analysed; 0 touches it",
        lambda e: e.droplet.border.nearest,
    ),
    Column("mean_intensity", "grey value", "mean of its pixels", lambda e: e.droplet.intensity.mean),
    Column("median_intensity", "grey value", "median", lambda e: e.droplet.intensity.median),
    Column("std_intensity", "grey value", "standard deviation", lambda e: e.droplet.intensity.std),
    Column("min_intensity", "grey value", "smallest", lambda e: e.droplet.intensity.min),
    Column("max_intensity", "grey value", "largest", lambda e: e.droplet.intensity.max),
    *(
        Column(f"{channel}_{name}_intensity", "grey value", f"{meaning} of the {channel} channel", value)
        for index, channel in enumerate(CHANNELS)
        for name, meaning, value in (
            ("mean", "mean", _channel(index, lambda light: light.mean)),
            ("median", "median", _channel(index, lambda light: light.median)),
            ("std", "standard deviation", _channel(index, lambda light: light.std)),
            ("min", "smallest", _channel(index, lambda light: light.min)),
            ("max", "largest", _channel(index, lambda light: light.max)),
        )
    ),
    *(
        column
        for dye in range(MOST_DYES)
        for number, of in (("", "") if not dye else (f"_{dye + 1}", f", dye {dye + 1}"),)
        for column in (
            Column(
                f"fluorescence{number}_intensity",
                "stored value",
                f"for digital PCR: mean light of its inner pixels in the fluorescence picture{of}",
                _fluorescence(lambda light: light.intensity, dye),
            ),
            Column(
                f"fluorescence{number}_amplitude",
                "stored value",
                f"the same above the ground between the droplets, under even light{of}",
                _fluorescence(lambda light: light.amplitude, dye),
            ),
            Column(
                f"positive{number}",
                "",
                f"1 if it is positive, 0 if it is negative{of}",
                _fluorescence(lambda light: None if light.positive is None else int(light.positive), dye),
            ),
        )
    ),
    Column(
        "excluded",
        "",
        "why it does not count for digital PCR: `touching`, `outside`, `debris`, `deformed` or `no droplet`",
        lambda e: e.droplet.excluded,
    ),
    Column(
        "found_by",
        "",
        "`head`, `prompt`, `hand` or `contents`: what found it, see api.md",
        lambda e: e.droplet.mask.found_by,
    ),
    Column("predicted_iou", "", "IoU that is expected of its mask", lambda e: e.droplet.mask.predicted_iou),
    Column(
        "stability_score",
        "",
        "IoU of the masks one logit apart on either side",
        lambda e: e.droplet.mask.stability_score,
    ),
    Column(
        "boundary_residual_px",
        "px",
        "root mean square distance of the edge found on single rays from the fitted contour",
        _residual,
    ),
)
