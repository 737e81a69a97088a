"""The one network that finds objects: MobileSAM's encoder with the head on it, for frames of any size.

Frames are not padded to the 1024x1024 pixels that MobileSAM's own encoder takes: a smaller one costs
less in proportion to its area. Each size has a graph of its own where the runtime compiles or captures
one, so sizes are rounded up, and the graphs of the last few are kept.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from droplets.finding.head import STRIDE, Head
from droplets.sam import tiny_vit
from droplets.sam.encoder import Precision, Runtime, choose_precision, fold_batch_norms
from droplets.sam.products import prefer_fastest_fp32

if TYPE_CHECKING:
    from mobile_sam.modeling import Sam

    from droplets.sam.openvino_encoder import Infer

log = logging.getLogger(__name__)

SIDE_STEP = 128
"""Frames are padded to multiples of so many pixels."""
KEPT = 3 * 1024**2
"""Graphs are kept for sizes of at most so many pixels in all: on a CPU a pixel takes about 200 bytes."""
WARM_UP = 3
"""Runs before a CUDA graph is captured, in which libraries choose their kernels."""
FRAME_STRIDES = (4, 8, 16)

Floats = NDArray[np.float32]
Module = TypeVar("Module", bound=nn.Module)
Output = Literal["answer", "features"]
Run = Callable[[Tensor], list[Tensor]]
"""1x3xHxW float32 on the device -> the outputs, 1xCxhxw."""


class Network:
    """Encoder and head; may be shared by threads, which take turns.

    Args:
        sam: the model, of which the encoder is copied, on the device to work on.
        head: is copied too.
        precision: "fp32", "bf16", "fp16" or "auto", see `choose_precision`.
        runtime: "openvino" (CPU only), "torch", or "auto": OpenVINO on the CPU where it works, else torch.

    Attributes:
        runtime: "openvino" or "torch".
        dtype: that it multiplies in.
    """

    def __init__(
        self, sam: Sam, head: Head, precision: Precision = "auto", runtime: Runtime = "auto"
    ) -> None:
        self.device = torch.device(sam.device)
        self.dtype = choose_precision(precision, self.device)
        if self.device.type == "cpu":
            prefer_fastest_fp32()
        self._encoder = _prepared(sam.image_encoder, self.device)
        self._head = _prepared(head, self.device)
        self._mean = sam.pixel_mean.detach().clone()
        self._std = sam.pixel_std.detach().clone()
        self._lock = threading.Lock()
        self._graphs: OrderedDict[tuple[Output, int, int], Run] = OrderedDict()
        self.runtime = self._choose_runtime(runtime)
        # Torch is fastest where channels come last; else OpenVINO's graphs share the memory of the weights.
        layout = torch.channels_last if self.runtime == "torch" else torch.contiguous_format
        for module in (self._encoder, self._head):
            module.to(memory_format=layout)

    def answer(self, frame: NDArray[np.uint8]) -> Floats:
        """The head's answer to HxWx3 uint8 RGB, 70x(H/4)x(W/4) float32 (see `Head.forward`).

        H and W may be any; there is a cell for each part of four pixels.
        """
        answer = self._run("answer", frame)[0]
        height, width = (-(-side // STRIDE) for side in frame.shape[:2])
        return np.ascontiguousarray(answer[:, :height, :width])

    def features(self, frame: NDArray[np.uint8]) -> dict[int, Floats]:
        """The encoder's features of HxWx3 uint8 RGB by stride: CxHxW float32 at 4, 8 and 16."""
        found = zip(FRAME_STRIDES, self._run("features", frame), strict=True)
        height, width = frame.shape[:2]
        return {
            stride: np.ascontiguousarray(maps[:, : -(-height // stride), : -(-width // stride)])
            for stride, maps in found
        }

    @torch.inference_mode()
    def _run(self, output: Output, frame: NDArray[np.uint8]) -> list[Floats]:
        with self._lock:
            frames = self._padded(frame)
            outputs = self._graph(output, frames.shape[2], frames.shape[3])(frames)
            return [maps[0].float().cpu().numpy() for maps in outputs]

    def _padded(self, frame: NDArray[np.uint8]) -> Tensor:
        """1x3xHxW float32 on the device: mean and deviation taken off, then zeros to the right and below."""
        height, width = frame.shape[:2]
        frames = torch.zeros(1, 3, _rounded(height), _rounded(width), device=self.device)
        pixels = torch.tensor(np.ascontiguousarray(frame), device=self.device)  # copied: it may be read-only
        frames[0, :, :height, :width] = (pixels.permute(2, 0, 1) - self._mean) / self._std
        return frames

    def _graph(self, output: Output, height: int, width: int) -> Run:
        """The one for this size, of those kept or made now."""
        key = (output, height, width)
        if key not in self._graphs:
            while self._graphs and height * width + sum(h * w for _, h, w in self._graphs) > KEPT:
                self._graphs.popitem(last=False)
            self._graphs[key] = self._make(output, height, width)
        self._graphs.move_to_end(key)
        return self._graphs[key]

    def _make(self, output: Output, height: int, width: int) -> Run:
        if self.runtime == "openvino":
            return self._on_openvino(output, height, width)
        if self.device.type == "cuda":
            return _Captured(lambda frames: self._on_torch(output, frames), height, width, self.device)
        return lambda frames: self._on_torch(output, frames)

    def _on_openvino(self, output: Output, height: int, width: int) -> Run:
        from droplets.finding.openvino_graph import (  # noqa: PLC0415  # it may not be installed
            answering_graph,
            features_graph,
        )

        how: tuple[Any, ...] = ((height, width), self.dtype, torch.get_num_threads())
        infer: Infer
        if output == "answer":
            infer = answering_graph(self._encoder, self._head, *how)
        else:
            infer = features_graph(self._encoder, *how)
        return lambda frames: [torch.from_numpy(maps) for maps in infer(frames.numpy())]

    def _on_torch(self, output: Output, frames: Tensor) -> list[Tensor]:
        frames = frames.contiguous(memory_format=torch.channels_last)
        with nullcontext() if self.dtype == torch.float32 else self._autocast():
            found = tiny_vit.features(self._encoder, frames)
            if output == "features":
                return [found[stride].float() for stride in FRAME_STRIDES]
            answer: Tensor = self._head(frames, found[4], found[8], found[16])
            return [answer.float()]

    def _autocast(self) -> torch.autocast:
        # Weights that autocast keeps between runs would not be those that a captured graph has read.
        return torch.autocast(self.device.type, self.dtype, cache_enabled=self.device.type != "cuda")

    def _choose_runtime(self, runtime: Runtime) -> str:
        if runtime == "torch" or self.device.type != "cpu":
            return "torch"
        if runtime == "auto" and find_spec("openvino") is None:
            return "torch"
        self.runtime = "openvino"
        try:
            self._make("answer", SIDE_STEP, SIDE_STEP)
        except Exception:  # whatever keeps it from working here, torch does the same
            if runtime == "openvino":
                raise
            log.warning("OpenVINO does not work here; objects are found on torch", exc_info=True)
            return "torch"
        return "openvino"


class _Captured:
    """A CUDA graph: all kernels of a run at the cost of one launch.

    Args:
        run: what to capture; it must not wait for the device.
        height, width: of the frames.
        device: of CUDA.
    """

    def __init__(self, run: Run, height: int, width: int, device: torch.device) -> None:
        self._frames = torch.zeros(1, 3, height, width, device=device)
        aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                run(self._frames)
        torch.cuda.current_stream(device).wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = run(self._frames)

    def __call__(self, frames: Tensor) -> list[Tensor]:
        """The outputs, which the next call overwrites."""
        self._frames.copy_(frames)
        self._graph.replay()
        return self._outputs


def _prepared(module: Module, device: torch.device) -> Module:
    """A copy for inference."""
    own = copy.deepcopy(module).to(device).eval()
    fold_batch_norms(own)
    return own.requires_grad_(requires_grad=False)


def _rounded(side: int) -> int:
    return SIDE_STEP * -(-side // SIDE_STEP)
