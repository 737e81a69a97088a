"""Where the milliseconds of one picture go.

    python -m benchmarks.profile [NAME] [--quality balanced] [--head FILE]

Prints the seconds of each stage of an analysis of a picture of benchmarks.pictures, the median of
three runs after a warm-up.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.model import CHECKPOINT, HEAD, as_image, forgetful
from benchmarks.pictures import load
from droplets.finding import one_pass, segmenter
from droplets.finding.network import Network
from droplets.finding.pyramid import Tile
from droplets.finding.stars import Stars
from droplets.options import AnalysisOptions, Options
from droplets.pipeline import analyze

STAGES: dict[str, list[tuple[Any, str]]] = {
    "cut and resize frames": [(Tile, "cut")],
    "encoder and head": [(Network, "answer")],
    "peaks of the heat": [(one_pass, "peaks")],
    "one star an object": [(one_pass, "distinct")],
    "draw masks": [(Stars, "masks")],
    "ask the decoder": [(segmenter, "surer"), (segmenter, "missed")],
}
"""What is timed by the functions that do it; the others are stages of `analyze`."""
ANALYSIS = ("preprocess", "refine", "contents", "measure")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", default="rendered/dense-1024x1024")
    parser.add_argument("--quality", default="balanced", choices=tuple(segmenter.EFFORTS))
    parser.add_argument("--head", type=Path, default=HEAD, help="file with the head's weights")
    args = parser.parse_args()
    image = as_image(load(args.name).pixels)
    generate = forgetful(segmenter.Segmenter(CHECKPOINT, args.head, "cpu"))
    wanted = AnalysisOptions(Options(quality=args.quality))
    seconds: defaultdict[str, float] = defaultdict(float)
    for stage, functions in STAGES.items():
        for owner, name in functions:
            _time(owner, name, stage, seconds)
    runs = []
    for _ in range(4):
        seconds.clear()
        started = time.perf_counter()
        analysis = analyze(image, generate, wanted)
        total = time.perf_counter() - started
        stages = {stage: analysis.timing_ms[stage] / 1000 for stage in ANALYSIS}
        runs.append({**{stage: seconds[stage] for stage in STAGES}, **stages, "total": total})
    print(f"{args.name}, {args.quality}: {analysis.found} found, {len(analysis.droplets)} kept")
    for stage in runs[-1]:
        print(f"  {stage:30}{statistics.median(run[stage] for run in runs[1:]):8.3f} s")


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
