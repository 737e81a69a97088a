"""How likely a blob is a bead: the likelihood ratios of droplets/contents/evidence.py, fitted.

    python -m benchmarks.contents [--pictures 300]

Half of the pictures are those of the training (seeds that it has not seen), half plain droplets in
brightfield, with and without dust. Each blob, faint or not, is a bead that was drawn or none. A logistic
regression over pictures with both takes the share of beads among a picture's blobs as its offset, so that it
finds likelihood ratios; a picture weighs as much as `MOST` of its blobs, each half as much as the other. Then
the share of beads by heat in all pictures, which tells from where on the network sees nothing.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial import cKDTree
from scipy.special import log_expit, logit

from benchmarks import kinds
from benchmarks.model import CHECKPOINT, HEAD
from droplets.contents.blobs import find_blobs
from droplets.contents.settings import ContentSettings
from droplets.finding.segmenter import Memory, Segmenter
from droplets.options import AnalysisOptions, Options
from droplets.pipeline import analyze
from droplets.reading.image import decode_image
from droplets.types import Generation, MaskRequest
from training.rendering.plain import render_brightfield
from training.rendering.scenes import render

FIRST_SEED = 70_000
SIDES = (384, 512, 768, 1024)
DIAMETERS, FULL = (18, 26, 38, 55, 80, 120), 0.3
REST = 6
SMALLEST_BEAD = 1.5
"""Pixels of radius under which a bead is judged neither way."""
MOST = 40
HEATS = (-50, -5, -4, -3, -2, -1, 0, 50)

Floats = NDArray[np.float64]
Picture = tuple[NDArray[np.generic], list[tuple[float, float, float]]]
"""Pixels, and (x, y, radius) of the beads; a radius of 0 where one is judged neither way."""


@dataclass(frozen=True)
class Judged:
    """The blobs of a picture: significance, heat, and whether a bead was drawn there."""

    significance: Floats
    heat: Floats
    true: Floats

    def told(self, which: NDArray[np.bool_]) -> Judged:
        """Some of them."""
        return Judged(self.significance[which], self.heat[which], self.true[which])


def harsh() -> Iterator[Picture]:
    """Pictures of the training: all with beads in droplets, and one in `REST` of the others."""
    for number in itertools.count():
        side = SIDES[number % len(SIDES)]
        drawn = render(FIRST_SEED + number, width=side, height=side)
        beads = [one for one in drawn.objects if one.inner and one.bead]
        if beads or number % REST == 0:
            yield (
                cv2.cvtColor(drawn.pixels, cv2.COLOR_RGB2BGR),
                [(one.x, one.y, one.radius if one.counts else 0.0) for one in beads],
            )


def plain() -> Iterator[Picture]:
    """Droplets of one size with and without beads, dust on every other one."""
    for number in itertools.count():
        random = np.random.default_rng(FIRST_SEED + number)
        side, diameter = int(random.choice(SIDES)), float(random.choice(DIAMETERS))
        drawn = render_brightfield(
            side,
            side,
            count=max(1, int(FULL * side**2 / diameter**2)),
            diameter=diameter,
            beads_per_droplet=float(random.choice(kinds.BEADS)),
            touching=float(random.choice([0.0, 0.5])),
            seed=FIRST_SEED + number,
        )
        pixels = kinds.dusty(drawn.pixels, random) if number % 2 else drawn.pixels
        yield pixels, [bead for droplet in drawn.droplets for bead in droplet.beads]


def judged(
    segmenter: Segmenter, pixels: NDArray[np.generic], beads: list[tuple[float, float, float]]
) -> Judged | None:
    """Blobs that the network can see, the strongest one of each bead and those where none was drawn."""
    how, seen = ContentSettings(), []

    def generate(request: MaskRequest) -> Generation:
        seen.append(segmenter.generate(request, Memory()))
        return seen[0]

    image = decode_image(cv2.imencode(".png", pixels)[1].tobytes(), max_pixels=10**8)
    found = analyze(image, generate, AnalysisOptions(Options(contents=False))).droplets
    masks = [one.mask for one in found if one.parent is None and one.mask.area >= how.smallest_droplet]
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    blobs, inner = (find_blobs(grey, masks, how) if masks else None), seen[0].inner
    if blobs is None or inner is None or blobs.radius * inner.scale < how.seen_from:
        return None
    order = np.argsort(-blobs.significance, kind="stable")
    truth, known = np.zeros(order.size), np.ones(order.size, bool)
    if beads:
        away, nearest = cKDTree([bead[:2] for bead in beads]).query(np.column_stack([blobs.x, blobs.y]))
        radii = np.array([bead[2] for bead in beads])[nearest]
        truth = (away <= np.maximum(SMALLEST_BEAD, 0.7 * radii)).astype(float)
        known = (truth == 0) | (radii >= SMALLEST_BEAD)
        again = set()
        for i in order.tolist():
            if truth[i] and known[i]:
                known[i] = nearest[i] not in again
                again.add(nearest[i])
    return Judged(blobs.significance[known], inner.at(blobs.x, blobs.y)[known], truth[known])


def fit(halves: list[list[Judged]], how: ContentSettings) -> Floats:
    """Weights of the logarithm of the significance and of the heat, and the constant."""
    features, truth, offsets, weights = [], [], [], []
    for half in halves:
        told = [one.told(one.heat > how.no_heat) for one in half]
        mixed = [one for one in told if one.true.any() and not one.true.all()]
        total = sum(min(one.true.size, MOST) for one in mixed)
        for one in mixed:
            size, share = one.true.size, one.true.mean()
            columns = np.log(one.significance / how.significant), one.heat, np.ones(size)
            features.append(np.column_stack(columns))
            truth.append(one.true)
            offsets.append(np.full(size, logit(share)))
            weights.append(np.full(size, min(size, MOST) / size / total))
    x, sign = np.concatenate(features), 2 * np.concatenate(truth) - 1
    offset, weight = np.concatenate(offsets), np.concatenate(weights)

    def loss(coefficients: Floats) -> float:
        return float(-(weight * log_expit(sign * (x @ coefficients + offset))).sum())

    return np.asarray(minimize(loss, np.zeros(3), method="BFGS").x)


def main() -> None:
    """Render, look, fit and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=300, help="of both halves together")
    args = parser.parse_args()
    segmenter = Segmenter(CHECKPOINT, HEAD, "cpu")
    halves = []
    for drawn in (harsh(), plain()):
        seen = (judged(segmenter, *picture) for picture in itertools.islice(drawn, args.pictures // 2))
        halves.append([one for one in seen if one is not None])
    how = ContentSettings()
    significance, heat, constant = fit(halves, how)
    print(f"by_significance {significance:.2f}, by_heat {heat:.3f}, even_heat {-constant / heat:.2f}")
    for name, half in zip(("training's", "plain"), halves, strict=True):
        every = [np.concatenate([getattr(one, part) for one in half]) for part in ("heat", "true")]
        bins = np.digitize(every[0], HEATS) - 1
        shares = (
            f"{every[1][bins == i].mean():.3f} of {np.sum(bins == i)}"
            for i in range(len(HEATS) - 1)
            if np.any(bins == i)
        )
        print(f"{name}, {len(half)} pictures, share of beads by heat from {HEATS}: {', '.join(shares)}")


if __name__ == "__main__":
    main()
