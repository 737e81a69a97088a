"""The mask decoder for many single-point prompts on one picture.

It is exact: the same low-resolution logits and predicted IoUs as `sam.mask_decoder` with
multimask_output=True.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from mobile_sam.modeling import Sam
from numpy.typing import NDArray
from torch import Tensor

from droplets.sam import projections as rows
from droplets.sam.attention import ImageSide, Keys, Reader
from droplets.sam.batches import batch_size, in_batches
from droplets.sam.encoder import Embedding
from droplets.sam.products import prefer_fastest_fp32
from droplets.sam.projections import ImageTokens, Prepared, Projections, cross_attentions, split_heads
from droplets.sam.resample import LOW
from droplets.sam.tokens import PromptTokens, heads_of, layer_norm, linear, mlp, self_attention
from droplets.sam.transfer import upload
from droplets.sam.upscale import Upscaler

_SCALE = 0.25  # 1 / sqrt(16 channels a head)


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a batch of prompts gave.

    Attributes:
        prompt: B int64, which of the points, on the host.
        predicted_iou: Bx3 float32, on the host.
        kept: Kx2 int64 (row of `prompt`, channel 0 to 2), masks over the threshold, on the host.
        logits: Kx256x256 float32, on the device.
    """

    prompt: Tensor
    predicted_iou: Tensor
    kept: Tensor
    logits: Tensor


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
        return Prepared(self._projections.project(embedding), embedding)

    @torch.inference_mode()
    def decode(self, prepared: Prepared, points: NDArray[np.float64], threshold: float) -> Iterator[Decoded]:
        """Answers in order, a batch at a time.

        Args:
            prepared: the picture.
            points: Nx2 (x, y) in the 1024 frame.
            threshold: only masks whose predicted IoU is above it get logits.
        """

        def answer(prompts: NDArray[np.int64]) -> Decoded:
            tokens, keys = self._transform(prepared.tokens, self._embed(points[prompts]))
            return self._finish(prepared.tokens, prompts, tokens, keys, threshold)

        yield from in_batches(len(points), batch_size(self.device), answer)

    def _embed(self, points: NDArray[np.float64]) -> Tensor:
        return self._prompts.embed(upload(points.astype(np.float32), self.device))

    def _transform(self, image: ImageTokens, position: Tensor) -> tuple[Tensor, Keys]:
        """The two-way transformer: Bx7x256 prompt tokens -> finished tokens, finished image tokens."""
        first, second = self._layers
        read = self._readers
        tokens = self_attention(first, position, position, first=True)
        weights = image.scores(rows.K0, self._queries(0, tokens + position)).softmax(-1)
        mixed = image.values(rows.V0, weights).transpose(1, 2).flatten(2)
        tokens = mlp(first, tokens, self._out(0, mixed))
        answers = image.scores(rows.Q0, self._answers(0, tokens + position))
        values = heads_of(self._i2t[0].v_proj, tokens)
        keys = self._image.first(image, answers.softmax(2), values)

        tokens = self_attention(second, tokens, position, first=False)
        weights = read["key1"].scores(image, keys, self._queries(1, tokens + position)).softmax(-1)
        tokens = mlp(second, tokens, self._out(1, read["value1"].values(image, keys, weights)))
        answers = read["query1"].scores(image, keys, self._answers(1, tokens + position))
        values = heads_of(self._i2t[1].v_proj, tokens)
        keys = self._image.second(image, keys, answers.softmax(2), values)

        weights = read["key2"].scores(image, keys, self._queries(2, tokens + position)).softmax(-1)
        tokens = tokens + self._out(2, read["value2"].values(image, keys, weights))
        return layer_norm(self._final_norm, tokens), keys

    def _queries(self, which: int, tokens: Tensor) -> Tensor:
        return heads_of(self._t2i[which].q_proj, tokens, _SCALE)

    def _answers(self, which: int, tokens: Tensor) -> Tensor:
        return heads_of(self._i2t[which].k_proj, tokens, _SCALE)

    def _out(self, which: int, mixed: Tensor) -> Tensor:
        return linear(self._t2i[which].out_proj, mixed)

    def _finish(
        self, image: ImageTokens, prompts: NDArray[np.int64], tokens: Tensor, keys: Keys, threshold: float
    ) -> Decoded:
        """Logits of the masks over the threshold; a GPU is waited for once, to learn which they are."""
        predicted = self._prompts.predicted_iou(tokens).cpu()
        row, channel = (predicted > threshold).numpy().nonzero()
        used, place = np.unique(row, return_inverse=True)
        if len(used):
            which = upload(used, self.device)
            weights = self._prompts.mask_weights(tokens[which])
            logits = self._upscaler.logits(keys.of(which), image.upscaled, weights)
            logits = logits[upload(np.stack([place, channel]), self.device).unbind()]
        else:
            logits = tokens.new_empty(0, LOW, LOW)
        kept = torch.from_numpy(np.stack([row, channel], 1))
        return Decoded(torch.from_numpy(prompts), predicted, kept, logits)
