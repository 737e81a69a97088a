"""How near diameters come to the truth, and how well their uncertainty says so, on rendered pictures.

    python -m benchmarks.boundaries [--pictures 100] [--fit]

Objects are found by the head and put on their edges (droplets/boundaries/); those of an IoU over one half
with a true one are measured. The error of a picture is the median over its objects, so that a picture of two
droplets counts as much as one of a thousand. --fit prints the factors of boundaries/uncertainty.py instead.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from benchmarks.model import CHECKPOINT, HEAD
from droplets.boundaries.refine import find_boundaries
from droplets.boundaries.uncertainty import parts
from droplets.finding.segmenter import Memory, Segmenter
from droplets.objects.measure import equivalent_diameter, shape
from droplets.types import Boundary, Mask, MaskRequest
from training.frames import shown
from training.rendering.truth import Outline, Picture
from training.validate import FIRST_SEED, as_stars, best_ious, weights

SMALLEST = 4.0
"""Pixels of radius."""
MOST_OF_ONE = 30
"""Objects that a picture counts for at most where the uncertainty is fitted and judged."""
FREEDOM = 3.0
"""Degrees of Student's t."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """Objects of one picture, N.

    Attributes:
        look: of the picture.
        true, found, diameter: in pixels: the true diameter, that as found, and that on the edge.
        moved: whether an edge was found.
        uncertainty: of the diameter, and `parts` of it, Nx3, see boundaries/uncertainty.py; in pixels.
    """

    look: str
    true: Floats
    found: Floats
    diameter: Floats
    moved: NDArray[np.bool_]
    uncertainty: Floats
    parts: Floats

    @property
    def error(self) -> Floats:
        """Of the diameters, in pixels."""
        return self.diameter - self.true

    @property
    def weight(self) -> Floats:
        """Of each object where pictures are taken together."""
        return weights(len(self.true), MOST_OF_ONE)


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


def measured(segmenter: Segmenter, picture: Picture, droplets: list[Outline]) -> Measured:
    """What the service makes of a picture's droplets, at least one."""
    height, width = picture.pixels.shape[:2]
    truth = as_stars(droplets, 0)
    everything = segmenter.generate(MaskRequest(picture.pixels, "balanced"), Memory()).masks
    masks = [one for one in everything if not one.inner]
    found = find_boundaries(cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2GRAY), masks)
    ious = best_ious(masks, truth.masks(width, height))
    right = np.flatnonzero(ious.max(axis=1, initial=0) > 0.5)
    return _figures(
        picture.look,
        truth.diameter[ious[right].argmax(axis=1)],
        [masks[i] for i in right],
        [found[i] for i in right],
    )


def _figures(look: str, true: Floats, masks: list[Mask], found: list[Boundary]) -> Measured:
    def each(values: Iterator[float]) -> Floats:
        return np.array(list(values), float)

    before = each(equivalent_diameter(mask.area) for mask in masks)
    after = each(shape(one.mask, one.contour).equivalent_diameter for one in found)
    return Measured(
        look,
        true,
        before,
        after,
        np.array([one.contour is not None for one in found], bool),
        each(one.uncertainty or 0.0 for one in found),
        parts(each(one.residual for one in found), each(one.rise for one in found), after, before),
    )


def fit(pictures: list[Measured]) -> Floats:
    """Factors of the parts: those that make the errors most likely, times what the coverage asks for."""
    moved = np.concatenate([one.moved for one in pictures])
    squares = np.concatenate([one.parts for one in pictures])[moved] ** 2
    error = np.concatenate([one.error for one in pictures])[moved]
    weight = np.concatenate([one.weight for one in pictures])[moved]

    def unlikely(logs: Floats) -> float:
        variance = squares @ np.exp(2 * logs) + 1e-6
        tail = (FREEDOM + 1) / 2 * np.log1p(error**2 / variance / FREEDOM)
        return float(np.average(np.log(variance) / 2 + tail, weights=weight))

    factors = np.exp(minimize(unlikely, np.full(3, -2.0), method="L-BFGS-B").x)
    off = np.abs(error) / np.sqrt(squares @ factors**2)

    def astray(times: float) -> float:
        return max(
            abs(part - wanted)
            for part, wanted in zip(covered(off / times, weight), (0.68, 0.95), strict=True)
        )

    return np.asarray(factors * minimize_scalar(astray, (1.0, 2.0)).x)


def covered(off: Floats, weight: Floats) -> tuple[float, float]:
    """Parts of errors, in units of their uncertainty, within one and within two of it."""
    return float(np.average(off < 1, weights=weight)), float(np.average(off < 2, weights=weight))


def _print_table(pictures: list[Measured]) -> None:
    by_look: dict[str, list[Measured]] = defaultdict(list)
    for one in pictures:
        by_look[one.look].append(one)
        by_look["all"].append(one)
    print(
        f"{'look':12} pictures  within 2 %  5 %  median error  spread in a picture  no edge  within 1 u  2 u"
    )
    for look, some in by_look.items():
        relative = [(one.error / one.true)[one.moved] for one in some if one.moved.any()]
        bias = np.array([np.median(errors) for errors in relative])
        off, weight = (np.concatenate([getattr(one, name) for one in some]) for name in ("error", "weight"))
        once, twice = covered(np.abs(off) / np.concatenate([one.uncertainty for one in some]), weight)
        print(
            f"{look:12} {len(some):8} {np.mean(abs(bias) < 0.02):11.2f} {np.mean(abs(bias) < 0.05):4.2f}"
            f" {np.median(bias):+13.3f} {np.median([errors.std() for errors in relative]):20.3f}"
            f" {np.mean([1 - one.moved.mean() for one in some]):8.2f} {once:11.2f} {twice:4.2f}"
        )


def main() -> None:
    """Print a line a look and one for all, or the factors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--first", type=int, default=0, help="picture to begin with")
    args = parser.parse_args()
    segmenter = Segmenter(CHECKPOINT, HEAD, "cpu")
    seeds = range(FIRST_SEED + args.first, FIRST_SEED + args.first + args.pictures // 2)
    rendered = (shown(seed, held_out=held_out) for seed in seeds for held_out in (False, True))
    pictures = [measured(segmenter, one, some) for one in rendered if (some := droplets_of(one))]
    pictures = [one for one in pictures if len(one.true)]
    if args.fit:
        print(fit(pictures).round(2).tolist())
    else:
        _print_table(pictures)


if __name__ == "__main__":
    main()
