"""What a worker's memory comes to over many pictures.

    python -m benchmarks.memory [--runtime torch]

Starts the service, posts every picture of benchmarks.pictures but the large ones, one after the other,
and prints the worker's memory after each: products of new shapes are prepared and kept, and freed
arrays leave gaps. LRU_CACHE_CAPACITY=1024 in the environment has PyTorch keep what it keeps by default.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2

from benchmarks.pictures import load, names
from benchmarks.service import post, service


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", default="auto", choices=("auto", "torch"), help="of the encoder")
    args = parser.parse_args()
    print(f"{'picture':34}{'GB now':>8}{'at most':>9}")
    with service(args.runtime) as gunicorn:
        worker = Path(f"/proc/{gunicorn}/task/{gunicorn}/children").read_text().split()[0]
        for name in names():
            if name.startswith("rendered/large-"):
                continue
            pixels = cv2.cvtColor(load(name).pixels, cv2.COLOR_RGB2BGR)
            post("/segment_file", file=cv2.imencode(".png", pixels)[1].tobytes())
            now, most = gigabytes("VmRSS", worker), gigabytes("VmHWM", worker)
            print(f"{name:34}{now:8.2f}{most:9.2f}", flush=True)


def gigabytes(what: str, process: str = "self") -> float:
    """Memory of a process, as its status in /proc calls it; ru_maxrss would start with the parent's."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0]) * 1024 / 1e9


if __name__ == "__main__":
    main()
