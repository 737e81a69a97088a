"""The prompt side of the decoder: seven tokens a prompt, which are the same work as in stock."""

from __future__ import annotations

import torch
from mobile_sam.modeling import Sam
from mobile_sam.modeling.transformer import TwoWayAttentionBlock
from torch import Tensor, nn
from torch.nn import functional

from droplets.sam.projections import HEADS

TOKENS = 7  # predicted IoU, four masks, the point, the padding point


def linear(module: nn.Linear, x: Tensor) -> Tensor:
    """What `module` makes of ...x(in): ...x(out)."""
    return functional.linear(x, module.weight, module.bias)


def layer_norm(module: nn.LayerNorm, x: Tensor) -> Tensor:
    """What `module` makes of ...xC."""
    return functional.layer_norm(x, x.shape[-1:], module.weight, module.bias, module.eps)


def heads_of(projection: nn.Linear, x: Tensor, scale: float = 1.0) -> Tensor:
    """Bx7x256 -> Bx8x7x16: projected, split into heads, times `scale`."""
    out = linear(projection, x).view(len(x), TOKENS, HEADS, -1)
    return out.mul_(scale).transpose(1, 2).contiguous()


class PromptTokens:
    """Embeds point prompts and reads the decoder's answers from the finished tokens."""

    def __init__(self, sam: Sam) -> None:
        decoder, prompts = sam.mask_decoder, sam.prompt_encoder
        self._prompts = prompts
        self._constant = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight]).detach()
        self._point = prompts.point_embeddings[1].weight.detach()  # of a positive point
        self._padding = prompts.not_a_point_embed.weight.detach()
        self._iou_head = decoder.iou_prediction_head
        networks = decoder.output_hypernetworks_mlps[1:]
        layers = range(len(networks[0].layers))
        self._weights = [torch.stack([n.layers[i].weight.detach() for n in networks]) for i in layers]
        self._biases = [torch.stack([n.layers[i].bias.detach() for n in networks]) for i in layers]

    def embed(self, points: Tensor) -> Tensor:
        """Nx2 (x, y) in the 1024 frame -> Nx7x256.

        Stock picks the points by their labels, for which a GPU has to be waited for.
        """
        place = self._prompts.pe_layer.forward_with_coords(
            points[:, None] + 0.5, self._prompts.input_image_size
        )
        constant, padding = (x.expand(len(points), -1, -1) for x in (self._constant, self._padding))
        return torch.cat([constant, place + self._point, padding], dim=1)

    def predicted_iou(self, tokens: Tensor) -> Tensor:
        """Nx7x256 -> Nx3, of the three masks of a multimask answer."""
        answer: Tensor = self._iou_head(tokens[:, 0])
        return answer[:, 1:]

    def mask_weights(self, tokens: Tensor) -> Tensor:
        """Nx7x256 -> Nx3x32: what the three masks make of the upscaled channels."""
        x = tokens[:, 2:5].transpose(0, 1)
        for i, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            x = torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))
            if i < len(self._weights) - 1:
                x = x.relu_()
        return x.transpose(0, 1)


def self_attention(block: TwoWayAttentionBlock, tokens: Tensor, position: Tensor, *, first: bool) -> Tensor:
    """The block's step 1, Bx7x256 -> Bx7x256: the tokens attend to each other."""
    attention = block.self_attn
    placed = tokens if first else tokens + position
    query, key = heads_of(attention.q_proj, placed), heads_of(attention.k_proj, placed)
    mixed = functional.scaled_dot_product_attention(query, key, heads_of(attention.v_proj, tokens))
    out = linear(attention.out_proj, mixed.transpose(1, 2).flatten(2))
    return layer_norm(block.norm1, out if first else tokens + out)


def mlp(block: TwoWayAttentionBlock, tokens: Tensor, attended: Tensor) -> Tensor:
    """The block's steps 2 and 3 after the attention to the image, Bx7x256 -> Bx7x256."""
    tokens = layer_norm(block.norm2, tokens + attended)
    hidden = linear(block.mlp.lin1, tokens).relu_()
    return layer_norm(block.norm3, tokens + linear(block.mlp.lin2, hidden))
