"""How long a missed droplet takes to be added by a click, once its picture was analysed.

    python -m benchmarks.adding [--clicks 10]

Starts the service, posts each picture, and then, as the page does, single points of it: the middles
of droplets that were found. Prints a table and, as the last line, JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import cv2

from benchmarks.pictures import load
from benchmarks.service import post, service

RENDERED = ("rendered/dense-1024x1024", "rendered/beads-1920x1200", "rendered/large-4096x4096")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clicks", type=int, default=10, help="on each picture")
    clicks = parser.parse_args().clicks
    rows = []
    print(f"{'picture':28}{'median s':>10}{'longest s':>10}{'answered':>10}")
    with service():
        for name, picture in _pictures().items():
            seconds, answered = _seconds(picture, clicks)
            median, longest = statistics.median(seconds), max(seconds)
            rows.append({"picture": name, "median_s": median, "longest_s": longest, "answered": answered})
            print(f"{name:28}{median:>10.2f}{longest:>10.2f}{answered:>10}", flush=True)
    print(json.dumps(rows))


def _pictures() -> dict[str, bytes]:
    rendered = {name: cv2.imencode(".png", load(name).pixels[..., 0])[1].tobytes() for name in RENDERED}
    return {"examples/droplets.png": Path("examples/droplets.png").read_bytes(), **rendered}


def _seconds(picture: bytes, clicks: int) -> tuple[list[float], int]:
    """Of each click, and the number of clicks that were answered with a droplet."""
    masks = post("/segment_file", file=picture).json()["masks"]
    droplets = [mask for mask in masks if mask["kind"] == "droplet"]
    seconds, answered = [], 0
    for droplet in droplets[:: max(1, len(droplets) // clicks)][:clicks]:
        options = {"points": [droplet["centroid"]], "automatic_filters": False, "mask_format": "polygon"}
        started = time.perf_counter()
        answer = post("/segment_file", file=picture, options=json.dumps(options)).json()
        seconds.append(time.perf_counter() - started)
        answered += bool(answer["num_masks"])
    return seconds, answered


if __name__ == "__main__":
    main()
