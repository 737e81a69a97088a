"""How long it takes to follow droplets, where all move alike and where they do not.

    python -m benchmarks.tracks [--frames 30]

Detections of about 630 droplets a frame, 2 % of them missed. Prints seconds, and the share of the detections
whose track is the one that their droplet mostly has.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict

import numpy as np

from droplets.tracks.detections import Detections
from droplets.tracks.following import follow
from training.rendering.discs import pack_discs
from training.rendering.series import Moving, positions

SIDE, UPSTREAM, COUNT = 1024, 300, 900
RADIUS, STEP = 15.0, 10.0
SHEARS = {"all alike": 0.0, "twice as fast at one side": STEP}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the following of droplets.")
    parser.add_argument("--frames", type=int, default=30, help="of the series")
    frames = parser.parse_args().frames
    for name, shear in SHEARS.items():
        detections, truth = series(frames, shear)
        started = time.perf_counter()
        tracks = follow(detections)
        seconds = time.perf_counter() - started
        share = kept_share(tracks.of.tolist(), truth)
        print(f"{name}: {len(truth)} detections, {seconds:.1f} s, {100 * share:.2f} % keep their track")


def series(frames: int, shear: float) -> tuple[Detections, list[int]]:
    """Detections with errors as of real ones, and the droplet that each is of."""
    random = np.random.default_rng(1)
    radii = RADIUS * np.clip(random.normal(1, 0.05, COUNT), 0.8, 1.2)
    centres = pack_discs(SIDE + UPSTREAM, SIDE, radii, touching=0.3, random=random)
    droplets = [
        Moving(x - UPSTREAM, y, radius, (STEP + shear * y / SIDE, 0.0))
        for (x, y), radius in zip(centres.tolist(), radii.tolist(), strict=True)
    ]
    found = [
        (frame, number, one.x, one.y, 2 * one.radius)
        for frame in range(frames)
        for number, one in positions(droplets, frame, SIDE, SIDE).items()
        if not one.touches_border and random.uniform() >= 0.02
    ]
    frame, truth, x, y, diameter = (np.array(column) for column in zip(*found, strict=True))
    position = np.column_stack([x, y]) + random.normal(0, 0.3, (len(found), 2))
    return Detections(frame, position, diameter * random.normal(1, 0.008, len(found))), truth.tolist()


def kept_share(of: list[int], truth: list[int]) -> float:
    """Part of the detections whose track is the one that their droplet mostly has."""
    tracks = defaultdict(list)
    for number, track in zip(truth, of, strict=True):
        tracks[number].append(track)
    return sum(Counter(each).most_common(1)[0][1] for each in tracks.values()) / len(of)


if __name__ == "__main__":
    main()
