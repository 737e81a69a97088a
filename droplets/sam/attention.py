"""The image side of the two-way transformer, without a copy of the image tokens per prompt.

Arrays with "rows" hold 8 heads x 7 prompt tokens = 56 rows a prompt and one column per image token,
so that both softmaxes (over the columns, over the 7 tokens) run along memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from droplets.sam.projections import (
    BIAS0,
    BIAS0F,
    BIAS1,
    CHANNELS,
    E0,
    F0,
    F1,
    HEADS,
    SQUARE0,
    SQUARE1,
    ImageTokens,
    Projections,
    split_heads,
)
from droplets.sam.tokens import TOKENS

ROWS = HEADS * TOKENS
_EPSILON = 1e-5  # of the transformer's layer norms


@dataclass(eq=False)
class Keys:
    """The image tokens after one or two layers, as weights of the vectors that were added to e.

    keys1 = g0 r0 (ec + weights' vectors) + b0; keys2 = g1 r1 (r0 f + weights' vectors) + b1.

    Attributes:
        weights: BxRxN, R = 56 after layer 0, 112 after layer 1.
        vectors: BxRx256.
        r0, r1: Bx1xN, the reciprocal standard deviations (r1 after layer 1 only).
        values: Bx8x7x16, the token values of layer 0, for the variance of layer 1.
    """

    weights: Tensor
    vectors: Tensor
    r0: Tensor
    values: Tensor
    r1: Tensor | None = None

    def of(self, prompts: Tensor) -> Keys:
        """Of some prompts only."""
        if len(prompts) == len(self.vectors):
            return self
        r1 = None if self.r1 is None else self.r1[prompts]
        return Keys(self.weights[prompts], self.vectors[prompts], self.r0[prompts], self.values[prompts], r1)


class ImageSide:
    """Image-to-token updates and token-to-image reads, both on `Keys`.

    Args:
        projections: the folded weights.
    """

    def __init__(self, projections: Projections) -> None:
        p = projections
        self._out = [split_heads(w) for w in (p.out0, p.out0f, p.out1)]
        self._out_bias = [(b / HEADS).float() for b in (p.out_bias0, p.out_bias0f, p.out_bias1)]

    def _vectors(self, which: int, values: Tensor) -> Tensor:
        """Bx8x7x16 token values -> Bx56x256, what each head and token adds to an image token."""
        return spread_heads(values, self._out[which]).add_(self._out_bias[which])

    def first(self, image: ImageTokens, weights: Tensor, values: Tensor) -> Keys:
        """The image tokens after layer 0.

        Args:
            weights: Bx8x7xN, softmaxed over the 7.
            values: Bx8x7x16.
        """
        batch, count = len(weights), weights.shape[-1]
        rows = weights.view(batch, ROWS, count)
        vectors = self._vectors(0, values)
        mixed = image.scores(E0, values).view(batch, ROWS, count)
        mixed.baddbmm_(vectors @ vectors.transpose(1, 2), rows, beta=2.0)
        square = mixed.mul_(rows).sum(1, keepdim=True)
        square += image.scalars[SQUARE0] + 2 * image.scalars[BIAS0]
        r0 = square.div_(CHANNELS).add_(_EPSILON).rsqrt_()
        return Keys(rows, vectors, r0, values)

    def second(self, image: ImageTokens, keys: Keys, weights: Tensor, values: Tensor) -> Keys:
        """The image tokens after layer 1; arguments as for `first`."""
        batch, count = len(weights), weights.shape[-1]
        both = keys.weights.new_empty(batch, 2 * ROWS, count)
        torch.mul(keys.weights, keys.r0, out=both[:, :ROWS])
        both[:, ROWS:] = weights.view(batch, ROWS, count)
        vectors = torch.cat([self._vectors(1, keys.values), self._vectors(2, values)], 1)
        mixed = torch.cat([image.scores(F0, keys.values), image.scores(F1, values)], 1).view(both.shape)
        mixed.mul_(keys.r0).baddbmm_(vectors @ vectors.transpose(1, 2), both, beta=2.0)
        square = mixed.mul_(both).sum(1, keepdim=True)
        # |r0 f|^2 + 2 r0 f . biases; a head's weights sum to r0 in layer 0's rows, to 1 in layer 1's
        squares = image.scalars[SQUARE1] + 2 * image.scalars[BIAS0F]
        square += (squares * keys.r0).add_(2 * image.scalars[BIAS1]).mul_(keys.r0)
        r1 = square.div_(CHANNELS).add_(_EPSILON).rsqrt_()
        return Keys(both, vectors, keys.r0, keys.values, r1)


@dataclass(frozen=True, eq=False)
class Reader:
    """One projection of changed image tokens, as scores or as values.

    Attributes:
        row: the feature row that holds its product with e or f.
        position: the feature row of what the position adds, -1 for values.
        weight: 8x16x256, the projection times the gain of the layer norm before it.
        shift: 128 float32, what the norm's bias and the projection's own make of any token (values).
    """

    row: int
    position: int
    weight: Tensor
    shift: Tensor

    def scores(self, image: ImageTokens, keys: Keys, vectors: Tensor) -> Tensor:
        """Products of Bx8x7x16 with every image token's projection: Bx8x7xN."""
        batch = len(vectors)
        fold = spread_heads(vectors, self.weight) @ keys.vectors.transpose(1, 2)
        out = image.scores(self.row, vectors)
        flat = out.view(batch, ROWS, -1)
        if keys.r1 is None:
            flat.baddbmm_(fold, keys.weights).mul_(keys.r0)
        else:
            flat.mul_(keys.r0).baddbmm_(fold, keys.weights).mul_(keys.r1)
        return out.add_(image.scores(self.position, vectors))

    def values(self, image: ImageTokens, keys: Keys, weights: Tensor) -> Tensor:
        """Sums of every image token's projection with Bx8x7xN weights: Bx7x128."""
        batch = len(weights)
        scaled = weights.view(batch, ROWS, -1) * (keys.r0 if keys.r1 is None else keys.r1)
        added = (scaled @ keys.weights.transpose(1, 2)) @ keys.vectors
        if keys.r1 is not None:
            scaled.mul_(keys.r0)
        out = image.values(self.row, scaled.view(weights.shape))
        out = out + gather_heads(added.view(batch, HEADS, TOKENS, -1), self.weight)
        return out.transpose(1, 2).flatten(2) + self.shift


def spread_heads(x: Tensor, weight: Tensor) -> Tensor:
    """Bx8x7x16 times 8x16xC, head by head: Bx56xC."""
    batch = len(x)
    out = torch.bmm(x.transpose(0, 1).reshape(HEADS, batch * TOKENS, -1), weight)
    return out.view(HEADS, batch, TOKENS, -1).transpose(0, 1).reshape(batch, ROWS, -1)


def gather_heads(x: Tensor, weight: Tensor) -> Tensor:
    """Bx8x7xC times the transpose of 8x16xC, head by head: Bx8x7x16."""
    batch = len(x)
    out = torch.bmm(x.transpose(0, 1).reshape(HEADS, batch * TOKENS, -1), weight.transpose(1, 2))
    return out.view(HEADS, batch, TOKENS, -1).transpose(0, 1)
