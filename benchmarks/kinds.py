"""What droplets and beads are taken for, over a grid of rendered pictures.

    python -m benchmarks.kinds [--pictures 60]

Sizes, frames, light, contents and dust differ. Right: of the droplets that were found, those answered as
droplets. Phantom: beads where there is none, for 100 droplets. Beads: of those drawn of two pixels of radius
and more, those that were found.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from benchmarks.model import CHECKPOINT, HEAD, forgetful
from droplets.finding.segmenter import Segmenter
from droplets.options import AnalysisOptions
from droplets.pipeline import GenerateMasks, analyze
from droplets.reading.image import decode_image
from training.rendering.plain import Rendering, TrueDroplet, render_brightfield, render_fluorescence

DIAMETERS, SIDES = (8, 12, 18, 26, 38, 55, 80, 120), (512, 1024, 2048)
POSITIVE, BEADS = (0.0, 0.05, 0.3, 0.6, 0.95), (0.0, 0.3, 1.0, 2.5, 5.0)
FULL, MOST = 0.35, 600
"""Part of a picture that droplets cover, and how many there are at most."""
SMALLEST_BEAD = 2.0
"""Pixels of radius."""


@dataclass(frozen=True)
class Tally:
    """Of one picture: droplets drawn within it, found, of the right kind; beads drawn, seen and phantom."""

    drawn: int
    found: int
    right: int
    beads: int
    seen: int
    phantom: int


def rendered(number: int) -> tuple[str, Rendering]:
    """A picture of the grid, its light, and dust on every other one."""
    random = np.random.default_rng(number)
    side, diameter = int(random.choice(SIDES)), float(random.choice(DIAMETERS))
    count = int(min(MOST, FULL * side**2 / diameter**2))
    touching = float(random.choice([0.0, 0.5]))
    if number % 2:
        share = float(random.choice(POSITIVE))
        picture = render_fluorescence(
            side,
            side,
            count=count,
            diameter=diameter,
            positive_fraction=share,
            touching=touching,
            seed=number,
        )
        return "fluorescence", picture
    mean = float(random.choice(BEADS))
    picture = render_brightfield(
        side, side, count=count, diameter=diameter, beads_per_droplet=mean, touching=touching, seed=number
    )
    if random.uniform() < 0.5:
        picture = Rendering(dusty(picture.pixels, random), picture.droplets)
    return "brightfield", picture


def dusty(pixels: NDArray[np.generic], random: np.random.Generator) -> NDArray[np.uint8]:
    """Dark specks of one to three pixels, anywhere."""
    dirty = pixels.astype(np.float32)
    for x, y in random.integers(0, pixels.shape[0], (40, 2)).tolist():
        cv2.circle(dirty, (x, y), int(random.integers(1, 3)), float(random.uniform(30, 110)), -1)
    return np.asarray(cv2.GaussianBlur(dirty, (0, 0), 0.6).clip(0, 255), np.uint8)


def tally(generate: GenerateMasks, picture: Rendering, options: AnalysisOptions) -> Tally:
    """What the service answers to a rendered picture."""
    data = cv2.imencode(".png", picture.pixels)[1].tobytes()
    objects = analyze(decode_image(data, max_pixels=10**8), generate, options).droplets
    whole = [one for one in picture.droplets if not one.touches_border]
    beads = [bead for one in picture.droplets for bead in one.beads]
    places = cKDTree(np.array([one.mask.centroid for one in objects]).reshape(-1, 2))
    found = [_nearest(objects, places, one) for one in whole]
    answered = [one.mask.centroid for one in objects if one.kind == "bead"]
    large = [bead for bead in beads if bead[2] >= SMALLEST_BEAD]
    return Tally(
        len(whole),
        sum(kind is not None for kind in found),
        found.count("droplet"),
        len(large),
        sum(_near(answered, bead[:2], bead[2] + 1) for bead in large),
        sum(not any(_near([centre], b[:2], b[2] + 1.5) for b in beads) for centre in answered),
    )


def _nearest(objects: list, places: cKDTree, droplet: TrueDroplet) -> str | None:
    """Kind of the object in a droplet's place, of at least half its size; None where there is none."""
    for i in places.query_ball_point((droplet.x, droplet.y), 0.4 * droplet.radius):
        if 0.5 < objects[i].shape.equivalent_diameter / (2 * droplet.radius) < 1.5:
            return str(objects[i].kind)
    return None


def _near(points: list[tuple[float, float]], place: tuple[float, ...], reach: float) -> bool:
    return any(np.hypot(x - place[0], y - place[1]) <= reach for x, y in points)


def main() -> None:
    """Print a line a light, one for all, and the pictures that fall short."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=60)
    args = parser.parse_args()
    generate = forgetful(Segmenter(CHECKPOINT, HEAD, "cpu"))
    tallies: dict[str, list[Tally]] = defaultdict(list)
    for number in range(args.pictures):
        light, picture = rendered(number)
        one = tally(generate, picture, AnalysisOptions())
        tallies[light].append(one)
        tallies["all"].append(one)
        if one.right < 0.99 * one.drawn or one.phantom > 0.005 * one.drawn:
            size, side = 2 * np.mean([d.radius for d in picture.droplets]), len(picture.pixels)
            print(f"  {number}: {light}, {size:.0f} px in {side}: {one}")
    print(f"{'light':12} pictures  droplets  found  right kind  beads found  phantom beads for 100 droplets")
    for light, some in tallies.items():
        drawn, found, right, beads, seen, phantom = np.sum(
            [tuple(vars(one).values()) for one in some], axis=0
        )
        print(
            f"{light:12} {len(some):8} {drawn:9} {found / drawn:6.4f} {right / max(found, 1):11.4f}"
            f" {seen / max(beads, 1):12.3f} {100 * phantom / drawn:10.2f}"
        )


if __name__ == "__main__":
    main()
