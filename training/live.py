"""Frames that are rendered on all cores and encoded on a GPU while training goes on."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.pool import Pool

import cv2
import numpy as np
import torch
from mobile_sam.modeling import Sam
from numpy.typing import NDArray
from torch import Tensor

from droplets.sam import tiny_vit
from droplets.sam.encoder import fold_batch_norms
from training.frames import Part, cut, part_targets, shown
from training.targets import Targets

LEAST = 400
"""Parts that are waited for at the start."""
PART_BYTES = 5e6
"""Of a part on the device, with what the allocator rounds up."""
KEPT = 0.75
"""Of the device's free memory for parts."""


def _alone() -> None:
    """A process renders on one core."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def _rendered(seed: int) -> tuple[NDArray[np.uint8], list[list[Targets]]]:
    picture = shown(seed)
    return picture.pixels, part_targets(picture, seed)


class LiveFrames:
    """The newest frames, on the device; a source of parts like `training.frames.Frames`.

    Arguments:
        sam: whose encoder is used, on the device.
        workers: processes that render.
        first_seed: of the frames.
        most: parts that are kept, the newest; as many as there is room for if None.
    """

    def __init__(self, sam: Sam, workers: int, *, first_seed: int = 0, most: int | None = None) -> None:
        self._device = torch.device(sam.device)
        self._encoder = copy.deepcopy(sam.image_encoder).eval().requires_grad_(requires_grad=False)
        fold_batch_norms(self._encoder)
        self._mean, self._deviation = sam.pixel_mean.clone(), sam.pixel_std.clone()
        self._most = most or int(KEPT * torch.cuda.mem_get_info(self._device)[0] / PART_BYTES)
        self._workers, self._first = workers, first_seed
        self._parts: list[Part] = []
        self._enough, self._ended = threading.Event(), threading.Event()
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._fill, name="frames", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Render no more."""
        self._ended.set()
        self._thread.join()

    def is_alive(self) -> bool:
        """Whether frames are still made."""
        return self._thread.is_alive()

    def look_again(self) -> None:
        """Wait until there is something to train on; what comes later is there by itself."""
        self._enough.wait()
        if self._failed is not None:
            raise RuntimeError("no more frames are rendered") from self._failed

    def __len__(self) -> int:
        """Parts."""
        return len(self._parts)

    def __getitem__(self, index: int) -> Part:
        """Any part that is kept."""
        return self._parts[index]

    def _fill(self) -> None:
        """Render, encode and keep; the oldest parts make room."""
        try:
            with get_context("spawn").Pool(self._workers, _alone) as pool:
                for number, part in enumerate(self._made(pool)):
                    self._parts[number % self._most : number % self._most + 1] = [part]
                    if number + 1 == min(LEAST, self._most):
                        self._enough.set()
        except Exception as error:  # whatever it is, training shall not wait for ever
            self._failed = error
            self._enough.set()

    def _made(self, pool: Pool) -> Iterator[Part]:
        for pixels, targets in pool.imap_unordered(_rendered, itertools.count(self._first)):
            if self._ended.is_set():
                return
            yield from self._encoded(pixels, targets)

    @torch.no_grad()
    def _encoded(self, pixels: NDArray[np.uint8], targets: list[list[Targets]]) -> list[Part]:
        own = torch.from_numpy(pixels).to(self._device)
        frame = ((own.permute(2, 0, 1).float() - self._mean) / self._deviation)[None]
        with torch.autocast(self._device.type, torch.bfloat16):
            found = tiny_vit.features(self._encoder, frame.contiguous(memory_format=torch.channels_last))
        features: dict[int, Tensor] = {stride: maps[0].permute(1, 2, 0) for stride, maps in found.items()}
        return cut(own, features, targets)
