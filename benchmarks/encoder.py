"""The image encoder's time with each runtime and precision, side by side.

    python -m benchmarks.encoder [NAME] [--rounds 7]

Embeds a picture of benchmarks.pictures alone and four at once. Each round times all variants one
after the other, so that other load meets all of them; the median counts. The error is the norm of
the difference to torch in fp32 over the norm of the latter. Prints a table and, as the last line, JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict

import torch

from benchmarks.model import CHECKPOINT
from benchmarks.pictures import load
from droplets.sam.checkpoint import load_sam
from droplets.sam.encoder import Encoder

VARIANTS = [(runtime, precision) for runtime in ("torch", "openvino") for precision in ("fp32", "bf16")]
BATCHES = (1, 4)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", default="rendered/dense-1024x1024")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    pixels = load(args.name).pixels
    sam = load_sam(CHECKPOINT, "cpu")
    encoders, build = [], []
    for runtime, precision in VARIANTS:
        started = time.perf_counter()
        encoders.append(Encoder(sam, precision, runtime))
        build.append(_milliseconds(started))
    features = [encoder.embed(pixels).features for encoder in encoders]  # and warm up
    took: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for _ in range(args.rounds):
        for batch in BATCHES:
            for i, encoder in enumerate(encoders):
                started = time.perf_counter()
                encoder.embed_batch([pixels] * batch)
                took[i, batch].append(_milliseconds(started) / batch)
    rows = [
        {
            "runtime": runtime,
            "precision": precision,
            "build_ms": build[i],
            "ms": {batch: statistics.median(took[i, batch]) for batch in BATCHES},
            "error": float((features[i] - features[0]).norm() / features[0].norm()),
        }
        for i, (runtime, precision) in enumerate(VARIANTS)
    ]
    print(f"{'runtime':10}{'precision':>10}{'build ms':>10}{'ms, 1':>9}{'ms each of 4':>14}{'error':>10}")
    for row in rows:
        print(
            f"{row['runtime']:10}{row['precision']:>10}{row['build_ms']:>10.0f}{row['ms'][1]:>9.0f}"
            f"{row['ms'][4]:>14.0f}{row['error']:>10.1e}"
        )
    print(json.dumps({"picture": args.name, "threads": torch.get_num_threads(), "encoders": rows}))


def _milliseconds(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
