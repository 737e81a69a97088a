"""Images a minute through the containers and their load balancer, by the number of instances: `make load`.

    python -m benchmarks.load [--instances 1 2 3] [--seconds 60] [--cpus 1]

Two clients an instance post one picture after the other; no instance remembers a picture. Prints a
table and, as the last line, JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.pictures import load
from tests.e2e.engine import NoEngine, engine
from tests.e2e.images import NoImage, available
from tests.e2e.stack import APP, BALANCER, ROOT, Stack

KEY = "benchmark-key-0001"
CLIENTS_AN_INSTANCE = 2


def main() -> None:
    """Measure each number of instances with each picture."""
    parser = argparse.ArgumentParser(description="Images a minute through the containers.")
    parser.add_argument("--instances", type=int, nargs="+", default=[1, 2, 3], help="how many to try")
    parser.add_argument("--seconds", type=float, default=60, help="of each measurement")
    parser.add_argument("--cpus", type=int, default=1, help="processors of each instance")
    arguments = parser.parse_args()
    rows = []
    try:
        with running(arguments.cpus) as stack:
            for instances in arguments.instances:
                stack.up(instances)
                for name, picture in pictures().items():
                    row = measure(stack, picture, instances, arguments.seconds)
                    rows.append({"instances": instances, "picture": name, **row})
    except (NoEngine, NoImage) as reason:
        sys.exit(f"No containers here: {reason}")
    report(rows, arguments.cpus)


@contextmanager
def running(cpus: int) -> Iterator[Stack]:
    """A stack of its own, not started yet."""
    settings = {
        "API_KEYS": f"{KEY}:Benchmark:1000000",
        "SAM_VERSION": "e2e",
        "SAM_CPUS": str(cpus),
        "SAM_CPUS_RESERVED": "0.5",
        "SAM_MEMORY": "3G",
        "SAM_MEMORY_RESERVED": "1G",
        "CACHE_SIZE": "0",
    }
    with engine() as found, tempfile.TemporaryDirectory() as folder:
        stack = Stack(found, "sam-load", Path(folder))
        stack.configure(settings)
        services = available(found, stack.configuration()["services"], APP)
        stack.services.extend(name for name in services if name in (APP, BALANCER))
        try:
            yield stack
        finally:
            stack.down()


def pictures() -> dict[str, bytes]:
    """PNG files by name."""
    dense = load("rendered/dense-1024x1024").pixels
    return {
        "sample 640x480": (ROOT / "examples" / "droplets.png").read_bytes(),
        "dense 1024x1024": cv2.imencode(".png", dense[..., ::-1])[1].tobytes(),
    }


def measure(stack: Stack, picture: bytes, instances: int, seconds: float) -> dict[str, Any]:
    """Images a minute, and percentiles of the time to the answer in seconds."""
    client = stack.client()
    clients = CLIENTS_AN_INSTANCE * instances

    took: list[float] = []

    def post(_: int) -> None:
        started = time.perf_counter()
        client.segment(picture, KEY, "balanced").raise_for_status()
        took.append(time.perf_counter() - started)

    def keep_posting(number: int) -> None:
        while time.perf_counter() < until:
            post(number)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(post, range(2 * clients)))  # every instance has its model
        took.clear()
        started = time.perf_counter()
        until = started + seconds
        list(pool.map(keep_posting, range(clients)))
        elapsed = time.perf_counter() - started
    return {
        "clients": clients,
        "pictures": len(took),
        "images_a_minute": round(60 * len(took) / elapsed, 1),
        "p50_s": round(float(np.percentile(took, 50)), 2),
        "p95_s": round(float(np.percentile(took, 95)), 2),
    }


def report(rows: list[dict[str, Any]], cpus: int) -> None:
    """Print the table and the JSON line."""
    print(f"{'instances':>9}  {'picture':<16} {'clients':>7} {'images/min':>10} {'p50 s':>7} {'p95 s':>7}")
    for row in rows:
        print(
            f"{row['instances']:>9}  {row['picture']:<16} {row['clients']:>7} "
            f"{row['images_a_minute']:>10} {row['p50_s']:>7} {row['p95_s']:>7}"
        )
    machine = {"cores": len(os.sched_getaffinity(0)), "cpus_an_instance": cpus}
    print(json.dumps({**machine, "rows": rows}))


if __name__ == "__main__":
    main()
