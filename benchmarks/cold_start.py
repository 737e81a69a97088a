"""How long the first answer after a start takes, against the next one.

    python -m benchmarks.cold_start [--runtime torch]

Starts the service, waits until it is ready, posts the sample picture, and then the same picture
turned round, which is not remembered. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2

from benchmarks.service import post, service

SAMPLE = Path("examples/droplets.png")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", default="auto", choices=("auto", "torch"), help="of the encoder")
    args = parser.parse_args()
    picture = cv2.imread(str(SAMPLE))
    turned = cv2.imencode(".png", cv2.rotate(picture, cv2.ROTATE_180))[1].tobytes()
    started = time.perf_counter()
    with service(args.runtime):
        ready = time.perf_counter() - started
        first, second = _seconds(SAMPLE.read_bytes()), _seconds(turned)
    print(json.dumps({"ready_s": ready, "first_s": first, "second_s": second, "over_warm_s": first - second}))


def _seconds(picture: bytes) -> float:
    started = time.perf_counter()
    post("/segment_file", file=picture)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
