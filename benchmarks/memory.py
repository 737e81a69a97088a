"""What a worker's memory comes to over many pictures.

    python -m benchmarks.memory [--runtime torch]

Segments every picture of benchmarks.pictures but the large ones, one after the other in one process, and
prints its memory after each: products of new shapes are prepared and kept, and freed arrays leave
gaps. LRU_CACHE_CAPACITY=1024 in the environment has PyTorch keep what it keeps by default.
"""

from __future__ import annotations

import argparse

from benchmarks.generator import CHECKPOINT
from benchmarks.machine import gigabytes
from benchmarks.pictures import load, names
from droplets.sam.segmenter import Segmenter


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime", default="auto", choices=("auto", "torch"), help="of the encoder")
    args = parser.parse_args()
    segmenter = Segmenter(CHECKPOINT, "cpu", runtime=args.runtime)
    print(f"{'picture':34}{'GB now':>8}{'at most':>9}")
    for name in names():
        if name.startswith("rendered/large-"):
            continue
        pixels = load(name).pixels
        segmenter.generate(pixels, segmenter.embed(pixels), "balanced")
        print(f"{name:34}{gigabytes('VmRSS'):8.2f}{gigabytes('VmHWM'):9.2f}", flush=True)


if __name__ == "__main__":
    main()
