"""How near diameters come to the truth, on rendered pictures of all looks.

    python -m benchmarks.boundaries [--pictures 100]

Each object's true outline is made a few percent smaller or larger, as a finder may give it, and put on the
edge again (droplets/edges.py). The error of a picture is the median over its objects, so that a picture of
two droplets counts as much as one of a thousand.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace

import cv2
import numpy as np

from droplets.edges import find_boundaries
from droplets.measure import shape
from training.frames import shown
from training.rendering.truth import Outline, Picture
from training.validate import FIRST_SEED, as_stars

OFF, SPREAD = -0.04, 0.04
"""Mean and standard deviation of how much smaller or larger outlines are given."""
SMALLEST = 4.0
"""Pixels of radius."""


def droplets_of(picture: Picture) -> list[Outline]:
    """Those that lie whole in the picture and can be seen."""
    height, width = picture.pixels.shape[:2]
    return [
        one
        for one in picture.objects
        if one.counts
        and not one.inner
        and not one.bead
        and one.radius > SMALLEST
        and one.radii.max() < min(one.x, one.y, width - one.x, height - one.y) - 2
    ]


def errors(picture: Picture, random: np.random.Generator) -> tuple[np.ndarray, int]:
    """Relative errors of the diameters that were found, and how many were not."""
    height, width = picture.pixels.shape[:2]
    true = as_stars(droplets_of(picture), 0)
    factor = np.exp(random.normal(OFF, SPREAD, (len(true), 1)))
    given = replace(true, rays=true.rays * factor)
    found = find_boundaries(cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2GRAY), given.masks(width, height))
    kept = np.array([boundary.contour is None for boundary in found], bool)
    diameters = np.array([shape(one.mask, one.contour).equivalent_diameter for one in found])
    return (diameters / true.diameter - 1)[~kept], int(kept.sum())


def main() -> None:
    """Print a line a look, and one for all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=100)
    args = parser.parse_args()
    by_look: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for held_out in (False, True):
        for seed in range(FIRST_SEED, FIRST_SEED + args.pictures // 2):
            picture = shown(seed, held_out=held_out)
            found, kept = errors(picture, np.random.default_rng(seed)) if droplets_of(picture) else ([], 0)
            if len(found):
                row = float(np.median(found)), float(np.std(found)), kept / (kept + len(found))
                by_look[picture.look].append(row)
                by_look["all"].append(row)
    print(f"{'look':12} pictures  within 2 %  5 %  median error  spread within a picture  not moved")
    for look, rows in by_look.items():
        bias, spread, kept = np.array(rows).T
        print(
            f"{look:12} {len(rows):8} {np.mean(abs(bias) < 0.02):11.2f} {np.mean(abs(bias) < 0.05):4.2f}"
            f" {np.median(bias):+13.3f} {np.median(spread):23.3f} {np.mean(kept):11.2f}"
        )


if __name__ == "__main__":
    main()
