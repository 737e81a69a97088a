"""What this machine reaches at most: the physical limit beside which a profile is read.

    python -m benchmarks.machine

Prints the rates of square matrix products in fp32 and bf16 and of a copy in memory, as JSON.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import torch

from droplets.sam.products import prefer_fastest_fp32

SIDE = 2048


def main() -> None:
    """Measure and print."""
    rates = {"fp32_gflops": _products(torch.float32), "bf16_gflops": _products(torch.bfloat16)}
    prefer_fastest_fp32()
    rates |= {"fp32_gflops_as_used": _products(torch.float32), "copy_gb_per_s": _copies()}
    print(json.dumps({"threads": torch.get_num_threads(), "torch": torch.__version__, **rates}))


def _products(dtype: torch.dtype) -> float:
    left, right = torch.rand(2, SIDE, SIDE).to(dtype)
    return round(2 * SIDE**3 / _seconds(lambda: left @ right) / 1e9, 1)


def _copies() -> float:
    source = torch.rand(64 * 2**20)
    target = torch.empty_like(source)
    return round(2 * source.nbytes / _seconds(lambda: target.copy_(source)) / 1e9, 1)


def _seconds(action: Callable[[], object]) -> float:
    action()
    took = []
    for _ in range(7):
        started = time.perf_counter()
        action()
        took.append(time.perf_counter() - started)
    return statistics.median(took)


if __name__ == "__main__":
    main()
