"""A job whose worker is killed at random moments comes to the same rows, and does nothing twice.

    python -m benchmarks.job_kills [--pictures 40] [--kills 20] [--seed 1] [--redis redis-server]

Renders pictures of 160x120, analyses them undisturbed by the command line, and as a job of the running
service, whose worker is killed (SIGKILL) again and again and started anew by its keeper: with the queue in
SQLite, then in Redis. Prints how many pictures are done each time, what was done twice, and whether the
tables are equal.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import requests

from benchmarks.kills import LONGEST_DELAY_S, MOST_EVENTS, SEGMENT, finished, render, rows
from benchmarks.service import ADDRESS, KEY, service

HEADERS = {"X-API-Key": KEY}
LONGEST_S = 600
TABLES = ("droplets.csv", "pictures.csv", "errors.csv")


def main() -> None:
    """Kill, compare and print."""
    parser = argparse.ArgumentParser(description="Kills the worker of a job again and again.")
    parser.add_argument("--pictures", type=int, default=40, help="of the job")
    parser.add_argument("--kills", type=int, default=20, help="before the worker is left alone")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--redis", default=shutil.which("redis-server"), help="the server's program")
    arguments = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        pictures, whole = Path(folder) / "pictures", Path(folder) / "whole"
        render(pictures, arguments.pictures)
        subprocess.run([*SEGMENT, str(pictures), "--out", str(whole)], stdout=subprocess.DEVNULL, check=True)
        good &= killed(pictures, whole, Path(folder) / "sqlite", arguments.kills, arguments.seed)
        if arguments.redis:
            with redis_server(arguments.redis, Path(folder)) as url:
                data = Path(folder) / "redis"
                good &= killed(pictures, whole, data, arguments.kills, arguments.seed, REDIS_URL=url)
    raise SystemExit(not good)


def killed(pictures: Path, whole: Path, data: Path, kills: int, seed: int, **changes: str) -> bool:
    """Whether a job whose worker is killed so often tells what the undisturbed run in `whole` tells."""
    moments = random.Random(seed)  # noqa: S311
    with service(JOBS="beside", DATA_DIR=str(data), **changes) as gunicorn:
        master = psutil.Process(gunicorn)
        job = posted(pictures)
        (folder,) = (data / "jobs").glob(f"*/{job}")
        done: dict[str, int] = {}
        twice = 0
        for attempt in range(kills):
            events, delay = moments.randint(0, MOST_EVENTS), moments.uniform(0, LONGEST_DELAY_S)
            wanted = min(len(done) + events, len(list(pictures.iterdir())))
            wait(lambda wanted=wanted: worker(master) and len(finished(folder / "results")) >= wanted)
            time.sleep(delay)
            if process := worker(master):
                process.kill()
                process.wait()
            now = finished(folder / "results")
            twice += sum(now.get(name) != when for name, when in done.items())
            when = f"{delay:.2f} s after picture {events}"
            print(f"{data.name}: kill {attempt + 1}, {when}: {len(now)} are done", flush=True)
            done = now
        wait(lambda: state(job)["state"] in ("done", "failed"))
        last, now = state(job), finished(folder / "results")
        twice += sum(now.get(name) != when for name, when in done.items())
        same = last["state"] == "done" and all(
            rows(whole / name) == rows(folder / "results" / name) for name in TABLES
        )
    print(
        f"{data.name}: {last['state']}, {last['done']} of {last['pictures']} pictures are done; "
        f"done twice: {twice}; tables equal row for row: {same}"
    )
    return same and twice == 0


@contextmanager
def redis_server(program: str, folder: Path) -> Iterator[str]:
    """Address of a Redis server of our own, which keeps nothing."""
    address = folder / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(address), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait(address.exists)
        yield f"unix://{address}"
    finally:
        process.terminate()
        process.wait()


def posted(pictures: Path) -> str:
    """Id of a job with all pictures."""
    files = [("file", (path.name, path.read_bytes())) for path in sorted(pictures.iterdir())]
    form = {"run": json.dumps({"export": ["coco"]})}
    answer = requests.post(f"{ADDRESS}/jobs", files=files, data=form, headers=HEADERS, timeout=60)
    return str(answer.json()["id"])


def state(job: str) -> dict[str, object]:
    """How far the job is."""
    return requests.get(f"{ADDRESS}/jobs/{job}", headers=HEADERS, timeout=30).json()


def worker(master: psutil.Process) -> psutil.Process | None:
    """The process that works on jobs, if it runs."""
    for process in master.children(recursive=True):
        try:
            if process.cmdline()[-2:] == ["-m", "jobs"]:
                return process
        except psutil.Error:
            continue
    return None


def wait(condition: Callable[[], object]) -> None:
    """Until it holds."""
    ends = time.monotonic() + LONGEST_S
    while not condition():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.02)


if __name__ == "__main__":
    main()
