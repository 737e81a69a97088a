"""Whether the service gets slower or larger by and by: `make soak`.

    python -m benchmarks.soak [--requests 2000] [--clients 3]

Small pictures, clicks, previews, archives, options and files that are refused, and clients that hang up,
mixed by a seed, on the real model. What the worker holds after a fifth of them is compared with what it holds
at the end. Prints JSON with the machine's load, and which bounds were broken.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import psutil
import requests

from benchmarks.service import ADDRESS, KEY, PORT, service
from training.rendering.plain import render_brightfield

MIX = {
    "picture": 6,
    "click": 3,
    "preview": 2,
    "archive": 1,
    "figures": 2,
    "bad file": 2,
    "bad options": 2,
    "gone": 2,
}
"""How often each kind of request comes, of all together."""
PICTURES = 60
"""More than are remembered, so that the memory of the last ones is full and turns over."""
MORE_MB, MORE_THREADS, MORE_FILES = 100, 2, 8
"""What a worker may hold more at the end than after a fifth of the requests."""
SLOWER = 1.5
"""The median of pictures in the last fifth, of that in the second."""


@dataclass(frozen=True)
class Held:
    """What a worker holds: memory in MB, threads, open descriptors, and files on the disk."""

    memory_mb: float
    threads: int
    descriptors: int
    files: int


def main() -> None:
    """Ask, and compare."""
    parser = argparse.ArgumentParser(description="Many mixed requests to one worker.")
    parser.add_argument("--requests", type=int, default=2000, help="in all")
    parser.add_argument("--clients", type=int, default=3, help="at a time")
    parser.add_argument("--seed", type=int, default=1, help="of the mix")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311
    kinds = chance.choices(list(MIX), list(MIX.values()), k=arguments.requests)
    pictures = [picture(seed) for seed in range(PICTURES)]
    held: list[Held] = []
    seconds: list[list[float]] = []
    statuses: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"API_KEYS": f"{KEY}:Benchmark:10000000", "DATA_DIR": f"{folder}/data", "TMPDIR": folder}
        with service(**settings) as master, ThreadPoolExecutor(arguments.clients) as pool:
            for part in range(5):
                now = kinds[part * len(kinds) // 5 : (part + 1) * len(kinds) // 5]
                took = list(pool.map(ask, now, (chance.choice(pictures) for _ in now)))
                seconds.append(
                    [spent for kind, (_, spent) in zip(now, took, strict=True) if kind == "picture"]
                )
                statuses.update(f"{kind}: {status}" for kind, (status, _) in zip(now, took, strict=True))
                held.append(holds(master, Path(folder)))
    medians = [round(statistics.median(part), 3) for part in seconds]
    broken = bounds(held[0], held[-1], medians)
    print(
        json.dumps(
            {
                "requests": len(kinds),
                "answers": dict(sorted(statuses.items())),
                "after_a_fifth": asdict(held[0]),
                "at_the_end": asdict(held[-1]),
                "memory_mb_by_fifths": [one.memory_mb for one in held],
                "median_s_of_pictures_by_fifths": medians,
                "load": round(os.getloadavg()[0], 1),
            }
        )
    )
    sys.exit("over the bound: " + ", ".join(broken) if broken else 0)


def bounds(first: Held, last: Held, medians: list[float]) -> list[str]:
    """Names of the bounds that were broken."""
    grown = {
        "memory": last.memory_mb - first.memory_mb > MORE_MB,
        "threads": last.threads - first.threads > MORE_THREADS,
        "descriptors": last.descriptors - first.descriptors > MORE_FILES,
        "files": last.files > first.files,
        "time": medians[-1] > SLOWER * medians[1],
    }
    return [name for name, broken in grown.items() if broken]


def picture(seed: int) -> bytes:
    """A small PNG."""
    return cv2.imencode(".png", render_brightfield(160, 120, count=7, diameter=30, seed=seed).pixels)[
        1
    ].tobytes()


def ask(kind: str, image: bytes) -> tuple[int, float]:
    """One request of a kind: its status (0: nobody waited for it) and its seconds."""
    started = time.perf_counter()
    match kind:
        case "gone":
            status = hang_up(image)
        case "click":
            status = post("/segment_file", image, '{"points": [[80, 60]], "quality": "fast"}')
        case "bad options":
            status = post("/segment_file", image, '{"points": "everywhere"}')
        case "bad file":
            status = post("/segment_file", image[: len(image) // 2])
        case "archive":
            status = post("/download_analysis", image)
        case "preview" | "figures":
            status = post({"preview": "/preview", "figures": "/analyze_image"}[kind], image)
        case _:
            status = post("/segment_file", image)
    return status, time.perf_counter() - started


def post(route: str, image: bytes, options: str = "") -> int:
    """Status of the answer to a form."""
    return requests.post(
        ADDRESS + route,
        files={"file": image},
        data={"options": options},
        headers={"X-API-Key": KEY},
        timeout=300,
    ).status_code


def hang_up(image: bytes) -> int:
    """Send a picture and go."""
    part = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        + image
        + b"\r\n--x--\r\n"
    )
    head = (
        f"POST /segment_file HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Length: {len(part)}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(PORT))) as client:
        client.sendall(head.encode() + part)
    return 0


def holds(master: int, folder: Path) -> Held:
    """What the one worker holds now."""
    (worker,) = psutil.Process(master).children()
    files = sum(path.is_file() for path in folder.rglob("*"))
    return Held(round(worker.memory_info().rss / 2**20), worker.num_threads(), worker.num_fds(), files)


if __name__ == "__main__":
    main()
