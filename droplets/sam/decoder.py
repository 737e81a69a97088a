"""The mask decoder for many single-point prompts on one picture.

Exact: the same low-resolution logits and predicted IoUs as `sam.mask_decoder` with
multimask_output=True. Near-exact: each prompt sees the image tokens of a window around it as they
are, and the rest of the frame as means of p x p tokens; only the window is upscaled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from mobile_sam.modeling import Sam
from numpy.typing import NDArray
from torch import Tensor

from droplets.sam import projections as rows
from droplets.sam.attention import ImageSide, Keys, Reader, View
from droplets.sam.batches import batch_size, each_or_halves, prompt_bytes
from droplets.sam.encoder import Embedding
from droplets.sam.products import prefer_fastest_fp32
from droplets.sam.projections import (
    SIDE,
    Prepared,
    Projections,
    TokenSet,
    cross_attentions,
    pool_tokens,
    split_heads,
)
from droplets.sam.tokens import PromptTokens, heads_of, layer_norm, linear, mlp, self_attention
from droplets.sam.transfer import upload
from droplets.sam.upscale import Upscaler
from droplets.sam.windows import (
    Group,
    consecutive,
    covered_blocks,
    cut_windows,
    group_by_window,
    token_indices,
    window_corners,
)

FINE = 4  # logits per image token along one side
_SCALE = 0.25  # 1 / sqrt(16 channels a head)


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a batch of prompts gave.

    Attributes:
        prompt: B int64, which of the points.
        predicted_iou: Bx3.
        kept: Kx2 int64 (row of `prompt`, channel 0 to 2): masks over the threshold.
        logits: KxSxS float32, a part of the 256x256 low-resolution frame.
        corner: Kx2 int64 (x, y) of that part's top-left in the 256x256 frame.
        cut: K bool, whether the mask reaches a border of its part that is not one of the frame's.
    """

    prompt: Tensor
    predicted_iou: Tensor
    kept: Tensor
    logits: Tensor
    corner: Tensor
    cut: Tensor


class Decoder:
    """MobileSAM's prompt encoder and mask decoder for positive single points.

    Args:
        sam: the model, in eval mode, on the device to work on; it is only read.
    """

    def __init__(self, sam: Sam) -> None:
        self.device = torch.device(sam.device)
        if self.device.type == "cpu":
            prefer_fastest_fp32()
        with torch.no_grad():
            self._projections = Projections(sam)
            self._prompts = PromptTokens(sam)
            self._image = ImageSide(self._projections)
            self._upscaler = Upscaler(sam, self._projections)
            self._readers = self._make_readers(sam)
        self._constants: dict[int, Tensor] = {}
        transformer = sam.mask_decoder.transformer
        self._layers = tuple(transformer.layers)
        self._final_norm = transformer.norm_final_attn
        self._t2i, self._i2t = cross_attentions(sam)

    @staticmethod
    def _make_readers(sam: Sam) -> dict[str, Reader]:
        (_, middle, final), (_, back) = cross_attentions(sam)
        norms = [layer.norm4 for layer in sam.mask_decoder.transformer.layers]

        def reader(row: int, position: int, module: torch.nn.Linear, layer: int) -> Reader:
            weight = module.weight.detach().double()
            gain, shift = norms[layer].weight.detach().double(), norms[layer].bias.detach().double()
            constant = weight @ shift + module.bias.detach().double()
            return Reader(row, position, split_heads((weight * gain).t()), constant.float())

        return {
            "key1": reader(rows.K1, rows.P_K1, middle.k_proj, 0),
            "value1": reader(rows.V1, -1, middle.v_proj, 0),
            "query1": reader(rows.Q1, rows.P_Q1, back.q_proj, 0),
            "key2": reader(rows.K2, rows.P_K2, final.k_proj, 1),
            "value2": reader(rows.V2, -1, final.v_proj, 1),
        }

    @torch.inference_mode()
    def prepare(self, embedding: Embedding) -> Prepared:
        """Project the picture's image tokens once, for all its prompts."""
        full = self._project(embedding, 1)
        return Prepared(full, {}, embedding)

    def _project(self, embedding: Embedding, pool: int) -> TokenSet:
        if pool not in self._constants:
            self._constants[pool] = self._projections.constants(pool)
        tokens = embedding.features[0].flatten(1).t() + self._projections.no_mask
        return self._projections.project(pool_tokens(tokens, pool).contiguous(), self._constants[pool])

    def _pooled(self, prepared: Prepared, pool: int) -> TokenSet:
        if pool not in prepared.pooled:
            prepared.pooled[pool] = self._project(prepared.embedding, pool)
        return prepared.pooled[pool]

    @torch.inference_mode()
    def decode(
        self,
        prepared: Prepared,
        points: NDArray[np.float64],
        threshold: float = 0.88,
        *,
        batch: int | None = None,
    ) -> Iterator[Decoded]:
        """Exact answers, a batch at a time.

        Args:
            prepared: the picture.
            points: Nx2 (x, y) in the 1024 frame.
            threshold: only masks whose predicted IoU is above it get logits, for the whole frame.
            batch: prompts decoded at once; by default what the device does fastest and has memory for.
        """
        full = prepared.full
        view = View(None, full.stack, full.scalars[:, None, None], None)
        step = batch or batch_size(self.device, prompt_bytes(SIDE**2), cpu=4, largest=64)

        def answer(group: Group) -> Decoded:
            tokens, keys = self._transform(view, self._embed(points[group.prompts]))
            return self._finish(group, tokens, keys, full.upscaled[None], threshold)

        yield from each_or_halves(consecutive(len(points), step), answer)

    @torch.inference_mode()
    def decode_near(
        self,
        prepared: Prepared,
        points: NDArray[np.float64],
        threshold: float = 0.88,
        *,
        window: int = 16,
        pool: int = 4,
        batch: int | None = None,
    ) -> Iterator[Decoded]:
        """Near-exact answers, a batch at a time and in an order of its own.

        Args:
            prepared: the picture.
            points: Nx2 (x, y) in the 1024 frame.
            threshold: only masks whose predicted IoU is above it get logits, for their window.
            window: image tokens (16 frame pixels each) along the window, a multiple of `pool`.
            pool: image tokens along the blocks that the rest of the frame is averaged over.
            batch: prompts decoded at once; by default what the device does fastest and has memory for.
        """
        if window % pool or SIDE % pool or not 0 < window <= SIDE:
            raise ValueError(f"window {window} must be a multiple of pool {pool}, which must divide {SIDE}")
        near = window * window
        step = batch or batch_size(self.device, prompt_bytes(near + (SIDE // pool) ** 2, near), cpu=16)

        def answer(group: Group) -> Decoded:
            view, upscaled = self._view(prepared, group.corners, window, pool)
            tokens, keys = self._transform(view, self._embed(points[group.prompts]))
            return self._finish(group, tokens, keys.columns(near), upscaled, threshold)

        yield from each_or_halves(group_by_window(window_corners(points, window, pool), step), answer)

    def _view(
        self, prepared: Prepared, corners: NDArray[np.int64], window: int, pool: int
    ) -> tuple[View, Tensor]:
        """What the prompts of windows at Gx2 corners see, and Gx(window^2)x256 to upscale."""
        full, far = prepared.full, self._pooled(prepared, pool)
        groups, near, device = len(corners), window * window, self.device
        own = cut_windows(full.stack.view(rows.STACK, rows.INNER, SIDE, SIDE), corners, window, pool)
        scalars = full.scalars.new_empty(len(full.scalars), groups, 1, near + (SIDE // pool) ** 2)
        scalars[..., :near] = cut_windows(full.scalars.view(-1, 1, SIDE, SIDE), corners, window, pool)
        scalars[..., near:] = far.scalars[:, None, None]
        weight = np.where(covered_blocks(corners, window, pool), -math.inf, 2 * math.log(pool))
        bias = full.scalars.new_zeros(groups, 1, 1, scalars.shape[-1])
        bias[:, 0, 0, near:] = upload(weight.astype(np.float32), device)
        tokens = upload(token_indices(corners, window).ravel(), device)
        upscaled = full.upscaled.index_select(0, tokens).view(groups, near, -1)
        return View(own, far.stack, scalars, bias), upscaled

    def _embed(self, points: NDArray[np.float64]) -> Tensor:
        return self._prompts.embed(upload(points.astype(np.float32), self.device))

    def _transform(self, view: View, position: Tensor) -> tuple[Tensor, Keys]:
        """The two-way transformer: Bx7x256 prompt tokens -> finished tokens, finished image tokens."""
        first, second = self._layers
        read = self._readers
        tokens = self_attention(first, position, position, first=True)
        weights = self._attend(view, view.scores(rows.K0, self._queries(0, tokens + position)))
        mixed = view.values(rows.V0, weights).transpose(1, 2).flatten(2)
        tokens = mlp(first, tokens, self._out(0, mixed))
        answers = view.scores(rows.Q0, self._answers(0, tokens + position))
        values = heads_of(self._i2t[0].v_proj, tokens)
        keys = self._image.first(view, answers.softmax(2), values)

        tokens = self_attention(second, tokens, position, first=False)
        weights = self._attend(view, read["key1"].scores(view, keys, self._queries(1, tokens + position)))
        tokens = mlp(second, tokens, self._out(1, read["value1"].values(view, keys, weights)))
        answers = read["query1"].scores(view, keys, self._answers(1, tokens + position))
        values = heads_of(self._i2t[1].v_proj, tokens)
        keys = self._image.second(view, keys, answers.softmax(2), values)

        weights = self._attend(view, read["key2"].scores(view, keys, self._queries(2, tokens + position)))
        tokens = tokens + self._out(2, read["value2"].values(view, keys, weights))
        return layer_norm(self._final_norm, tokens), keys

    def _queries(self, which: int, tokens: Tensor) -> Tensor:
        return heads_of(self._t2i[which].q_proj, tokens, _SCALE)

    def _answers(self, which: int, tokens: Tensor) -> Tensor:
        return heads_of(self._i2t[which].k_proj, tokens, _SCALE)

    def _out(self, which: int, mixed: Tensor) -> Tensor:
        return linear(self._t2i[which].out_proj, mixed)

    @staticmethod
    def _attend(view: View, scores: Tensor) -> Tensor:
        """Softmax over the image tokens, in which a mean of p x p tokens weighs as many."""
        if view.bias is not None:
            scores.add_(view.spread(view.bias, len(scores)))
        return scores.softmax(-1)

    def _finish(
        self,
        group: Group,
        tokens: Tensor,
        keys: Keys,
        upscaled: Tensor,
        threshold: float,
    ) -> Decoded:
        """Logits of the masks over the threshold; a GPU is waited for once, to learn which they are."""
        predicted = self._prompts.predicted_iou(tokens)
        over = (predicted > threshold).cpu().numpy()
        row, channel = over.nonzero()
        used, place = np.unique(row, return_inverse=True)
        side = math.isqrt(upscaled.shape[1])
        share = len(group.prompts) // len(group.corners)
        which, kept = upload(used, self.device), upload(np.stack([row, channel], 1), self.device)
        features = upscaled if len(upscaled) == 1 else upscaled[which // share]
        if len(used):
            weights = self._prompts.mask_weights(tokens[which])
            logits = self._upscaler.logits(keys.of(which), features, weights, side)
            logits = logits[upload(place, self.device), kept[:, 1]]
        else:
            logits = predicted.new_empty(0, side * FINE, side * FINE)
        corner = upload(group.corners[row // share], self.device)
        cut = _reaches_border(logits, corner, side)
        prompts = upload(group.prompts, self.device)
        return Decoded(prompts, predicted, kept, logits, corner * FINE, cut)


def _reaches_border(logits: Tensor, corner: Tensor, side: int) -> Tensor:
    """K bool: whether KxSxS logits are positive along a border that is not the frame's.

    Args:
        corner: Kx2 (x, y) image token of the windows' top-left.
        side: image tokens along the windows.
    """
    inside = torch.stack(
        [corner[:, 0] > 0, corner[:, 1] > 0, corner[:, 0] < SIDE - side, corner[:, 1] < SIDE - side]
    )
    edges = torch.stack([logits[:, :, 0], logits[:, 0], logits[:, :, -1], logits[:, -1]])
    return ((edges > 0).any(-1) & inside).any(0)
