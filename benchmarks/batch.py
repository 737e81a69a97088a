"""Many pictures from the command line against a loop over HTTP, and a run that finds nothing to do.

    python -m benchmarks.batch [--pictures 24] [--rounds 3] [--many 5000]
    python -m benchmarks.batch --memory 500
    python -m benchmarks.batch --video 300

Renders pictures of 640x480 with 120 droplets. Rates are from the first answer to the last, without start and
model, and the medians of the rounds. Prints a table and, as the last line, JSON. --memory prints instead
the memory of one run after each hundred of so many small pictures, --video the time to read all frames of
videos with so many, by a process for each frame and by one for all.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import psutil

from batch.files import find_files
from batch.folder import DROPLETS, RECORD, OutFolder
from batch.opened import OpenFile
from batch.record import Stamp, from_json, to_json
from benchmarks.service import post, service
from droplets.reading.image import ImageFile, decode_image
from droplets.reading.planes import Selection
from training.rendering.plain import render_brightfield

WORKERS = (1, 2)
SEGMENT = [sys.executable, "-W", "ignore", "-m", "cli", "segment", "--json", "--export", "none"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Many pictures from the command line.")
    parser.add_argument("--pictures", type=int, default=24, help="that are analysed each way")
    parser.add_argument("--rounds", type=int, default=3, help="in which the ways take turns")
    parser.add_argument("--many", type=int, default=5000, help="small ones that are all done already")
    parser.add_argument("--memory", type=int, help="small pictures of one run whose memory is told")
    parser.add_argument("--video", type=int, help="frames of the videos that are read instead")
    arguments = parser.parse_args()
    if arguments.memory:
        memory(arguments.memory)
        return
    if arguments.video:
        video(arguments.video)
        return
    with tempfile.TemporaryDirectory() as folder:
        pictures = render(Path(folder) / "pictures", arguments.pictures)
        ways: dict[str, Callable[[], dict[str, float]]] = {"loop over HTTP": lambda: over_http(pictures)}
        for workers in WORKERS:
            ways[f"--workers {workers}"] = partial(from_command_line, pictures, workers)
        rounds = [{way: measure() for way, measure in ways.items()} for _ in range(arguments.rounds)]
        nothing = nothing_to_do(Path(folder), arguments.many)
    rows = [{"way": way, **_medians([one[way] for one in rounds])} for way in ways]
    print(f"{'way':<16} {'pictures/min':>12} {'MB after a quarter':>18} {'MB at the end':>13}")
    for row in rows:
        figures = (row.get(name, "") for name in ("a_minute", "mb_quarter", "mb"))
        print("{:<16} {:>12} {:>18} {:>13}".format(row["way"], *figures))
    print(f"nothing to do for {arguments.many} pictures: {nothing} s")
    print(json.dumps({"pictures": arguments.pictures, "rows": rows, "nothing_to_do_s": nothing}))


def _medians(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def render(folder: Path, count: int) -> Path:
    """A folder with so many different pictures."""
    folder.mkdir()
    for seed in range(count):
        picture = render_brightfield(640, 480, count=120, diameter=38, beads_per_droplet=0.3, seed=seed)
        cv2.imwrite(str(folder / f"{seed:04d}.png"), picture.pixels)
    return folder


def memory(count: int) -> None:
    """Print the resident memory of a run over so many pictures of 160x120, after each hundred."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        for seed in range(count):
            small = render_brightfield(160, 120, count=7, diameter=30, seed=seed)
            cv2.imwrite(str(pictures / f"{seed:04d}.png"), small.pixels)
        seen = as_they_come(pictures, 1)
    print(json.dumps({done: seen[done - 1][1] // 2**20 for done in range(100, count + 1, 100)}))


def video(count: int) -> None:
    """Print the seconds that it takes to read all frames of an AVI and an MP4 of 640x480."""
    still = render_brightfield(640, 480, count=120, diameter=38, beads_per_droplet=0.3, seed=1).pixels
    for suffix, codec in (("avi", "MJPG"), ("mp4", "mp4v")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a.{suffix}"
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 10, (640, 480))
            for i in range(count):
                writer.write(cv2.cvtColor(np.roll(still, 3 * i, axis=1), cv2.COLOR_GRAY2BGR))
            writer.release()
            data = path.read_bytes()
        frames = [Selection(frame=i) for i in range(count)]
        started = time.perf_counter()
        for frame in frames:
            decode_image(data, max_pixels=10**6, selection=frame)
        each = time.perf_counter() - started
        with ImageFile(data, max_pixels=10**6) as file:
            for frame in frames:
                file.image(frame)
        one = time.perf_counter() - started - each
        print(
            json.dumps(
                {"video": suffix, "frames": count, "process_each_s": round(each, 1), "one_s": round(one, 2)}
            )
        )


def over_http(pictures: Path) -> dict[str, float]:
    """One after the other, as a plain loop does it."""
    with service(CACHE_SIZE="0"):
        first, *others = [file.read_bytes() for file in sorted(pictures.iterdir())]
        post("/segment_file", file=first)
        started = time.perf_counter()
        for picture in others:
            post("/segment_file", file=picture)
        return {"a_minute": round(60 * len(others) / (time.perf_counter() - started), 1)}


def from_command_line(pictures: Path, workers: int) -> dict[str, float]:
    """The rate, and the process's memory after a quarter of the pictures and after all."""
    seen = as_they_come(pictures, workers)
    seconds = seen[-1][0] - seen[0][0]
    return {
        "a_minute": round(60 * (len(seen) - 1) / seconds, 1),
        "mb_quarter": seen[len(seen) // 4][1] // 2**20,
        "mb": seen[-1][1] // 2**20,
    }


def as_they_come(pictures: Path, workers: int) -> list[tuple[float, int]]:
    """When each picture was done, in seconds, and the process's resident memory then, in bytes."""
    with (
        tempfile.TemporaryDirectory() as out,
        subprocess.Popen(
            [*SEGMENT, str(pictures), "--out", out, "--workers", str(workers)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            if json.loads(line)["event"] == "picture":
                seen.append((time.perf_counter(), psutil.Process(process.pid).memory_info().rss))
    assert process.returncode == 0
    return seen


def nothing_to_do(folder: Path, count: int) -> float:
    """Seconds of a run over so many small pictures that are done: one was analysed, others are its copies."""
    pictures, out = folder / "many", folder / "many-out"
    pictures.mkdir()
    small = render_brightfield(160, 120, count=7, diameter=30, seed=12).pixels
    cv2.imwrite(str(pictures / "00000.png"), small)
    command = [*SEGMENT, str(pictures), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    results = OutFolder(out)
    done = from_json((results.of("00000.png") / RECORD).read_bytes())
    table = (results.of("00000.png") / DROPLETS).read_bytes()
    for i in range(1, count):
        shutil.copy(pictures / "00000.png", pictures / f"{i:05d}.png")
    with results.held():
        for file in find_files([str(pictures)], out):
            stamp = Stamp(file.size, file.modified, OpenFile(file, small.size).sha256)
            record = replace(done, row=replace(done.row, picture=file.name), stamps=(stamp,))
            results.put(file.name, {DROPLETS: table, RECORD: to_json(record)})
    subprocess.run(command, check=True, capture_output=True)  # writes the tables over all
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return round(time.perf_counter() - started, 2)


if __name__ == "__main__":
    main()
