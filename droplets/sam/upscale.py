"""From the finished image tokens to mask logits.

Both transposed convolutions are 2x2 with stride 2 and so never mix tokens: some rows of them at a time
give exactly the pixels that the whole frame would.
"""

from __future__ import annotations

import torch
from mobile_sam.modeling import Sam
from torch import Tensor
from torch.nn import functional

from droplets.sam.attention import Keys
from droplets.sam.projections import CHANNELS, SIDE, Projections

_CHUNK = 2048  # image tokens upscaled at once: larger temporaries fall out of the cache


class Upscaler:
    """The decoder's output_upscaling and the products with the mask weights."""

    def __init__(self, sam: Sam, projections: Projections) -> None:
        _, norm, _, second, _ = sam.mask_decoder.output_upscaling
        self._up = projections.up.float()
        self._up_bias = projections.up_bias.float()
        self._norm = (norm.weight.detach(), norm.bias.detach(), norm.eps)
        inner = second.weight.shape[0]
        self._second = second.weight.detach().permute(2, 3, 1, 0).reshape(-1, inner).contiguous()
        self._second_bias = second.bias.detach().repeat(4)

    def logits(self, keys: Keys, upscaled: Tensor, mask_weights: Tensor) -> Tensor:
        """Mask logits of the frame.

        Args:
            keys: of K prompts.
            upscaled: 4096x256, the image tokens' feature of that name.
            mask_weights: KxJx32.

        Returns:
            KxJx256x256 float32.
        """
        added = functional.linear(keys.vectors, self._up)
        out = mask_weights.new_empty(len(mask_weights), mask_weights.shape[1], SIDE, SIDE, 4, 4)
        step = max(1, _CHUNK // (SIDE * len(out)))
        for top in range(0, SIDE, step):
            part = slice(top * SIDE, min(top + step, SIDE) * SIDE)
            out[:, :, top : top + step] = self._part(keys, upscaled, added, mask_weights, part).view(
                *out.shape[:2], -1, SIDE, 4, 4
            )
        return out.permute(0, 1, 2, 4, 3, 5).reshape(*out.shape[:2], 4 * SIDE, 4 * SIDE)

    def _part(self, keys: Keys, upscaled: Tensor, added: Tensor, mask_weights: Tensor, part: slice) -> Tensor:
        """KxJx(tokens)x16 logits of the tokens in `part`, sub-pixels in row-major order."""
        if keys.r1 is None:
            raise ValueError("these keys have not been through both layers")
        r0, r1 = keys.r0[:, 0, part, None], keys.r1[:, 0, part, None]
        x = torch.mul(upscaled[part], r0)
        x = x.baddbmm_(keys.weights[:, :, part].transpose(1, 2), added).mul_(r1).add_(self._up_bias)
        batch, tokens = x.shape[:2]
        weight, bias, eps = self._norm
        fine = x.view(batch, tokens * 4, CHANNELS // 4)
        fine = functional.layer_norm(fine, fine.shape[-1:], weight, bias, eps)
        finer = functional.linear(torch.ops.aten.gelu_(fine), self._second, self._second_bias)
        finer = torch.ops.aten.gelu_(finer).view(batch, tokens * 16, -1)
        logits = torch.bmm(mask_weights, finer.transpose(1, 2))
        # (token, row, column, sub-row, sub-column) -> (token, row, sub-row, column, sub-column)
        pixels = logits.view(batch, -1, tokens, 2, 2, 2, 2).transpose(4, 5)
        return pixels.reshape(batch, -1, tokens, 16)
