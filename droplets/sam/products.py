"""Which library multiplies fp32 matrices on this processor.

On AMD processors MKL keeps to AVX2 and reaches half of what oneDNN does with AVX-512. PyTorch hands
an fp32 product to oneDNN only where it may compute it in bf16; without AMX tiles oneDNN
makes no use of that leave and stays in fp32, at twice the speed. Both halves of this are measured
before they are relied on.

oneDNN keeps what it has prepared for each shape of product, up to 1024 of them. PyTorch keeps as many
again in each thread, which gains nothing and holds on to those that oneDNN has dropped
(benchmarks/RESULTS.md, Memory).
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable

import torch
from torch import Tensor

_WORTHWHILE = 1.2  # times faster than MKL
_TOLERANCE = 3e-6  # of the product's standard deviation; fp32 stays under 1e-6, bf16 is at 3e-3


def _seconds(work: Callable[[], Tensor]) -> float:
    """Shortest of a few runs."""
    work()
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


@functools.cache
def prefer_fastest_fp32() -> str:
    """Let oneDNN multiply fp32 matrices on the CPU if it is faster here and just as exact.

    Sets `torch.backends.mkldnn.matmul.fp32_precision` for the process, once, and how many prepared
    products each thread of PyTorch keeps, unless LRU_CACHE_CAPACITY says so.

    Returns:
        "onednn" or "default".
    """
    os.environ.setdefault("LRU_CACHE_CAPACITY", "1")  # is read when a thread first multiplies
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if matmul is None or not torch._C._has_mkldnn or torch.cpu._is_amx_tile_supported():
        return "default"
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(8, 56, 256, generator=generator)
    right = torch.randn(8, 256, 512, generator=generator)
    exact = left.double() @ right.double()
    before = matmul.fp32_precision
    usual = _seconds(lambda: torch.bmm(left, right))
    matmul.fp32_precision = "bf16"
    fast = _seconds(lambda: torch.bmm(left, right))
    error = float((torch.bmm(left, right) - exact).pow(2).mean().sqrt() / exact.std())
    if error < _TOLERANCE and fast * _WORTHWHILE < usual:
        return "onednn"
    matmul.fp32_precision = before
    return "default"
