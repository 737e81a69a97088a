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
    E0,
    F0,
    F1,
    HEADS,
    SQUARE0,
    SQUARE1,
    Projections,
    split_heads,
)
from droplets.sam.tokens import TOKENS

CHANNELS = 256
ROWS = HEADS * TOKENS
_EPSILON = 1e-5  # of the transformer's layer norms


@dataclass(frozen=True, eq=False)
class View:
    """The image tokens that B prompts see: M of their own group's, then S that all share.

    Attributes:
        own: 14xGx128xM or None; G groups of B/G prompts each, in order.
        shared: 14x128xS.
        scalars: 5xGx1x(M+S), or 5x1x1xS where there are no own tokens.
        bias: Gx1x1x(M+S) added to token-to-image scores, or None.
    """

    own: Tensor | None
    shared: Tensor
    scalars: Tensor
    bias: Tensor | None

    @property
    def near(self) -> int:
        """M."""
        return 0 if self.own is None else self.own.shape[-1]

    def scores(self, row: int, vectors: Tensor) -> Tensor:
        """Products of Bx8x7x16 with feature `row` of every image token: Bx8x7x(M+S)."""
        batch, count = len(vectors), self.shared.shape[-1]
        shared = self.shared[row].view(HEADS, -1, count)
        if self.own is None:
            out = vectors.new_empty(batch, HEADS, TOKENS, count)
            for one, result in zip(vectors, out, strict=True):
                torch.bmm(one, shared, out=result)
            return out
        groups, near = self.own.shape[1], self.near
        out = vectors.new_empty(batch, HEADS, TOKENS, near + count)
        far = torch.bmm(vectors.transpose(0, 1).reshape(HEADS, -1, vectors.shape[-1]), shared)
        out[..., near:] = far.view(HEADS, batch, TOKENS, count).transpose(0, 1)
        grouped = self._group(vectors).reshape(groups * HEADS, -1, vectors.shape[-1])
        close = torch.bmm(grouped, self.own[row].view(groups * HEADS, -1, near))
        out[..., :near] = self._ungroup(close, groups)
        return out

    def values(self, row: int, weights: Tensor) -> Tensor:
        """Sums of feature `row` over the image tokens with Bx8x7x(M+S) weights: Bx8x7x16."""
        batch, count = len(weights), self.shared.shape[-1]
        shared = self.shared[row].view(HEADS, -1, count).transpose(1, 2)
        if self.own is None:
            return torch.stack([torch.bmm(one, shared) for one in weights])
        groups, near = self.own.shape[1], self.near
        far = torch.bmm(weights[..., near:].transpose(0, 1).reshape(HEADS, -1, count), shared)
        grouped = self._group(weights[..., :near]).reshape(groups * HEADS, -1, near)
        close = torch.bmm(grouped, self.own[row].view(groups * HEADS, -1, near).transpose(1, 2))
        return self._ungroup(close, groups) + far.view(HEADS, batch, TOKENS, -1).transpose(0, 1)

    def _group(self, x: Tensor) -> Tensor:
        """Bx8x7xC -> Gx8x(B/G)x7xC."""
        own = self.own
        groups = 1 if own is None else own.shape[1]
        return x.reshape(groups, -1, HEADS, TOKENS, x.shape[-1]).transpose(1, 2)

    @staticmethod
    def _ungroup(x: Tensor, groups: int) -> Tensor:
        """(G 8)x(B/G 7)xC -> Bx8x7xC."""
        x = x.view(groups, HEADS, -1, TOKENS, x.shape[-1]).transpose(1, 2)
        return x.reshape(-1, HEADS, TOKENS, x.shape[-1]) if x.shape[1] > 1 else x[:, 0]

    def spread(self, x: Tensor, batch: int) -> Tensor:
        """GxRxN, one line per group -> BxRxN or 1xRxN, one per prompt."""
        return x if len(x) in (1, batch) else x.repeat_interleave(batch // len(x), 0)


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

    def columns(self, count: int) -> Keys:
        """The first `count` image tokens only."""
        r1 = None if self.r1 is None else self.r1[..., :count]
        return Keys(self.weights[..., :count], self.vectors, self.r0[..., :count], self.values, r1)

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

    def first(self, view: View, weights: Tensor, values: Tensor) -> Keys:
        """The image tokens after layer 0.

        Args:
            weights: Bx8x7xN, softmaxed over the 7.
            values: Bx8x7x16.
        """
        batch, count = len(weights), weights.shape[-1]
        rows = weights.view(batch, ROWS, count)
        vectors = self._vectors(0, values)
        mixed = view.scores(E0, values).view(batch, ROWS, count)
        mixed.baddbmm_(vectors @ vectors.transpose(1, 2), rows, beta=2.0)
        square = mixed.mul_(rows).sum(1, keepdim=True)
        constant = view.scalars[SQUARE0] + 2 * view.scalars[BIAS0]
        square += view.spread(constant, batch)
        r0 = square.div_(CHANNELS).add_(_EPSILON).rsqrt_()
        return Keys(rows, vectors, r0, values)

    def second(self, view: View, keys: Keys, weights: Tensor, values: Tensor) -> Keys:
        """The image tokens after layer 1; arguments as for `first`."""
        batch, count = len(weights), weights.shape[-1]
        both = keys.weights.new_empty(batch, 2 * ROWS, count)
        torch.mul(keys.weights, keys.r0, out=both[:, :ROWS])
        both[:, ROWS:] = weights.view(batch, ROWS, count)
        vectors = torch.cat([self._vectors(1, keys.values), self._vectors(2, values)], 1)
        mixed = torch.cat([view.scores(F0, keys.values), view.scores(F1, values)], 1).view(both.shape)
        mixed.mul_(keys.r0).baddbmm_(vectors @ vectors.transpose(1, 2), both, beta=2.0)
        square = mixed.mul_(both).sum(1, keepdim=True)
        # |r0 f|^2 + 2 r0 f . biases; a head's weights sum to r0 in layer 0's rows, to 1 in layer 1's
        squares = view.spread(view.scalars[SQUARE1] + 2 * view.scalars[BIAS0F], batch)
        square += (squares * keys.r0).add_(view.spread(2 * view.scalars[BIAS1], batch)).mul_(keys.r0)
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

    def scores(self, view: View, keys: Keys, vectors: Tensor) -> Tensor:
        """Products of Bx8x7x16 with every image token's projection: Bx8x7xN."""
        batch = len(vectors)
        fold = spread_heads(vectors, self.weight) @ keys.vectors.transpose(1, 2)
        out = view.scores(self.row, vectors)
        flat = out.view(batch, ROWS, -1)
        if keys.r1 is None:
            flat.baddbmm_(fold, keys.weights).mul_(keys.r0)
        else:
            flat.mul_(keys.r0).baddbmm_(fold, keys.weights).mul_(keys.r1)
        return out.add_(view.scores(self.position, vectors))

    def values(self, view: View, keys: Keys, weights: Tensor) -> Tensor:
        """Sums of every image token's projection with Bx8x7xN weights: Bx7x128."""
        batch = len(weights)
        scaled = weights.view(batch, ROWS, -1) * (keys.r0 if keys.r1 is None else keys.r1)
        added = (scaled @ keys.weights.transpose(1, 2)) @ keys.vectors
        if keys.r1 is not None:
            scaled.mul_(keys.r0)
        out = view.values(self.row, scaled.view(weights.shape))
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
