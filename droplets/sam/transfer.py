"""Host arrays to the device without waiting for it."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def upload(array: NDArray[Any], device: torch.device) -> Tensor:
    """An array on a device; on a CPU it may share the array's memory.

    A GPU copies from ordinary memory only once all that it was asked before is done, and the host
    waits; from page-locked memory it copies when its turn comes.
    """
    return send(torch.from_numpy(array), device)


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on a device, as `upload` does it."""
    return tensor if device.type == "cpu" else tensor.pin_memory().to(device, non_blocking=True)
