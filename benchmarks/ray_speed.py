"""Pictures a minute by one and two workers of a Ray cluster on this machine, beside the local engine.

    python -m benchmarks.ray_speed [--pictures 40] [--rounds 3]

Pictures of 640x480 with 120 droplets. Costs are over the second half of the pictures, when all workers have
their model, and the medians of rounds in which the ways take turns. "One core" is the local engine that does
one picture after another on a single core, "local" the same with what the machine has. The efficiency of two
workers is their rate over twice that of one core, or of one worker. That of processor time, which other work
on the machine disturbs less, is what a picture takes of it with one worker over what it takes with two. Needs
taskset, and Ray: `pip install '.[ray]'`. Prints a table and, as the last line, JSON.
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

import psutil

from benchmarks.batch import SEGMENT, render

ONE_CORE = ["taskset", "--cpu-list", "0"]
LOCAL = [*SEGMENT, "--workers", "1"]
RAY = [*SEGMENT, "--engine", "ray", "--address", "local", "--workers"]
WAYS = {
    "one core": [*ONE_CORE, *LOCAL],
    "local": LOCAL,
    "one worker": [*RAY, "1"],
    "two workers": [*RAY, "2"],
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="One and two workers of a Ray cluster.")
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = render(Path(folder) / "pictures", arguments.pictures)
        rounds = [{way: cost(pictures, WAYS[way]) for way in WAYS} for _ in range(arguments.rounds)]
    rows = {way: [statistics.median(one[way][i] for one in rounds) for i in (0, 1)] for way in WAYS}
    (one, one_cpu), (two, two_cpu) = rows["one worker"], rows["two workers"]
    one_core, _ = rows["one core"]
    for way, (wall, cpu) in rows.items():
        print(f"{way:<12} {60 / wall:>6.1f} pictures/min {cpu:>6.2f} s of processor a picture")
    efficiency = {
        "against_one_core": round(one_core / two / 2, 2),
        "against_one_worker": round(one / two / 2, 2),
        "of_processor_time": round(one_cpu / two_cpu, 2),
    }
    print(
        json.dumps({"efficiency": efficiency, "load_15_min": round(os.getloadavg()[2], 1), "rounds": rounds})
    )


def cost(pictures: Path, command: list[str]) -> tuple[float, float]:
    """Seconds a picture over the second half, by the clock and of all processes on the processor."""
    with (
        tempfile.TemporaryDirectory() as out,
        subprocess.Popen(
            [*command, str(pictures), "--out", out], stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            if json.loads(line)["event"] == "picture":
                seen.append((time.perf_counter(), processor_seconds(psutil.Process(process.pid))))
    assert process.returncode == 0
    # The last pictures are left out: one worker may have none while the other one still has.
    (start, start_cpu), *others, (end, end_cpu) = seen[len(seen) // 2 : -1]
    count = len(others) + 1
    return (end - start) / count, (end_cpu - start_cpu) / count


def processor_seconds(process: psutil.Process) -> float:
    """Of a process and all that it has started and that still run."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


if __name__ == "__main__":
    main()
