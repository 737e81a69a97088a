"""MobileSAM's image encoder on OpenVINO, which runs it faster on a CPU than torch does.

The graph is built layer by layer from the torch network, see docs/decisions/openvino.md. Token
arrays are BxLxC with L = HxW, feature maps BxCxHxW, as in the network itself.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# Importing OpenVINO would send usage statistics; it does without where this package is missing.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # noqa: E402
from openvino import opset13 as ops  # noqa: E402

Node = Any  # of OpenVINO's graph
Layer = Any  # of the torch network, whose layers keep their settings as attributes

_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


def openvino_network(
    network: nn.Module, side: int, dtype: torch.dtype, threads: int
) -> Callable[[Tensor], Tensor]:
    """MobileSAM's image encoder, compiled for this CPU; it keeps nothing of `network`.

    Args:
        network: the TinyViT, its batch norms folded, in eval mode on the CPU.
        side: of the square frames in pixels.
        dtype: to multiply in, float32 or bfloat16.
        threads: of the CPU to use.

    Returns:
        Function that makes Bx256x64x64 float32 of Bx3xSxS float32; threads take turns.
    """
    frame = ops.parameter([1, 3, side, side], np.float32)
    properties = {
        "INFERENCE_PRECISION_HINT": _PRECISIONS[dtype],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # or several processes would share the first cores
    }
    model = openvino.Model([ops.result(_tiny_vit(frame, network))], [frame])
    request = openvino.Core().compile_model(model, "CPU", properties).create_infer_request()
    lock = threading.Lock()

    def embed(frames: Tensor) -> Tensor:
        # One by one: a larger batch would be a graph of its own.
        with lock:
            features = [request.infer([frame[None].numpy()])[0].copy() for frame in frames]
        return torch.from_numpy(np.concatenate(features))

    return embed


def _tiny_vit(x: Node, network: Layer) -> Node:
    first, _, second = network.patch_embed.seq
    x = _conv(_gelu(_conv(x, first)), second)
    stem, *stages = network.layers
    for block in stem.blocks:
        x = _gelu(ops.add(_bottleneck(x, block), x))
    x = _bottleneck(x, stem.downsample)
    for stage in stages:
        height, width = stage.input_resolution
        tokens = ops.transpose(ops.reshape(x, [0, 0, -1], special_zero=True), [0, 2, 1])
        for block in stage.blocks:
            tokens = _block(tokens, block, height, width)
        x = _to_map(tokens, height, width, stage.dim)
        if stage.downsample is not None:
            x = _bottleneck(x, stage.downsample)
    first, first_norm, second, second_norm = network.neck
    return _norm_channels(_conv(_norm_channels(_conv(x, first), first_norm), second), second_norm)


def _bottleneck(x: Node, layer: Layer) -> Node:
    """Three convolutions of a feature map, as MBConv and PatchMerging have them."""
    return _conv(_gelu(_conv(_gelu(_conv(x, layer.conv1)), layer.conv2)), layer.conv3)


def _block(tokens: Node, block: Layer, height: int, width: int) -> Node:
    tokens = ops.add(tokens, _window_attention(tokens, block, height, width))
    x = _conv(_to_map(tokens, height, width, block.dim), block.local_conv)
    tokens = ops.transpose(ops.reshape(x, [0, 0, -1], special_zero=True), [0, 2, 1])
    hidden = _gelu(_linear(_norm(tokens, block.mlp.norm), block.mlp.fc1))
    return ops.add(tokens, _linear(hidden, block.mlp.fc2))


def _window_attention(tokens: Node, block: Layer, height: int, width: int) -> Node:
    """Attention within windows of the frame, which is padded to a whole number of them."""
    side, channels = block.window_size, block.dim
    rows, columns = -(-height // side), -(-width // side)
    padding = [0, rows * side - height, columns * side - width, 0]
    x = _reshape(tokens, [-1, height, width, channels])
    x = _reshape(ops.pad(x, [0, 0, 0, 0], padding, "constant"), [-1, rows, side, columns, side, channels])
    x = _reshape(ops.transpose(x, [0, 1, 3, 2, 4, 5]), [-1, side * side, channels])
    x = _reshape(_attention(x, block.attn), [-1, rows, columns, side, side, channels])
    x = _reshape(ops.transpose(x, [0, 1, 3, 2, 4, 5]), [-1, rows * side, columns * side, channels])
    x = ops.slice(x, [0, 0], [height, width], [1, 1], [1, 2])
    return _reshape(x, [-1, height * width, channels])


def _attention(tokens: Node, layer: Layer) -> Node:
    bias = layer.ab.unsqueeze(0)  # 1 x heads x L x L
    widths = [layer.key_dim, layer.key_dim, layer.d]
    qkv = _linear(_norm(tokens, layer.norm), layer.qkv)
    qkv = _reshape(qkv, [-1, bias.shape[-1], layer.num_heads, sum(widths)])
    query, key, value = (
        ops.transpose(part, [0, 2, 1, 3]) for part in ops.variadic_split(qkv, 3, widths).outputs()
    )
    scores = ops.multiply(
        ops.matmul(query, key, transpose_a=False, transpose_b=True), np.float32(layer.scale)
    )
    weights = ops.softmax(ops.add(scores, _constant(bias)), -1)
    mixed = ops.transpose(ops.matmul(weights, value, transpose_a=False, transpose_b=False), [0, 2, 1, 3])
    return _linear(_reshape(mixed, [-1, bias.shape[-1], layer.dh]), layer.proj)


def _conv(x: Node, layer: Layer) -> Node:
    how = [list(layer.stride), list(layer.padding), list(layer.padding), list(layer.dilation)]
    if layer.groups == 1:
        x = ops.convolution(x, _constant(layer.weight), *how)
    else:
        grouped = layer.weight.unflatten(0, (layer.groups, -1))
        x = ops.group_convolution(x, _constant(grouped), *how)
    return x if layer.bias is None else ops.add(x, _constant(layer.bias[:, None, None]))


def _linear(x: Node, layer: Layer) -> Node:
    product = ops.matmul(x, _constant(layer.weight), transpose_a=False, transpose_b=True)
    return ops.add(product, _constant(layer.bias))


def _norm(x: Node, layer: Layer) -> Node:
    """Layer norm over the last axis."""
    normal = ops.mvn(x, [-1], normalize_variance=True, eps=layer.eps, eps_mode="inside_sqrt")
    return ops.add(ops.multiply(normal, _constant(layer.weight)), _constant(layer.bias))


def _norm_channels(x: Node, layer: Layer) -> Node:
    """Layer norm over the channels of a feature map."""
    return ops.transpose(_norm(ops.transpose(x, [0, 2, 3, 1]), layer), [0, 3, 1, 2])


def _gelu(x: Node) -> Node:
    return ops.gelu(x, "erf")


def _to_map(tokens: Node, height: int, width: int, channels: int) -> Node:
    return _reshape(ops.transpose(tokens, [0, 2, 1]), [-1, channels, height, width])


def _reshape(x: Node, shape: list[int]) -> Node:
    return ops.reshape(x, shape, special_zero=False)


def _constant(tensor: Tensor) -> Node:
    return ops.constant(tensor.detach().contiguous().numpy())
