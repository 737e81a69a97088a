"""How many prompts are decoded at once, and what happens when a GPU has too little memory for them.

On a CPU a batch is small, so that its arrays stay in the cache. On a GPU it is as large as the free
memory allows; should that be less than it seemed, batches are halved, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from droplets.sam.attention import ROWS
from droplets.sam.projections import CHANNELS, INNER, STACK
from droplets.sam.windows import Group

Result = TypeVar("Result")

LARGEST = 1024
_LAYERS = 11  # arrays of ROWS rows and one column per image token, at the peak in the second layer
_SHARE = 0.5  # of the free memory: the rest is for the allocator's gaps, kept masks and other processes


def prompt_bytes(seen: int, own: int = 0) -> int:
    """Memory that one prompt takes on a device while it is decoded, in bytes.

    The peak is in the second layer: weights of the first layer, of both (two arrays), scores and
    weights of the attentions before and after the softmax, and products for the variance (four), ten
    arrays of 56 rows (8 heads x 7 prompt tokens) and a column for each image token seen, and about one
    more in small things. A window of its own adds a copy of its tokens' features: 14 projections of
    128 channels, and 256 to upscale. Counted over all arrays alive at once, windows of 8 to 32 tokens
    and the whole frame take 0.8 to 1.1 times this.

    Args:
        seen: image tokens that the prompt attends to: 4096, or window^2 + (64 / pool)^2.
        own: image tokens gathered for it alone, window^2; fewer where prompts share a window.
    """
    return torch.float32.itemsize * (_LAYERS * ROWS * seen + (STACK * INNER + CHANNELS) * own)


def batch_size(device: torch.device, bytes_each: int, *, cpu: int, largest: int = LARGEST) -> int:
    """Prompts that are decoded at once.

    Args:
        device: where they are.
        bytes_each: see `prompt_bytes`.
        cpu: the answer for a CPU.
        largest: the highest answer for a GPU, where more is no faster; at most 1024.

    Returns:
        On a GPU half of what fits into the free memory, that which PyTorch holds in reserve
        included, between 1 and `largest`.
    """
    if device.type == "cpu":
        return cpu
    free, _ = torch.cuda.mem_get_info(device)
    reserve = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(1, min(int(_SHARE * (free + reserve)) // bytes_each, largest, LARGEST))


def each_or_halves(groups: Iterable[Group], decode: Callable[[Group], Result]) -> Iterator[Result]:
    """What `decode` makes of each group, in order.

    When a GPU has too little memory for a group, that group and those after it are decoded in
    halves; every prompt is still decoded once.

    Raises:
        torch.OutOfMemoryError: there is too little memory even for a half, or for a single prompt.
    """
    halved = False
    for group in groups:
        if not halved:
            try:
                result = decode(group)
            except torch.OutOfMemoryError:
                if len(group.prompts) < 2:
                    raise
                halved = True
            else:
                yield result
                del result  # or it would live on through the next group
                continue
            # Not in the handler: until it is left, the error keeps the failed arrays alive.
            torch.cuda.empty_cache()
        for half in group.halves():
            yield decode(half)
