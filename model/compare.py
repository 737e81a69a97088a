"""Compares two MobileSAM checkpoints by what they compute, whether or not BatchNorms are folded."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_BATCH_NORM_EPS = 1e-5
_NEVER_RUN = ("image_encoder.norm_head.", "image_encoder.head.")


def largest_difference(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Largest absolute difference between the weights of two state dicts of the same layout.

    Each convolution is compared with its BatchNorm folded in; the classifier, which MobileSAM
    never runs, is left out.
    """
    first, second = _folded(one), _folded(other)
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def _folded(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in float64, every convolution `c` and BatchNorm `bn` made one kernel and bias."""
    weights = {name: values.double() for name, values in state.items() if not name.startswith(_NEVER_RUN)}
    norms = [name.removesuffix(".running_var") for name in weights if name.endswith(".running_var")]
    for norm in norms:
        weights.pop(f"{norm}.num_batches_tracked")
        mean, variance = weights.pop(f"{norm}.running_mean"), weights.pop(f"{norm}.running_var")
        scale = weights.pop(f"{norm}.weight") / torch.sqrt(variance + _BATCH_NORM_EPS)
        kernel = f"{norm.removesuffix('bn')}c.weight"
        weights[kernel] = weights[kernel] * scale[:, None, None, None]
        weights[f"{norm}.bias"] = weights[f"{norm}.bias"] - mean * scale
    return weights
