"""Where the milliseconds of one picture go.

    python -m benchmarks.profile [NAME] [--quality balanced]

Prints the seconds of each stage of the service's search on a picture of benchmarks.pictures, the
median of three runs after a warm-up.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from benchmarks.generator import CHECKPOINT
from benchmarks.pictures import load
from droplets.sam import search
from droplets.sam.checkpoint import load_sam
from droplets.sam.generator import Generator


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", default="rendered/dense-1024x1024")
    parser.add_argument("--quality", default="balanced", choices=tuple(search.EFFORTS))
    args = parser.parse_args()
    pixels = load(args.name).pixels
    generator = Generator(load_sam(CHECKPOINT, "cpu"))
    seconds: defaultdict[str, float] = defaultdict(float)
    _time(generator, "prepare", "encode and project tiles", seconds)
    _time(generator, "candidates_at", "decode and select", seconds)
    _time(generator, "_large", "  of it: masks larger than their windows", seconds)
    _time(search, "propose", "propose", seconds)
    runs = []
    for _ in range(4):
        seconds.clear()
        started = time.perf_counter()
        embedding = generator.encoder.embed(pixels)
        seconds["encode"] = time.perf_counter() - started
        masks = search.find_everything(generator, pixels, embedding, search.EFFORTS[args.quality])
        seconds["total"] = time.perf_counter() - started
        runs.append(dict(seconds))
    print(f"{args.name}, {args.quality}: {len(masks)} masks")
    for stage in runs[-1]:
        print(f"  {stage:45}{statistics.median(run[stage] for run in runs[1:]):8.3f} s")


def _time(owner: Any, name: str, stage: str, seconds: defaultdict[str, float]) -> None:
    """Add the time that calls of owner.name take to seconds[stage]."""
    inner: Callable[..., Any] = getattr(owner, name)

    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            return inner(*args, **kwargs)
        finally:
            seconds[stage] += time.perf_counter() - started

    setattr(owner, name, timed)


if __name__ == "__main__":
    main()
