"""Pictures a minute by one and two workers of a Ray cluster on this machine, beside the local engine.

    python -m benchmarks.ray_speed [--pictures 40] [--rounds 3]

Pictures of 640x480 with 120 droplets. Rates are over the second half of the pictures, when all workers have
their model, and the medians of rounds in which the ways take turns. The efficiency of two is their rate
over twice that of one. Needs Ray: `pip install '.[ray]'`. Prints a table and, as the last line, JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.batch import SEGMENT, render

RAY = ["--engine", "ray", "--address", "local"]
WAYS = {
    "local": ["--workers", "1"],
    "one worker": [*RAY, "--workers", "1"],
    "two workers": [*RAY, "--workers", "2"],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="One and two workers of a Ray cluster.")
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = render(Path(folder) / "pictures", arguments.pictures)
        rounds = [
            {way: rate(pictures, flags) for way, flags in WAYS.items()} for _ in range(arguments.rounds)
        ]
    rates = {way: round(statistics.median(one[way] for one in rounds), 1) for way in WAYS}
    efficiency = round(rates["two workers"] / rates["one worker"] / 2, 2)
    load = round(os.getloadavg()[2], 1)
    for way, a_minute in rates.items():
        print(f"{way:<12} {a_minute:>6} pictures/min")
    print(json.dumps({**rates, "efficiency": efficiency, "load_15_min": load, "rounds": rounds}))


def rate(pictures: Path, flags: list[str]) -> float:
    """Pictures a minute over the second half."""
    with (
        tempfile.TemporaryDirectory() as out,
        subprocess.Popen(
            [*SEGMENT, str(pictures), "--out", out, *flags], stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        seen = [time.perf_counter() for line in process.stdout if json.loads(line)["event"] == "picture"]
    assert process.returncode == 0
    half = seen[len(seen) // 2 :]
    return 60 * (len(half) - 1) / (half[-1] - half[0])


if __name__ == "__main__":
    main()
