"""Automatic and user filters; each removal is counted by its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from droplets.parameters import Parameters
from droplets.types import Droplet

AREA_FACTOR = 1.5
MIN_CIRCULARITY = 0.6


class AutomaticFilters(Parameters):
    """What is left out unless it is switched off."""

    area: bool = Field(True, description=f"Droplets over {AREA_FACTOR} x the mean area of all: clumps.")
    edge: bool = Field(True, description="What touches the border of the picture, for it is cut off there.")
    circularity: bool = Field(
        True, description=f"Droplets of circularity under {MIN_CIRCULARITY}: not droplets."
    )


class Filters(Parameters):
    """Limits that every mask must keep; null means no limit. Grey values are those stored in the file."""

    mean_min: float | None = Field(None, description="Lowest mean grey value.")
    mean_max: float | None = Field(None, description="Highest mean grey value.")
    median_min: float | None = Field(None, description="Lowest median grey value.")
    median_max: float | None = Field(None, description="Highest median grey value.")
    std_min: float | None = Field(None, ge=0, description="Lowest standard deviation of the grey values.")
    std_max: float | None = Field(None, ge=0, description="Highest standard deviation of the grey values.")
    min_threshold: float | None = Field(None, description="No pixel of the mask may be darker.")
    max_threshold: float | None = Field(None, description="No pixel of the mask may be brighter.")
    area_min: float | None = Field(None, ge=0, description="Smallest area in pixels.")
    area_max: float | None = Field(None, ge=0, description="Largest area in pixels.")
    diameter_min: float | None = Field(None, ge=0, description="Smallest equivalent diameter in pixels.")
    diameter_max: float | None = Field(None, ge=0, description="Largest equivalent diameter in pixels.")
    circularity_min: float | None = Field(None, ge=0, le=1, description="Smallest circularity.")
    min_edge_distance: float | None = Field(
        None, ge=0, description="Fewest free pixels between the mask and the picture's border."
    )
    exclude_edge_touching: bool = Field(False, description="Leave out what touches the picture's border.")


FIGURES: dict[str, Callable[[Droplet], float]] = {
    "mean": lambda d: d.intensity.mean,
    "median": lambda d: d.intensity.median,
    "std": lambda d: d.intensity.std,
    "area": lambda d: d.mask.area,
    "diameter": lambda d: d.shape.equivalent_diameter,
    "circularity": lambda d: d.shape.circularity,
}


def apply_filters(
    droplets: Sequence[Droplet], automatic: AutomaticFilters, user: Filters
) -> tuple[list[Droplet], dict[str, int]]:
    """What the filters leave, and the number removed by reason.

    What a removed droplet contains goes with it and counts under the same reason. Only of a droplet
    that the border cuts off the beads stay, for they are whole.

    Returns:
        The droplets left, in order, `parent` indexing the new list; and a count each for
        "edge", "area", "circularity" and "user_filter".
    """
    largest = _largest_area(droplets)
    reasons: list[str | None] = []
    for droplet in droplets:
        inherited = reasons[droplet.parent] if droplet.parent is not None else None
        if inherited == "edge" and droplet.kind == "bead":
            inherited = None
        reasons.append(inherited or _reason(droplet, largest, automatic, user))
    counts = Counter(reason for reason in reasons if reason)
    kept = _renumbered(droplets, [reason is None for reason in reasons])
    return kept, {name: counts[name] for name in ("edge", "area", "circularity", "user_filter")}


def _largest_area(droplets: Iterable[Droplet]) -> float:
    """Limit of the area filter; beads do not count into the mean."""
    areas = [droplet.mask.area for droplet in droplets if droplet.kind == "droplet"]
    return AREA_FACTOR * float(np.mean(areas)) if areas else 0.0


def _reason(droplet: Droplet, largest: float, automatic: AutomaticFilters, user: Filters) -> str | None:
    is_droplet = droplet.kind == "droplet"
    if automatic.edge and droplet.border.touching:
        return "edge"
    if automatic.area and is_droplet and droplet.mask.area > largest:
        return "area"
    if automatic.circularity and is_droplet and droplet.shape.circularity < MIN_CIRCULARITY:
        return "circularity"
    return None if _keeps_limits(droplet, user) else "user_filter"


def _keeps_limits(droplet: Droplet, user: Filters) -> bool:
    limits = [
        (user.min_threshold, droplet.intensity.min, None),
        (None, droplet.intensity.max, user.max_threshold),
        (user.min_edge_distance, droplet.border.nearest, None),
        *(
            (getattr(user, f"{name}_min", None), figure(droplet), getattr(user, f"{name}_max", None))
            for name, figure in FIGURES.items()
        ),
    ]
    within = all(
        (low is None or value >= low) and (high is None or value <= high) for low, value, high in limits
    )
    return within and not (user.exclude_edge_touching and droplet.border.touching)


def _renumbered(droplets: Sequence[Droplet], keep: Sequence[bool]) -> list[Droplet]:
    position = np.cumsum(keep) - 1
    return [
        replace(droplet, parent=_new_parent(droplet, keep, position))
        for droplet, kept in zip(droplets, keep, strict=True)
        if kept
    ]


def _new_parent(droplet: Droplet, keep: Sequence[bool], position: NDArray[np.int64]) -> int | None:
    if droplet.parent is None or not keep[droplet.parent]:
        return None
    return int(position[droplet.parent])
