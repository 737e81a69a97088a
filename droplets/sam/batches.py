"""How many prompts are decoded at once, and what happens when a GPU has too little memory for them.

On a CPU a batch is small, so that its arrays stay in the cache. On a GPU it is as large as the free
memory allows, within reason; should that be less than it seemed, batches are halved, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from droplets.sam.attention import ROWS
from droplets.sam.projections import SIDE

Result = TypeVar("Result")

ON_CPU = 4
LARGEST_BATCH = 64  # on a GPU, where more is no faster
_LAYERS = 11  # arrays of ROWS rows and one column per image token, at the peak in the second layer
PROMPT_BYTES = torch.float32.itemsize * _LAYERS * ROWS * SIDE**2
"""Memory that one prompt takes on a device while it is decoded.

The peak is in the second layer: weights of the first layer, of both (two arrays), scores and
weights of the attentions before and after the softmax, and products for the variance (four), ten
arrays of 56 rows (8 heads x 7 prompt tokens) and a column for each image token, and about one more in
small things. All arrays alive at once were counted: 0.8 to 1.1 times this.
"""
_OF_FREE_MEMORY = (
    0.5  # of the free memory: the rest is for the allocator's gaps, kept masks and other processes
)


def batch_size(device: torch.device) -> int:
    """Prompts that are decoded at once.

    Returns:
        On a GPU half of what fits into the free memory, that which PyTorch holds in reserve
        included, between 1 and `LARGEST_BATCH`.
    """
    if device.type == "cpu":
        return ON_CPU
    free, _ = torch.cuda.mem_get_info(device)
    reserve = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(1, min(int(_OF_FREE_MEMORY * (free + reserve)) // PROMPT_BYTES, LARGEST_BATCH))


def in_batches(count: int, size: int, decode: Callable[[NDArray[np.int64]], Result]) -> Iterator[Result]:
    """What `decode` makes of the prompts 0 to `count` - 1, at most `size` at once and in order.

    When a GPU has too little memory for a batch, it and those after it are half as large.

    Raises:
        torch.OutOfMemoryError: there is too little memory even for a half, or for a single prompt.
    """
    start, halved = 0, False
    while start < count:
        prompts = np.arange(start, min(start + size, count), dtype=np.int64)
        try:
            result = decode(prompts)
        except torch.OutOfMemoryError:
            if halved or len(prompts) <= 1:
                raise
            halved, size = True, (len(prompts) + 1) // 2
        else:
            yield result
            del result  # or it would live on through the next batch
            start += len(prompts)
            continue
        # Not in the handler: until it is left, the error keeps the failed arrays alive.
        torch.cuda.empty_cache()
