"""Runs independent batches side by side, each on one core.

The decoder is a long row of small products. Splitting each over the cores costs a barrier per product,
and the barriers wait for whatever else the machine does; splitting the batches costs one barrier
in all.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


@functools.cache
def _pool(workers: int) -> ThreadPoolExecutor:
    """A pool whose threads use one core each; the caller's own setting is left as it is."""
    before = torch.get_num_threads()
    started = threading.Barrier(workers + 1)
    pool = ThreadPoolExecutor(workers, "decoder", initializer=torch.set_num_threads, initargs=(1,))
    for _ in range(workers):
        pool.submit(started.wait)
    started.wait()
    torch.set_num_threads(before)  # the setting that later threads start with
    return pool


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], device: torch.device) -> list[Result]:
    """What `work` makes of each item, in order; at the same time where the device is a CPU.

    Args:
        work: must not depend on the calling thread.
        items: independent of each other.
        device: where `work` computes.
    """
    workers = torch.get_num_threads()
    if device.type != "cpu" or min(workers, len(items)) <= 1:
        return [work(item) for item in items]
    return list(_pool(workers).map(work, items))
