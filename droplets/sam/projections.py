"""Everything the decoder needs of the image, projected once per picture instead of once per prompt.

The two-way transformer changes the image tokens e (4096x256) twice, each time by
adding an attention output and normalising. An attention output is a combination of 56 vectors
(8 heads x 7 prompt tokens), so with a0, a1 the weights and U0, U1 the vectors of the two layers

    keys1 = g0 * r0 * (ec + a0' U0c) + b0
    keys2 = g1 * r1 * (r0 * f + [r0 a0, a1]' U) + b1,    f = centred(g0 * ec)

where ec and U0c are centred over the channels and r0, r1 are the reciprocal standard deviations.
Every product with the image tokens therefore falls apart into a product with e or f, which
no prompt changes and which is computed here, and products of matrices with 56 or 112 rows.
No prompt ever needs its own copy of the 4096x256 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from mobile_sam.modeling import Sam
from mobile_sam.modeling.transformer import Attention
from torch import Tensor, nn
from torch.nn import functional

from droplets.sam.encoder import Embedding

SIDE = 64  # image tokens along one side of the frame
CHANNELS = 256
CROSS_CHANNELS = 128  # channels of the cross attentions
HEADS = 8

# The rows of a feature stack, 128 channels each. K, V, Q: keys, values and queries of the cross
# attentions of layer 0, layer 1 and the final one; E, F: products with the output projections, for
# the variances; P: what the position encoding adds to a key or query, the same for all pictures.
K0, V0, Q0, E0, F0, K1, V1, Q1, F1, K2, V2, P_K1, P_Q1, P_K2 = range(14)
STACK = 14
# The rows of the scalars: |ec|^2, |f|^2, and the products of ec and f with the output biases.
SQUARE0, SQUARE1, BIAS0, BIAS0F, BIAS1 = range(5)


def _double(module: nn.Linear) -> tuple[Tensor, Tensor]:
    return module.weight.detach().double(), module.bias.detach().double()


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(-1, keepdim=True)


@dataclass(frozen=True, eq=False)
class ImageTokens:
    """Features of the frame's N = 4096 image tokens, row by row.

    Attributes:
        stack: 14x128xN float32.
        scalars: 5xN float32.
        upscaled: Nx256 float32, f after the first transposed convolution.
    """

    stack: Tensor
    scalars: Tensor
    upscaled: Tensor

    def scores(self, row: int, vectors: Tensor) -> Tensor:
        """Products of Bx8x7x16 with feature `row` of every image token: Bx8x7xN."""
        feature = self.stack[row].view(HEADS, -1, SIDE**2)
        out = vectors.new_empty(*vectors.shape[:3], SIDE**2)
        for one, result in zip(vectors, out, strict=True):
            torch.bmm(one, feature, out=result)
        return out

    def values(self, row: int, weights: Tensor) -> Tensor:
        """Sums of feature `row` over the image tokens with Bx8x7xN weights: Bx8x7x16."""
        feature = self.stack[row].view(HEADS, -1, SIDE**2).transpose(1, 2)
        return torch.stack([torch.bmm(one, feature) for one in weights])


@dataclass(frozen=True, eq=False)
class Prepared:
    """One picture, ready for any number of prompts.

    Attributes:
        tokens: the features of its image tokens.
        embedding: what they were made of.
    """

    tokens: ImageTokens
    embedding: Embedding


class Projections:
    """The projections of the image tokens, folded into one matrix.

    Args:
        sam: the model, on the device to work on.
    """

    def __init__(self, sam: Sam) -> None:
        transformer = sam.mask_decoder.transformer
        self._no_mask = sam.prompt_encoder.no_mask_embed.weight.detach().reshape(-1)
        self._t2i, self._i2t = cross_attentions(sam)
        self._gain = [layer.norm4.weight.detach().double() for layer in transformer.layers]
        self._shift = [layer.norm4.bias.detach().double() for layer in transformer.layers]
        deconvolution = sam.mask_decoder.output_upscaling[0]
        # in x out x 2 x 2 -> out of all four sub-pixels (row, column, channel) x in
        self._deconvolution = deconvolution.weight.detach().double().permute(2, 3, 1, 0).reshape(-1, CHANNELS)
        self._fold(deconvolution)
        self._constants = self._position_rows(sam.prompt_encoder.get_dense_pe().detach()[0].flatten(1).t())

    def _fold(self, deconvolution: nn.ConvTranspose2d) -> None:
        """Set the matrices that are applied to image tokens and to the 16-channel token values."""
        g0, g1 = self._gain
        out0, out_bias0 = _double(self._i2t[0].out_proj)
        out1, out_bias1 = _double(self._i2t[1].out_proj)
        # Centring over the output channels moves into the output projection (256x128).
        self.out0 = out0 - out0.mean(0, keepdim=True)
        self.out_bias0 = _centred(out_bias0)
        out0g = self.out0 * g0[:, None]
        self.out0f = out0g - out0g.mean(0, keepdim=True)
        self.out_bias0f = _centred(self.out_bias0 * g0)
        self.out1 = out1 - out1.mean(0, keepdim=True)
        self.out_bias1 = _centred(out_bias1 + self._shift[0])
        bias = torch.zeros(CHANNELS // 4) if deconvolution.bias is None else deconvolution.bias.detach()
        self.up_bias = self._deconvolution @ self._shift[1] + bias.double().repeat(4)
        self.up = self._deconvolution * g1
        centre = torch.eye(CHANNELS, dtype=torch.float64, device=g0.device) - 1 / CHANNELS
        to_f = centre @ torch.diag(g0) @ centre  # f = to_f e
        rows = [
            self._t2i[0].k_proj.weight.double(),
            self._t2i[0].v_proj.weight.double(),
            self._i2t[0].q_proj.weight.double(),
            self.out0.t() @ centre,
            self.out0f.t() @ to_f,
            (self._t2i[1].k_proj.weight.double() * g0) @ centre,
            (self._t2i[1].v_proj.weight.double() * g0) @ centre,
            (self._i2t[1].q_proj.weight.double() * g0) @ centre,
            self.out1.t() @ to_f,
            (self._t2i[2].k_proj.weight.double() * g1) @ to_f,
            (self._t2i[2].v_proj.weight.double() * g1) @ to_f,
        ]
        tails = [self.out_bias0 @ centre, self.out_bias0f @ to_f, self.out_bias1 @ to_f]
        self._matrix = torch.cat([*rows, torch.stack(tails)]).detach().float()
        self._up_matrix = (self.up @ to_f).float()
        self._to_f = to_f.float()

    def _position_rows(self, position: Tensor) -> Tensor:
        """Nx256 -> 6x128xN: what the position and the biases give K0, V0, Q0, P_K1, P_Q1, P_K2.

        No picture changes it.
        """
        p = position.double()

        def row(module: nn.Linear, x: Tensor) -> Tensor:
            weight, bias = _double(module)
            return torch.addmm(bias[:, None], weight, x.t().expand(CHANNELS, len(p)))

        zero = torch.zeros(1, CHANNELS, dtype=torch.float64, device=p.device)
        return torch.stack(
            [
                row(self._t2i[0].k_proj, p),
                row(self._t2i[0].v_proj, zero),
                row(self._i2t[0].q_proj, p),
                row(self._t2i[1].k_proj, p + self._shift[0]),
                row(self._i2t[1].q_proj, p + self._shift[0]),
                row(self._t2i[2].k_proj, p + self._shift[1]),
            ]
        ).float()

    def project(self, embedding: Embedding) -> ImageTokens:
        """Features of a picture's image tokens."""
        tokens = (embedding.features[0].flatten(1).t() + self._no_mask).contiguous()
        rows = functional.linear(self._matrix, tokens)
        stack = torch.empty(STACK, CROSS_CHANNELS, len(tokens), device=tokens.device)
        stack[: K2 + 2] = rows[: 11 * CROSS_CHANNELS].view(11, CROSS_CHANNELS, -1)
        stack[K0 : Q0 + 1] += self._constants[:3]
        stack[P_K1:] = self._constants[3:]
        square0 = _centred(tokens).pow(2).sum(1)
        square1 = functional.linear(tokens, self._to_f).pow(2).sum(1)
        scalars = torch.cat([torch.stack([square0, square1]), rows[11 * CROSS_CHANNELS :]])
        return ImageTokens(stack, scalars, functional.linear(tokens, self._up_matrix))


def split_heads(weight: Tensor) -> Tensor:
    """Cx128 -> 8x16xC float32: what each of a head's 16 channels contributes to C outputs."""
    return weight.t().reshape(HEADS, CROSS_CHANNELS // HEADS, -1).float().contiguous()


def cross_attentions(sam: Sam) -> tuple[tuple[Attention, ...], tuple[Attention, ...]]:
    """(token to image of layer 0, layer 1 and the end; image to token of layers 0 and 1)."""
    transformer = sam.mask_decoder.transformer
    first, second = transformer.layers
    return (
        (
            first.cross_attn_token_to_image,
            second.cross_attn_token_to_image,
            transformer.final_attn_token_to_image,
        ),
        (first.cross_attn_image_to_token, second.cross_attn_image_to_token),
    )
