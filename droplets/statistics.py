"""Figures over all droplets of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from droplets.types import Droplet, PixelSize


def summary(droplets: Sequence[Droplet], size: PixelSize | None) -> dict[str, Any]:
    """Counts by kind and, over the droplets proper, the spread of diameter, area and intensity.

    Arguments:
        droplets: what the filters left.
        size: of a pixel, None if not known.

    Returns:
        "count" a kind, and for "diameter", "area" (pixels), "circularity", "mean_intensity" (stored
        grey values) and "diameter_um" mean, median, std (of the sample), cv (std / mean), min and
        max. A figure is None where there are too few droplets for it.
    """
    proper = [droplet for droplet in droplets if droplet.kind == "droplet"]
    diameters = np.array([droplet.shape.equivalent_diameter for droplet in proper])
    return {
        "count": {kind: sum(d.kind == kind for d in droplets) for kind in ("droplet", "bead", "other")},
        "diameter": _spread(diameters),
        "diameter_um": _spread(diameters * size.um) if size else None,
        "area": _spread(np.array([droplet.mask.area for droplet in proper])),
        "circularity": _spread(np.array([droplet.shape.circularity for droplet in proper])),
        "mean_intensity": _spread(np.array([droplet.intensity.mean for droplet in proper])),
    }


def _spread(values: np.ndarray[Any, Any]) -> dict[str, float | None]:
    if not values.size:
        return dict.fromkeys(("mean", "median", "std", "cv", "min", "max"))
    mean = float(values.mean())
    std = float(values.std(ddof=1)) if values.size > 1 else None
    return {
        "mean": mean,
        "median": float(np.median(values)),
        "std": std,
        "cv": std / mean if std is not None and mean else None,
        "min": float(values.min()),
        "max": float(values.max()),
    }
