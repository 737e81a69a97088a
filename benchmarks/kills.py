"""A run that is killed at random moments comes to the same rows, and does nothing twice.

    python -m benchmarks.kills [--pictures 40] [--kills 20] [--seed 1]

Renders pictures of 160x120, analyses them undisturbed and, into another folder, by a command that is killed
(SIGKILL) again and again, some before the model is loaded, most within a picture, and at last left alone.
Prints how many pictures are done each time, what was done twice, and whether the tables are equal.
"""

from __future__ import annotations

import argparse
import csv
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2

from training.rendering.plain import render_brightfield

MOST_EVENTS = 3
LONGEST_DELAY_S = 0.5
SEGMENT = [sys.executable, "-W", "ignore", "-m", "cli", "segment", "--export", "coco", "--json"]


def main() -> None:
    """Kill, compare and print."""
    parser = argparse.ArgumentParser(description="Kills a run again and again.")
    parser.add_argument("--pictures", type=int, default=40, help="that are analysed")
    parser.add_argument("--kills", type=int, default=20, help="before the run is left alone")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        pictures, whole, out = (Path(folder) / name for name in ("pictures", "whole", "out"))
        render(pictures, arguments.pictures)
        _started(pictures, whole).communicate()
        done: dict[str, int] = {}
        twice = 0
        for attempt in range(arguments.kills):
            events, delay = moments.randint(0, MOST_EVENTS), moments.uniform(0, LONGEST_DELAY_S)
            _killed(_started(pictures, out), events, delay)
            now = finished(out)
            twice += sum(now.get(name) != when for name, when in done.items())
            print(f"kill {attempt + 1}, {delay:.2f} s after event {events}: {len(now)} pictures are done")
            done = now
        _started(pictures, out).communicate()
        now = finished(out)
        twice += sum(now.get(name) != when for name, when in done.items())
        same = all(
            rows(whole / name) == rows(out / name) for name in ("droplets.csv", "pictures.csv", "errors.csv")
        )
        print(
            f"left alone: {len(now)} pictures are done; done twice: {twice}; tables equal row for row: {same}"
        )
    raise SystemExit(not same or twice > 0)


def render(folder: Path, count: int) -> None:
    """So many different pictures."""
    folder.mkdir()
    for seed in range(count):
        picture = render_brightfield(160, 120, count=7, diameter=30, seed=seed)
        cv2.imwrite(str(folder / f"{seed:04d}.png"), picture.pixels)


def finished(out: Path) -> dict[str, int]:
    """When the record of each picture that is done was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("pictures/*/picture.json")}


def rows(table: Path) -> list[dict[str, str]]:
    """Of a table, but for the seconds that a picture took."""
    with table.open(newline="", encoding="utf-8") as file:
        return [
            {name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]


def _started(pictures: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*SEGMENT, str(pictures), "--out", str(out)], stdout=subprocess.PIPE)


def _killed(process: subprocess.Popen[bytes], events: int, delay: float) -> None:
    """Kill it so many seconds after so many lines that it has printed: "begin", then one a picture."""
    assert process.stdout is not None
    for _ in range(events):
        process.stdout.readline()
    time.sleep(delay)
    process.kill()
    process.communicate()


if __name__ == "__main__":
    main()
