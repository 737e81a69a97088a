"""Encoder and head as one OpenVINO graph, built layer by layer as droplets/sam/openvino_encoder.py does."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from droplets.finding.head import Head
from droplets.sam.openvino_encoder import Infer, Node, compiled, conv, features, frame_parameter, gelu, ops

Layer = Any  # of the torch network


def answering_graph(
    encoder: nn.Module, head: Head, size: tuple[int, int], dtype: torch.dtype, threads: int
) -> Infer:
    """From a 1x3xHxW frame to the head's answer, 1x70x(H/4)x(W/4).

    Args:
        encoder: the TinyViT, its batch norms folded, in eval mode on the CPU.
        head: on the CPU.
        size: (H, W) of the frames, multiples of 32.
        dtype: to multiply in, float32 or bfloat16.
        threads: of the CPU to use.
    """
    frame = frame_parameter(*size)
    return compiled([_head(frame, features(frame, encoder, *size), head)], frame, dtype, threads)


def features_graph(encoder: nn.Module, size: tuple[int, int], dtype: torch.dtype, threads: int) -> Infer:
    """From a 1x3xHxW frame to the encoder's features at strides 4, 8 and 16; see `answering_graph`."""
    frame = frame_parameter(*size)
    found = features(frame, encoder, *size)
    return compiled([found[stride] for stride in sorted(found)], frame, dtype, threads)


def _head(frame: Node, found: dict[int, Node], head: Layer) -> Node:
    """`Head.forward`."""
    x = conv(found[16], head.lateral16)
    x = ops.add(x, _sequence(x, head.mixing16))
    x = _sequence(ops.add(_doubled(x), conv(found[8], head.lateral8)), head.mixing8)
    lateral = ops.add(conv(found[4], head.lateral4), conv(_sequence(frame, head.stem), head.lateral_stem))
    x = ops.add(conv(_doubled(x), head.descent), lateral)
    x = ops.add(x, _sequence(x, head.mixing4))
    return ops.concat([_sequence(x, tower) for tower in head.towers], 1)


def _sequence(x: Node, layers: nn.Sequential) -> Node:
    """Convolutions and GELUs, one after the other."""
    for layer in layers:
        x = conv(x, layer) if isinstance(layer, nn.Conv2d) else gelu(x)
    return x


def _doubled(x: Node) -> Node:
    return ops.interpolate(
        x,
        np.array([2, 2], np.float32),
        "linear_onnx",
        "scales",
        coordinate_transformation_mode="half_pixel",
        axes=[2, 3],
    )
