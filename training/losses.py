"""What training minimises.

Heat: the focal loss of CenterNet (Zhou et al. 2019). Rays: smooth L1 on their logarithms. Expected IoU:
binary cross entropy against the IoU that the predicted rays have with the true ones, and against zero where
heat is seen in a place without an object, in proportion to that heat: so it means what a detection is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from droplets.finding.head import HEAT, KIND, LAYER_CHANNELS, QUALITY, RAY

RAYS_WEIGHT, QUALITY_WEIGHT, KIND_WEIGHT = 3.0, 0.5, 0.2
INNER_WEIGHT = 1.0
BETA = 0.05
"""Of smooth L1: errors of the ray length under 5 % count by their square."""
SHORTEST, LONGEST = -2.5, 6.0
"""Logarithms of ray lengths in cells."""
CALM, FAINT = 0.1, 0.02
"""Where the heat wanted is lower than the first, there is no object; heat under the second is none."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """Targets of a batch for one layer.

    Attributes:
        heat: BxHxW float32, negative where it is not judged.
        cell: K int64, of the cells of the whole batch, BxHxW in a row.
        rays: Kx32 float32.
        bead: K float32.
    """

    heat: Tensor
    cell: Tensor
    rays: Tensor
    bead: Tensor


@dataclass(frozen=True, eq=False)
class Losses:
    """Of one layer: scalars to add up, and the mean IoU of the rays."""

    heat: Tensor
    rays: Tensor
    quality: Tensor
    kind: Tensor
    iou: Tensor

    @property
    def figures(self) -> tuple[Tensor, ...]:
        """To watch: heat, rays, quality, kind and IoU."""
        return self.heat, self.rays, self.quality, self.kind, self.iou

    @property
    def total(self) -> Tensor:
        """Weighted."""
        return self.heat + RAYS_WEIGHT * self.rays + QUALITY_WEIGHT * self.quality + KIND_WEIGHT * self.kind


def layer_losses(answer: Tensor, wanted: Wanted, places: Tensor) -> Losses:
    """Losses of one layer: means over the parts of the batch, so that two large objects count as much as
    two thousand small ones.

    Arguments:
        answer: Bx35xHxW float32.
        wanted: of the same layer.
        places: B, in how many places such objects may be: by it the heat's loss of a part is divided. Of
            inner ones it is the number of outer ones: else parts without any would outweigh all others.
    """
    judged, centre = wanted.heat >= 0, is_centre(wanted.heat)
    heat, likely = _heat(answer[:, HEAT], wanted.heat, judged, centre)
    heat = (heat / torch.maximum(places, centre.sum((1, 2))).clamp(min=1)).mean()
    # Heat where nothing is: it shall be worth nothing.
    weight = likely * (judged & (wanted.heat < CALM))
    weight = torch.where(weight > FAINT, weight, torch.zeros_like(weight))
    empty = (functional.softplus(answer[:, QUALITY]) * weight).sum((1, 2))
    cells = answer.permute(0, 2, 3, 1).reshape(-1, LAYER_CHANNELS)[wanted.cell]
    if not len(cells):
        zero = answer.sum() * 0
        return Losses(heat, zero, (empty / (weight.sum((1, 2)) + 1)).mean(), zero, zero.detach())
    parts = len(answer)
    part = wanted.cell // wanted.heat[0].numel()
    each = functional.smooth_l1_loss(cells[:, RAY:], wanted.rays, beta=BETA, reduction="none").mean(dim=1)
    iou = polar_iou(cells[:, RAY:].detach(), wanted.rays)
    share = likely.reshape(-1)[wanted.cell]
    sure = functional.binary_cross_entropy_with_logits(cells[:, QUALITY], iou, reduction="none")
    quality = (_sums(sure * share, part, parts) + empty) / (
        _sums(share, part, parts) + weight.sum((1, 2)) + 1
    )
    kind = functional.binary_cross_entropy_with_logits(cells[:, KIND], wanted.bead, reduction="none")
    counts = _sums(torch.ones_like(iou), part, parts)
    there = (counts > 0).sum()
    rays, kind, iou = (
        (_sums(value, part, parts) / counts.clamp(min=1)).sum() / there for value in (each, kind, iou)
    )
    return Losses(heat, rays, quality.mean(), kind, iou)


def is_centre(heat: Tensor) -> Tensor:
    """Where the heat that is wanted has its peaks."""
    return heat > 0.999


def _heat(logit: Tensor, wanted: Tensor, judged: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """The focal loss of each part, and the probabilities without their gradient."""
    likely, goal = torch.sigmoid(logit), wanted.clamp(min=0)
    found = -((1 - likely) ** 2) * functional.logsigmoid(logit)
    missed = -((1 - goal) ** 4) * likely**2 * functional.logsigmoid(-logit)
    return (torch.where(centre, found, missed) * judged).sum((1, 2)), likely.detach()


def _sums(values: Tensor, part: Tensor, parts: int) -> Tensor:
    """Of K values, by the part that each belongs to."""
    return torch.zeros(parts, device=values.device).index_add(0, part, values)


def polar_iou(first: Tensor, second: Tensor) -> Tensor:
    """K: IoU of stars around one centre, from Kx32 logarithms of ray lengths (PolarMask, Xie et al. 2020)."""
    a, b = (torch.exp(2 * rays.clamp(SHORTEST, LONGEST)) for rays in (first, second))
    return torch.minimum(a, b).sum(dim=1) / torch.maximum(a, b).sum(dim=1)
