"""What the plain service does at twice its capacity, with 200 clients: `make pressure`.

    python -m benchmarks.pressure [--workers 1 4] [--seconds 60] [--clients 200]

Two clients a worker find out how many pictures a second the service can do. Then all clients together send
twice as many, at times that do not wait for answers; they have ten addresses and five keys, of which the last
may send twenty an hour. Prints JSON with the machine's load, and which of the promises did not hold.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np
import psutil

from benchmarks.service import PORT, service
from store.database import Database
from training.rendering.plain import render_brightfield

KEYS = [f"benchmark-key-{i:04}" for i in range(5)]
FEW = 20
"""Requests an hour of the last key."""
ADDRESSES = 10
PICTURES = 40
PATIENCE_S = 300.0
HEALTH_P99_MS = 250.0
SHARE = 0.7
"""Of the pictures of the key that was served most, those of the one that was served least."""
GROWTH = 1.1
"""Memory at the end, of that after a third."""


@dataclass(frozen=True)
class Answer:
    """To one request: whose, when it came, its status (0: none), and whether it says when to come back."""

    key: str
    seconds: float
    status: int
    told_when: bool


def main() -> None:
    """Measure with each number of workers."""
    parser = argparse.ArgumentParser(description="The plain service at twice its capacity.")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4], help="how many to try")
    parser.add_argument("--seconds", type=float, default=60, help="of each measurement")
    parser.add_argument("--clients", type=int, default=200, help="that send")
    arguments = parser.parse_args()
    broken = []
    for workers in arguments.workers:
        figures = measure(workers, arguments.clients, arguments.seconds)
        broken += [f"{workers} workers: {name}" for name, holds in promises(figures).items() if not holds]
        print(json.dumps({"workers": workers, **figures, "load": round(os.getloadavg()[0], 1)}))
    sys.exit("did not hold: " + "; ".join(broken) if broken else 0)


def measure(workers: int, clients: int, seconds: float) -> dict[str, object]:
    """Figures of one service."""
    bodies = [form(seed) for seed in range(PICTURES)]
    keys = ",".join(f"{key}:{key}:{1_000_000 if key != KEYS[-1] else FEW}" for key in KEYS)
    with tempfile.TemporaryDirectory() as data:
        settings = {"API_KEYS": keys, "DATA_DIR": data, "WORKERS": str(workers), "CACHE_SIZE": "0"}
        with service(**settings) as master:
            warm = warm_up(bodies, 4 * workers)
            timed = capacity(bodies, 2 * workers)
            rate = sum(answer.status == 200 for answer in timed) / max(answer.seconds for answer in timed)
            memory: list[float] = []
            stop = threading.Event()
            threading.Thread(target=every, args=(1, stop, lambda: memory.append(memory_mb(master)))).start()
            with probing() as probes:
                pushed = push(bodies, clients, 2 * rate, seconds)
            stop.set()
        kept = records(Path(data))
    answers = [*warm, *timed, *pushed]
    served = Counter(answer.key for answer in pushed if answer.status == 200)
    shares = [served[key] for key in KEYS[:-1]]
    return {
        "pictures_a_second": round(rate, 2),
        "statuses": Counter(answer.status for answer in pushed),
        "refused_without_retry_after": sum(a.status in {429, 503} and not a.told_when for a in pushed),
        "served_by_key": shares,
        "health_p50_p99_max_ms": [round(float(np.percentile(probes, q)), 1) for q in (50, 99, 100)],
        "answers": len(answers),
        "records": kept.total(),
        "records_are_the_answers": kept == Counter((answer.key, answer.status) for answer in answers),
        "memory_mb": [round(memory[len(memory) // 3]), round(memory[-1])],
    }


def promises(figures: dict[str, object]) -> dict[str, bool]:
    """Which of what is promised holds."""
    statuses, shares, memory = figures["statuses"], figures["served_by_key"], figures["memory_mb"]
    assert isinstance(statuses, dict) and isinstance(shares, list) and isinstance(memory, list)  # noqa: PT018
    return {
        "only 200, 429 and 503": not statuses.keys() - {200, 429, 503},
        "refusals say when": figures["refused_without_retry_after"] == 0,
        "records": bool(figures["records_are_the_answers"]),
        "health": figures["health_p50_p99_max_ms"][1] < HEALTH_P99_MS,  # type: ignore[index]
        "shares": min(shares) > SHARE * max(shares),
        "memory": memory[1] < GROWTH * memory[0],
    }


def form(seed: int) -> bytes:
    """A multipart body with a small picture."""
    picture = cv2.imencode(".png", render_brightfield(160, 120, count=7, diameter=30, seed=seed).pixels)[1]
    part = '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    return part.encode() + picture.tobytes() + b"\r\n--x--\r\n"


def ask(client: int, key: str, body: bytes, started: float) -> Answer:
    """One request on a connection of its own, from one of the addresses."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(PORT), PATIENCE_S, source_address=(f"127.0.0.{2 + client % ADDRESSES}", 0)
    )
    try:
        headers = {"X-API-Key": key, "Content-Type": "multipart/form-data; boundary=x"}
        connection.request("POST", "/segment_file", body, headers)
        answer = connection.getresponse()
        answer.read()
        status, told = answer.status, answer.headers["Retry-After"] is not None
    except OSError:
        status, told = 0, False
    finally:
        connection.close()
    return Answer(key, time.monotonic() - started, status, told)


def warm_up(bodies: list[bytes], clients: int) -> list[Answer]:
    """Answers to so many clients at once, so that every worker has its model."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda i: ask(i, KEYS[i % 4], bodies[i], time.monotonic()), range(clients)))


def capacity(bodies: list[bytes], clients: int) -> list[Answer]:
    """Answers to all pictures, sent by as many clients as keep every worker busy."""
    started = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda i: ask(i, KEYS[i % 4], bodies[i], started), range(len(bodies))))


def push(bodies: list[bytes], clients: int, rate: float, seconds: float) -> list[Answer]:
    """Answers to `rate` requests a second, whether those before are answered or not."""
    started = time.monotonic()

    def send(number: int) -> Answer:
        due = started + number / rate
        time.sleep(max(0.0, due - time.monotonic()))
        return ask(number, KEYS[number % len(KEYS)], bodies[number % len(bodies)], started)

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(send, range(int(rate * seconds))))


def every(seconds: float, stop: threading.Event, action: Callable[[], object]) -> None:
    """Do something again and again."""
    while not stop.wait(seconds):
        action()


@contextmanager
def probing() -> Iterator[list[float]]:
    """Times of /health/live, asked by a process beside that of the clients; there when the context ends."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=probe, args=[there])
    process.start()
    times: list[float] = here.recv()
    yield times
    here.send("stop")
    times += here.recv()
    process.join()


def probe(told: Connection) -> None:
    """Tell of a first answer; ask twenty times a second until there is something to hear, and tell of all."""
    told.send([health_ms()])
    times = []
    while not told.poll(0.05):
        times.append(health_ms())
    told.send(times)


def health_ms() -> float:
    """Time of one answer of /health/live, from an address of its own."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", int(PORT), 60, source_address=("127.0.0.200", 0))
    connection.request("GET", "/health/live")
    assert connection.getresponse().status == 200
    connection.close()
    return 1000 * (time.perf_counter() - started)


def memory_mb(master: int) -> float:
    """Resident memory of all workers."""
    return sum(worker.memory_info().rss for worker in psutil.Process(master).children()) / 2**20


def records(data: Path) -> Counter[tuple[str, int]]:
    """Usage records, by key and status."""
    rows = Database(data / "sam.sqlite3").connection().execute("SELECT key_name, status FROM usage")
    return Counter((str(name), int(status)) for name, status in rows)


if __name__ == "__main__":
    main()
