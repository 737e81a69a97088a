"""How long the first answer after a start takes, against the next one.

    python -m benchmarks.cold_start

Starts the service, waits until it is ready, posts the sample picture, and then the same picture
turned round, which is not remembered. Prints JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import requests

SAMPLE = Path("examples/droplets.png")
KEY = "benchmark-key-0001"
ADDRESS = "http://127.0.0.1:9488"


def main() -> None:
    """Measure and print."""
    picture = cv2.imread(str(SAMPLE))
    turned = cv2.imencode(".png", cv2.rotate(picture, cv2.ROTATE_180))[1].tobytes()
    with tempfile.TemporaryDirectory() as data:
        settings = {"API_KEYS": f"{KEY}:Benchmark:1000", "FLASK_PORT": "9488", "DATA_DIR": data}
        command = [sys.executable, "-m", "gunicorn", "app:create_app()"]
        started = time.perf_counter()
        service = subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL)
        try:
            _wait_until_ready()
            ready = time.perf_counter() - started
            first, second = _seconds(SAMPLE.read_bytes()), _seconds(turned)
        finally:
            service.terminate()
            service.wait(60)
    print(json.dumps({"ready_s": ready, "first_s": first, "second_s": second, "over_warm_s": first - second}))


def _wait_until_ready() -> None:
    while True:
        try:
            if requests.get(f"{ADDRESS}/health/ready", timeout=10).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)


def _seconds(picture: bytes) -> float:
    started = time.perf_counter()
    answer = requests.post(
        f"{ADDRESS}/segment_file", files={"file": picture}, headers={"X-API-Key": KEY}, timeout=300
    )
    answer.raise_for_status()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
