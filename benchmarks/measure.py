"""Time of refining and measuring the masks of a picture, without the model.

    python -m benchmarks.measure

Renders 800 droplets of 38 pixels, makes their masks 12 % too small and a little off, as a model's are, and
prints medians in milliseconds, and the diameters' error and spread, as JSON.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.pictures import disc
from droplets.boundaries.refine import find_boundaries
from droplets.objects.measure import border_distance, intensity, shape
from droplets.types import Boundary, Mask
from training.rendering.plain import render_brightfield

COUNT, DIAMETER, SIDE = 800, 38, 1200
REPEATS = 7


def main() -> None:
    """Measure and print."""
    picture = render_brightfield(SIDE, SIDE, count=COUNT, diameter=DIAMETER, touching=0.5, seed=1)
    random = np.random.default_rng(0)
    drawn = [
        (d, disc(*random.normal((d.x, d.y), 0.03 * d.radius), d.radius * random.normal(0.88, 0.03)))
        for d in picture.droplets
        if not d.touches_border
    ]
    masks = [mask for _, mask in drawn]
    boundaries = find_boundaries(picture.pixels, masks)
    error = [
        shape(b.mask, b.contour).equivalent_diameter / (2 * d.radius) - 1
        for (d, _), b in zip(drawn, boundaries, strict=True)
    ]
    refine = _milliseconds(lambda: find_boundaries(picture.pixels, [_fresh(mask) for mask in masks]))
    measure = _milliseconds(lambda: _measure(picture.pixels, boundaries))
    figures: dict[str, Any] = {
        "masks": len(masks),
        "kept": sum(boundary.contour is None for boundary in boundaries),
        "refine_ms": refine,
        "measure_ms": measure,
        "both_ms": round(refine + measure, 1),
        "diameter_bias": round(float(np.mean(error)), 5),
        "diameter_sd": round(float(np.std(error)), 5),
    }
    print(json.dumps(figures))


def _measure(grey: np.ndarray, boundaries: list[Boundary]) -> None:
    for boundary in boundaries:
        intensity(grey, boundary.mask)
        shape(boundary.mask, boundary.contour)
        border_distance(boundary.mask, grey.shape[1], grey.shape[0])


def _fresh(mask: Mask) -> Mask:
    """The mask without the figures that it remembers."""
    return Mask(mask.x, mask.y, mask.crop)


def _milliseconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return round(statistics.median(taken) * 1000, 1)


if __name__ == "__main__":
    main()
