"""Automatic and user filters; each removal is counted by its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from droplets.objects.population import typical_area
from droplets.objects.settings import ObjectSettings
from droplets.parameters import Parameters
from droplets.types import Droplet

_USUAL = ObjectSettings()
FAR_FROM_SAID = 1.5
"""Factor from which a diameter is not the one that was said."""
LIMITED = "of a droplet, or of what lies in none"


class AutomaticFilters(Parameters):
    """What is left out unless it is switched off.

    The typical area is that of a monodisperse picture, see `droplets.objects.population`. In a polydisperse
    one, such as foam, droplets are neither too large nor too small.
    """

    unsure: bool = Field(
        True,
        description="What is much less sure to be an object than the others: gaps between droplets.",
    )
    area: bool = Field(
        True,
        description=f"Droplets over {_USUAL.area_factor:g} x the typical area and of circularity under "
        f"{_USUAL.round:g}: clumps. Off where droplets are of many sizes.",
    )
    edge: bool = Field(True, description="What the border of the picture cuts off.")
    circularity: bool = Field(
        True, description=f"Droplets of circularity under {_USUAL.min_circularity:g}: not droplets."
    )
    debris: bool = Field(
        True,
        description=f"Droplets under {_USUAL.debris_diameter:g} x the typical diameter: specks and "
        "satellites. Off where droplets are of many sizes, or where these have over "
        f"{_USUAL.debris_share:.0%} of their area.",
    )


class Filters(Parameters):
    """Limits on droplets and on what lies in no droplet; null means no limit.

    A bead or other object in a droplet stays or goes with it, so that droplets keep their beads. Grey
    values are those stored in the file.
    """

    mean_min: float | None = Field(None, description=f"Lowest mean grey value {LIMITED}.")
    mean_max: float | None = Field(None, description=f"Highest mean grey value {LIMITED}.")
    median_min: float | None = Field(None, description=f"Lowest median grey value {LIMITED}.")
    median_max: float | None = Field(None, description=f"Highest median grey value {LIMITED}.")
    std_min: float | None = Field(
        None, ge=0, description=f"Lowest standard deviation of the grey values {LIMITED}."
    )
    std_max: float | None = Field(
        None, ge=0, description=f"Highest standard deviation of the grey values {LIMITED}."
    )
    min_threshold: float | None = Field(None, description=f"No pixel {LIMITED} may be darker.")
    max_threshold: float | None = Field(None, description=f"No pixel {LIMITED} may be brighter.")
    area_min: float | None = Field(None, ge=0, description=f"Smallest area in pixels {LIMITED}.")
    area_max: float | None = Field(None, ge=0, description=f"Largest area in pixels {LIMITED}.")
    diameter_min: float | None = Field(
        None, ge=0, description=f"Smallest equivalent diameter in pixels {LIMITED}."
    )
    diameter_max: float | None = Field(
        None, ge=0, description=f"Largest equivalent diameter in pixels {LIMITED}."
    )
    circularity_min: float | None = Field(None, ge=0, le=1, description=f"Smallest circularity {LIMITED}.")
    min_edge_distance: float | None = Field(
        None, ge=0, description=f"Fewest pixels between the picture's border and the box {LIMITED}."
    )
    exclude_edge_touching: bool = Field(
        False, description="Leave out what the picture's border cuts off, and what lies in it."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        """Refuse limits that nothing can keep."""
        pairs = [(f"{name}_min", f"{name}_max") for name in FIGURES]
        for lowest, highest in [*pairs, ("min_threshold", "max_threshold")]:
            low, high = getattr(self, lowest, None), getattr(self, highest, None)
            if low is not None and high is not None and low > high:
                raise ValueError(f"{lowest} ({low:g}) is over {highest} ({high:g}), so nothing can be left")
        return self


FIGURES: dict[str, Callable[[Droplet], float]] = {
    "mean": lambda d: d.intensity.mean,
    "median": lambda d: d.intensity.median,
    "std": lambda d: d.intensity.std,
    "area": lambda d: d.mask.area,
    "diameter": lambda d: d.shape.equivalent_diameter,
    "circularity": lambda d: d.shape.circularity,
}
_Limit = tuple[Callable[[Droplet], float], float | None, float | None]
"""A figure, and its lowest and highest value, None without such a limit."""


def apply_filters(
    droplets: Sequence[Droplet],
    automatic: AutomaticFilters,
    user: Filters,
    spared: Collection[int] = (),
    typical_diameter: float | None = None,
    how: ObjectSettings = ObjectSettings(),
) -> tuple[list[Droplet], dict[str, int]]:
    """What the filters leave, and the number removed by reason.

    What a removed droplet contains goes with it and counts under the same reason. But of a droplet that the
    automatic filter "edge" removes the beads stay, for they are whole; and what is known to be an object of
    its own, as droplets in a well are, stays in any case. They then lie in none.

    Arguments:
        droplets: any number, each after the one that contains it.
        automatic: which automatic filters are on.
        user: limits of the client's.
        spared: indices of droplets that stay whatever they are.
        typical_diameter: in pixels, of the droplets; None: told from the picture.
        how: the stage's settings.

    Returns:
        The droplets left, in order, `parent` indexing the new list; and a count each for
        "edge", "area" (clumps), "circularity", "debris" and "user_filter".
    """
    rules = _Rules(automatic, _size_limits(droplets, typical_diameter, how), how)
    wanted = _wanted(user)
    reasons: list[str | None] = []
    for i, droplet in enumerate(droplets):
        around = None if droplet.parent is None else reasons[droplet.parent]
        reasons.append(None if i in spared else _reason(droplet, around, rules, wanted))
    counts = Counter(reason for reason in reasons if reason)
    kept = renumbered(droplets, [reason is None for reason in reasons])
    return kept, {name: counts[name] for name in ("edge", "area", "circularity", "debris", "user_filter")}


@dataclass(frozen=True)
class _SizeLimits:
    """Smallest area that is no debris, largest one that is no clump, in pixels."""

    smallest: float = 0.0
    largest: float = np.inf


@dataclass(frozen=True)
class _Rules:
    """Which automatic filters are on, and by what they judge."""

    automatic: AutomaticFilters
    limits: _SizeLimits
    how: ObjectSettings


def _size_limits(
    droplets: Sequence[Droplet], typical_diameter: float | None, how: ObjectSettings
) -> _SizeLimits:
    """Limits from the droplets that lie whole in the picture; beads do not count."""
    whole = [d for d in droplets if d.kind != "bead" and d.parent is None and not d.border.touching]
    if typical_diameter is not None:
        typical: float | None = np.pi / 4 * typical_diameter**2
    else:
        typical = typical_area([d.mask.area for d in whole if d.kind == "droplet"], how)
    if typical is None:
        return _SizeLimits()
    areas = np.array([d.mask.area for d in whole])
    small = areas < how.debris_diameter**2 * typical
    few = typical_diameter is not None or areas[small].sum() <= how.debris_share * areas.sum()
    return _SizeLimits(how.debris_diameter**2 * typical if few else 0.0, how.area_factor * typical)


def _wanted(user: Filters) -> list[_Limit]:
    """The limits that the client sets."""
    limits: list[_Limit] = [
        (lambda d: d.intensity.min, user.min_threshold, None),
        (lambda d: d.intensity.max, None, user.max_threshold),
        (lambda d: d.border.nearest, user.min_edge_distance, None),
        (lambda d: float(not d.border.touching), 1 if user.exclude_edge_touching else None, None),
        *(
            (figure, getattr(user, f"{name}_min", None), getattr(user, f"{name}_max", None))
            for name, figure in FIGURES.items()
        ),
    ]
    return [limit for limit in limits if limit[1:] != (None, None)]


def _reason(
    droplet: Droplet,
    around: str | None,
    rules: _Rules,
    wanted: Sequence[_Limit],
) -> str | None:
    """Why a droplet goes; None if it stays. `around`: why the one that contains it goes."""
    in_none = droplet.parent is None
    if around and (droplet.mask.inner is False or (around == "edge" and droplet.kind == "bead")):
        around, in_none = None, True
    reason = around or _automatic_reason(droplet, rules)
    limited = in_none or droplet.kind == "droplet"
    return "user_filter" if reason is None and limited and not _keeps(droplet, wanted) else reason


def _automatic_reason(droplet: Droplet, rules: _Rules) -> str | None:
    automatic, limits, how = rules.automatic, rules.limits, rules.how
    is_droplet = droplet.kind == "droplet"
    area, circularity = droplet.mask.area, droplet.shape.circularity
    if automatic.edge and droplet.border.touching:
        return "edge"
    if automatic.area and is_droplet and area > limits.largest and circularity < how.round:
        return "area"
    if automatic.circularity and is_droplet and circularity < how.min_circularity:
        return "circularity"
    if automatic.debris and droplet.kind != "bead" and droplet.parent is None and area < limits.smallest:
        return "debris"
    return None


def _keeps(droplet: Droplet, limits: Sequence[_Limit]) -> bool:
    return all(
        (low is None or figure(droplet) >= low) and (high is None or figure(droplet) <= high)
        for figure, low, high in limits
    )


def note_on_diameter(droplets: Sequence[Droplet], typical_diameter: float | None) -> tuple[str, ...]:
    """A remark for the client whose droplets are not nearly of the diameter in pixels that was said."""
    found = [one.shape.equivalent_diameter for one in droplets if one.kind == "droplet"]
    if typical_diameter is None or not found:
        return ()
    median = float(np.median(found))
    if max(median / typical_diameter, typical_diameter / median) < FAR_FROM_SAID:
        return ()
    return (f"diameter_px is {typical_diameter:g}, but the droplets measure {median:.3g} px at the median",)


def renumbered(droplets: Sequence[Droplet], keep: Sequence[bool]) -> list[Droplet]:
    """The droplets that are kept, `parent` indexing the new list; None where it is not kept."""
    if all(keep):
        return list(droplets)
    position = np.cumsum(keep) - 1
    return [
        replace(droplet, parent=_new_parent(droplet, keep, position))
        if droplet.parent is not None
        else droplet
        for droplet, kept in zip(droplets, keep, strict=True)
        if kept
    ]


def _new_parent(droplet: Droplet, keep: Sequence[bool], position: NDArray[np.int64]) -> int | None:
    if droplet.parent is None or not keep[droplet.parent]:
        return None
    return int(position[droplet.parent])
