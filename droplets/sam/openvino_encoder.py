"""MobileSAM's image encoder on OpenVINO, which runs it faster on a CPU than torch does.

The graph is built layer by layer from the torch network, see docs/decisions/openvino.md. Token
arrays are BxLxC with L = HxW, feature maps BxCxHxW, as in the network itself.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# Importing OpenVINO would send usage statistics; it does without where this package is missing.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # noqa: E402
from openvino import opset13  # noqa: E402

ops = opset13

Node = Any  # of OpenVINO's graph
Layer = Any  # of the torch network, whose layers keep their settings as attributes
Infer = Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]
"""1x3xHxW frame -> the graph's outputs."""

CORE = openvino.Core()
"""The only one: each of several would give its thread a stack for signals, of which another one's end takes
the memory; the next signal would end the process."""

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
    frame = frame_parameter(side, side)
    infer = compiled([features(frame, network, side, side)[16]], frame, dtype, threads)

    def embed(frames: Tensor) -> Tensor:
        # One by one: a larger batch would be a graph of its own.
        return torch.from_numpy(np.concatenate([infer(frame[None].numpy())[0] for frame in frames]))

    return embed


def frame_parameter(height: int, width: int) -> Node:
    """A graph's input: 1x3xHxW float32."""
    return ops.parameter([1, 3, height, width], np.float32)


def compiled(outputs: Sequence[Node], frame: Node, dtype: torch.dtype, threads: int) -> Infer:
    """A graph from a frame to some outputs, compiled for this CPU.

    Args:
        outputs: nodes of the graph.
        frame: its input, see `frame_parameter`.
        dtype: to multiply in, float32 or bfloat16.
        threads: of the CPU to use.

    Returns:
        Function that makes the outputs of a 1x3xHxW float32 frame; threads take turns.
    """
    properties = {
        "INFERENCE_PRECISION_HINT": _PRECISIONS[dtype],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # or several processes would share the first cores
    }
    model = openvino.Model([ops.result(output) for output in outputs], [frame])
    request = CORE.compile_model(model, "CPU", properties).create_infer_request()
    lock = threading.Lock()
    number = len(outputs)

    def infer(pixels: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        with lock:
            answer = request.infer([pixels])
            return [np.array(answer[i], np.float32) for i in range(number)]

    return infer


def features(x: Node, network: Layer, height: int, width: int) -> dict[int, Node]:
    """The encoder's features of 1x3xHxW, H and W multiples of 16, by their stride: 4, 8 and 16."""
    first, _, second = network.patch_embed.seq
    x = conv(gelu(conv(x, first)), second)
    stem, *stages = network.layers
    for block in stem.blocks:
        x = gelu(ops.add(_bottleneck(x, block), x))
    found = {4: x}
    x = found[8] = _bottleneck(x, stem.downsample)
    stride = 8
    for stage in stages:
        tokens = ops.transpose(ops.reshape(x, [0, 0, -1], special_zero=True), [0, 2, 1])
        for block in stage.blocks:
            tokens = _block(tokens, block, height // stride, width // stride)
        x = _to_map(tokens, height // stride, width // stride, stage.dim)
        if stage.downsample is not None:
            x = _bottleneck(x, stage.downsample)
            stride *= stage.downsample.conv2.stride[0]
    first, first_norm, second, second_norm = network.neck
    found[16] = _norm_channels(conv(_norm_channels(conv(x, first), first_norm), second), second_norm)
    return found


def _bottleneck(x: Node, layer: Layer) -> Node:
    """Three convolutions of a feature map, as MBConv and PatchMerging have them."""
    return conv(gelu(conv(gelu(conv(x, layer.conv1)), layer.conv2)), layer.conv3)


def _block(tokens: Node, block: Layer, height: int, width: int) -> Node:
    tokens = ops.add(tokens, _window_attention(tokens, block, height, width))
    x = conv(_to_map(tokens, height, width, block.dim), block.local_conv)
    tokens = ops.transpose(ops.reshape(x, [0, 0, -1], special_zero=True), [0, 2, 1])
    hidden = gelu(_linear(_norm(tokens, block.mlp.norm), block.mlp.fc1))
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
    weights = ops.softmax(ops.add(scores, constant(bias)), -1)
    mixed = ops.transpose(ops.matmul(weights, value, transpose_a=False, transpose_b=False), [0, 2, 1, 3])
    return _linear(_reshape(mixed, [-1, bias.shape[-1], layer.dh]), layer.proj)


def conv(x: Node, layer: Layer) -> Node:
    """A torch convolution of a feature map."""
    how = [list(layer.stride), list(layer.padding), list(layer.padding), list(layer.dilation)]
    if layer.groups == 1:
        x = ops.convolution(x, constant(layer.weight), *how)
    else:
        grouped = layer.weight.unflatten(0, (layer.groups, -1))
        x = ops.group_convolution(x, constant(grouped), *how)
    return x if layer.bias is None else ops.add(x, constant(layer.bias[:, None, None]))


def _linear(x: Node, layer: Layer) -> Node:
    product = ops.matmul(x, constant(layer.weight), transpose_a=False, transpose_b=True)
    return ops.add(product, constant(layer.bias))


def _norm(x: Node, layer: Layer) -> Node:
    """Layer norm over the last axis."""
    normal = ops.mvn(x, [-1], normalize_variance=True, eps=layer.eps, eps_mode="inside_sqrt")
    return ops.add(ops.multiply(normal, constant(layer.weight)), constant(layer.bias))


def _norm_channels(x: Node, layer: Layer) -> Node:
    """Layer norm over the channels of a feature map."""
    return ops.transpose(_norm(ops.transpose(x, [0, 2, 3, 1]), layer), [0, 3, 1, 2])


def gelu(x: Node) -> Node:
    """As torch's GELU."""
    return ops.gelu(x, "erf")


def _to_map(tokens: Node, height: int, width: int, channels: int) -> Node:
    return _reshape(ops.transpose(tokens, [0, 2, 1]), [-1, channels, height, width])


def _reshape(x: Node, shape: list[int]) -> Node:
    return ops.reshape(x, shape, special_zero=False)


def constant(tensor: Tensor) -> Node:
    """A torch tensor's values, of which graphs of several sizes share the memory."""
    return openvino.op.Constant(tensor.detach().contiguous().numpy(), shared_memory=True)
