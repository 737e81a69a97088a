"""The picture's embedding: what SamPredictor.set_image computes, prepared for inference."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
import torch
from mobile_sam.modeling import Sam
from mobile_sam.modeling.tiny_vit_sam import Conv2d_BN
from mobile_sam.utils.transforms import ResizeLongestSide
from numpy.typing import NDArray
from torch import Tensor, nn

from droplets.sam.products import prefer_fastest_fp32

log = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16", "fp16", "auto"]
Runtime = Literal["torch", "openvino", "auto"]
Network = Callable[[Tensor], Tensor]
"""Bx3x1024x1024 float32 frames -> Bx256x64x64 float32."""

FRAME = 1024


@dataclass(frozen=True, eq=False)
class Embedding:
    """What the encoder makes of one picture.

    Attributes:
        features: 1x256x64x64 float32.
        size: (H, W) of the picture in pixels.
        input_size: (H, W) it takes in the 1024x1024 frame, from the top-left corner.
    """

    features: Tensor
    size: tuple[int, int]
    input_size: tuple[int, int]

    @property
    def scale(self) -> tuple[float, float]:
        """Frame pixels per picture pixel, (x, y)."""
        return self.input_size[1] / self.size[1], self.input_size[0] / self.size[0]

    def to_frame(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Nx2 (x, y) of the picture -> Nx2 (x, y) of the frame."""
        scaled: NDArray[np.float64] = points * np.array(self.scale)
        return scaled


def fold_batch_norms(module: nn.Module) -> None:
    """Replace each convolution with its batch norm by the one convolution both amount to."""
    for name, child in module.named_children():
        if isinstance(child, Conv2d_BN):
            with child.c.weight.device:  # else the new one is on the CPU
                setattr(module, name, child.fuse())
        else:
            fold_batch_norms(child)


def choose_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """The type the encoder multiplies in.

    "auto" is bfloat16 where the processor has instructions for it (AVX512-BF16 or AMX), float16
    on a GPU and float32 elsewhere.
    """
    named = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if precision != "auto":
        return named[precision]
    if device.type == "cuda":
        return torch.float16
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32


def _torch_network(network: nn.Module, device: torch.device, dtype: torch.dtype) -> Network:
    network = network.to(memory_format=torch.channels_last)

    def run(frames: Tensor) -> Tensor:
        frames = frames.contiguous(memory_format=torch.channels_last)
        with nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype):
            features: Tensor = network(frames)
        return features.float()

    return run


def _openvino_network(network: nn.Module, dtype: torch.dtype) -> Network:
    from droplets.sam.openvino_encoder import openvino_network  # noqa: PLC0415  # it may not be installed

    return openvino_network(network, FRAME, dtype, torch.get_num_threads())


class Encoder:
    """MobileSAM's image encoder.

    Args:
        sam: the model; its encoder is copied, and left as it is.
        precision: "fp32", "bf16", "fp16" or "auto", see `choose_precision`.
        runtime: "openvino" (CPU only), "torch", or "auto": OpenVINO on the CPU where it is installed
            and works, else torch.

    Attributes:
        runtime: "openvino" or "torch".
    """

    def __init__(self, sam: Sam, precision: Precision = "auto", runtime: Runtime = "auto") -> None:
        self.device = torch.device(sam.device)
        self.dtype = choose_precision(precision, self.device)
        if self.device.type == "cpu":
            prefer_fastest_fp32()
        network = copy.deepcopy(sam.image_encoder).eval().requires_grad_(requires_grad=False)
        fold_batch_norms(network)
        self.runtime, self._network = self._choose_runtime(network, runtime)
        self._resize = ResizeLongestSide(FRAME)
        self._mean = sam.pixel_mean.detach().clone()
        self._std = sam.pixel_std.detach().clone()

    def embed(self, pixels: NDArray[np.uint8]) -> Embedding:
        """Embedding of HxWx3 uint8 RGB."""
        return self.embed_batch([pixels])[0]

    @torch.inference_mode()
    def embed_batch(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Embedding]:
        """Embeddings of several HxWx3 uint8 RGB, which may differ in size, in one pass."""
        frames = torch.zeros(len(pictures), 3, FRAME, FRAME, device=self.device)
        sizes = []
        for frame, picture in zip(frames, pictures, strict=True):
            resized = torch.as_tensor(self._resize.apply_image(picture), device=self.device)
            height, width = resized.shape[:2]
            frame[:, :height, :width] = (resized.permute(2, 0, 1) - self._mean) / self._std
            sizes.append((height, width))
        features = self._network(frames)
        return [
            Embedding(features[i : i + 1].contiguous(), (picture.shape[0], picture.shape[1]), sizes[i])
            for i, picture in enumerate(pictures)
        ]

    def _choose_runtime(self, network: nn.Module, runtime: Runtime) -> tuple[str, Network]:
        if runtime == "openvino":
            return "openvino", _openvino_network(network, self.dtype)
        if runtime == "auto" and self.device.type == "cpu" and find_spec("openvino") is not None:
            try:
                return "openvino", _openvino_network(network, self.dtype)
            except Exception:  # whatever keeps it from working here, torch does the same
                log.warning("OpenVINO does not work here; the encoder runs on torch", exc_info=True)
        return "torch", _torch_network(network, self.device, self.dtype)
