"""The model as the service uses it: ask a picture for everything, or for what lies at points."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from droplets.finding.network import Network
from droplets.finding.one_pass import Looking, Seen, look, radii_at
from droplets.finding.thorough import Asking, missed, surer
from droplets.finding.weights import load_head
from droplets.objects.boxes import boxes_of, overlapping
from droplets.sam.checkpoint import load_sam
from droplets.sam.encoder import Embedding, Precision, Runtime
from droplets.sam.generator import Generator
from droplets.sam.pointing import Zooming, find_at
from droplets.types import Generation, InnerHeat, Mask, MaskRequest, Quality

PRECISION_NAMES = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


@dataclass(frozen=True)
class Effort:
    """How hard to look.

    Attributes:
        finer: at finer scales too, where objects are small.
        unsure: the decoder is asked for a better outline where the expected IoU is below this; 0 for never.
        grid: points per side of the grid of which the decoder is asked the open ones; 0 for none.
    """

    finer: bool
    unsure: float = 0.0
    grid: int = 0


EFFORTS: dict[Quality, Effort] = {
    "fast": Effort(finer=False),
    "balanced": Effort(finer=True),
    "thorough": Effort(finer=True, unsure=0.75, grid=32),
}


AROUND: dict[Quality, Quality] = {"fast": "fast", "balanced": "balanced", "thorough": "balanced"}
"""By which quality the objects around a point are found: what the one pass of the request's own sees, for the
decoder is asked at the point alone."""


@dataclass(eq=False)
class Memory:
    """What is kept of one picture. It saves time; no answer depends on it.

    Attributes:
        embedding: for the decoder; None until it was needed.
        seen: what one pass found, by whether finer scales were looked at.
        masks: of everything, by quality.
        encoding_s: seconds that networks spent on the picture so far.
    """

    embedding: Embedding | None = None
    seen: dict[bool, Seen] = field(default_factory=dict)
    masks: dict[Quality, list[Mask]] = field(default_factory=dict)
    encoding_s: float = 0.0

    @property
    def inner(self) -> InnerHeat | None:
        """Where something in objects is seen, which all ways to look have in common."""
        return next((seen.inner for seen in self.seen.values()), None)

    @property
    def mask_bytes(self) -> int:
        """Bytes that the masks take."""
        return sum(mask.crop.nbytes for masks in self.masks.values() for mask in masks)


class Segmenter:
    """A loaded model.

    Arguments:
        checkpoint: file with MobileSAM's weights.
        head: file with the head's.
        device: "cpu" or "cuda".
        source: where the checkpoint comes from, for the answers.
        precision, runtime: of the network, see `Network`.
        weights: sha256 of the checkpoint and of the head's file, to notice that they have changed since.

    Raises:
        ModelUnavailable: a file is missing or holds something else.
    """

    def __init__(
        self,
        checkpoint: Path,
        head: Path,
        device: str,
        source: str = "",
        precision: Precision = "auto",
        runtime: Runtime = "auto",
        weights: tuple[str, ...] = (),
    ) -> None:
        self.device = device
        self.source = source
        self.weights = weights
        loaded = load_head(head)
        self._sam = load_sam(checkpoint, device)
        self._how = precision, runtime
        self._network = Network(self._sam, loaded.head, precision, runtime)
        self._thresholds = loaded.thresholds
        self.precision = PRECISION_NAMES[self._network.dtype]
        self.runtime = self._network.runtime
        if device != "cpu":
            self.generate(MaskRequest(np.zeros((64, 64, 3), np.uint8), "thorough"), Memory())

    def generate(self, request: MaskRequest, memory: Memory) -> Generation:
        """Masks of everything in a picture or of what lies at points, and of what is to be added.

        How hard it looks is in `EFFORTS`. What is much less sure than the picture's other objects comes last
        of everything, see `Mask.unsure`. What lies at points comes with everything around it, see `AROUND`.

        Arguments:
            request: the picture and what is wanted of it.
            memory: of the same picture.
        """
        begun, encoded = time.perf_counter(), memory.encoding_s
        everything: list[Mask] = []
        if request.points is None:
            masks = self._everything(request.pixels, memory, request.quality)
        else:
            masks, everything = [], self._everything(request.pixels, memory, AROUND[request.quality])
        if request.prompts.size:
            masks = [*masks, *self._prompted(request, memory)]
        encoding = memory.encoding_s - encoded
        rest = time.perf_counter() - begun - encoding
        inner = memory.inner
        return Generation(masks, {"encode": 1000 * encoding, "generate": 1000 * rest}, everything, inner)

    def _everything(self, pixels: NDArray[np.uint8], memory: Memory, quality: Quality) -> list[Mask]:
        if quality not in memory.masks:
            memory.masks[quality] = self._found(pixels, memory, EFFORTS[quality])
        return memory.masks[quality]

    def _found(self, pixels: NDArray[np.uint8], memory: Memory, effort: Effort) -> list[Mask]:
        height, width = pixels.shape[:2]
        seen = self._seen(pixels, memory, effort.finer)
        masks = seen.stars.masks(width, height)
        if effort.unsure or effort.grid:
            prepared = self._generator.decoder.prepare(self._embedding(pixels, memory))
            masks = surer(self._generator, prepared, masks, effort.unsure)
            if effort.grid:
                masks += missed(self._generator, prepared, masks, effort.grid)
        return [*masks, *(replace(mask, unsure=True) for mask in seen.unsure.masks(width, height))]

    def _prompted(self, request: MaskRequest, memory: Memory) -> list[Mask]:
        """The best mask at each point that somebody has pointed at, where there is one."""
        pixels, points, around = request.pixels, request.prompts, AROUND[request.quality]
        radii = radii_at(self._seen(pixels, memory, EFFORTS[around].finer).stars, points, Zooming.nearby)
        found = find_at(self._generator, pixels, self._embedding(pixels, memory), points, radii)
        known = [mask for mask in self._everything(pixels, memory, around) if not mask.unsure]
        boxes = boxes_of(known)
        near = ([known[i] for i in overlapping(boxes, mask)] for mask in found)
        return [
            replace(_as_known(mask, some), found_by="hand") for mask, some in zip(found, near, strict=True)
        ]

    @cached_property
    def _generator(self) -> Generator:
        """The decoder with its own encoder; many pictures need neither."""
        precision, runtime = self._how
        generator = Generator(self._sam, precision=precision, runtime=runtime)
        if self.device != "cpu":
            generator.warm_up()
        return generator

    def _seen(self, pixels: NDArray[np.uint8], memory: Memory, finer: bool) -> Seen:
        if finer not in memory.seen:
            seen = look(self._network.answer, pixels, Looking(finer, thresholds=self._thresholds))
            memory.seen[finer] = seen
            memory.encoding_s += seen.encoding_s
        return memory.seen[finer]

    def _embedding(self, pixels: NDArray[np.uint8], memory: Memory) -> Embedding:
        if memory.embedding is None:
            started = time.perf_counter()
            memory.embedding = self._generator.encoder.embed(pixels)
            memory.encoding_s += time.perf_counter() - started
        return memory.embedding


def _as_known(mask: Mask, known: Sequence[Mask]) -> Mask:
    """The mask that the one pass has of the same object, so that it is measured alike; else the mask."""
    best = max(known, key=mask.iou, default=None)
    return best if best is not None and mask.iou(best) > Asking.same else mask
