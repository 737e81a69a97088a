"""MobileSAM's image encoder as a pyramid: its features at three strides, for frames of any size.

The network itself takes square frames of 1024 pixels only, though nothing in it depends on the size: it
has no position embedding, and its attention works within windows whose biases are relative. This
module walks through its layers with the size of the frame at hand.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional

Layer = Any  # of the torch network, whose layers keep their settings as attributes


def features(network: Layer, frames: Tensor) -> dict[int, Tensor]:
    """The encoder's features by their stride in pixels.

    Args:
        network: the TinyViT in eval mode.
        frames: Bx3xHxW float32, RGB with MobileSAM's mean and deviation taken off; H and W are multiples
            of 16.

    Returns:
        4: Bx64x(H/4)x(W/4) after the first stage's blocks; 8: Bx128x(H/8)x(W/8) after that stage;
        16: Bx256x(H/16)x(W/16), what the decoder takes.
    """
    stem, *stages = network.layers
    x = network.patch_embed(frames)
    for block in stem.blocks:
        x = block(x)
    found = {4: x}
    x = found[8] = _merged(x, stem.downsample)
    for stage in stages:
        for block in stage.blocks:
            x = _block(x, block)
        if stage.downsample is not None:
            x = _merged(x, stage.downsample)
    found[16] = network.neck(x)
    return found


def _merged(x: Tensor, layer: Layer) -> Tensor:
    """PatchMerging of a feature map, to a feature map."""
    return layer.conv3(layer.act(layer.conv2(layer.act(layer.conv1(x)))))  # type: ignore[no-any-return]


def _block(x: Tensor, block: Layer) -> Tensor:
    """TinyViTBlock of a feature map, to a feature map."""
    x = block.local_conv(x + _window_attention(x, block))
    tokens: Tensor = x.flatten(2).transpose(1, 2)
    tokens = tokens + block.mlp(tokens)
    return tokens.transpose(1, 2).reshape(x.shape)


def _window_attention(x: Tensor, block: Layer) -> Tensor:
    """Attention within windows of BxCxHxW, which is padded to a whole number of them."""
    side = block.window_size
    batch, channels, height, width = x.shape
    rows, columns = -(-height // side), -(-width // side)
    x = functional.pad(x, (0, columns * side - width, 0, rows * side - height))
    windows = x.reshape(batch, channels, rows, side, columns, side).permute(0, 2, 4, 3, 5, 1)
    tokens: Tensor = block.attn(windows.reshape(-1, side * side, channels))
    x = tokens.reshape(windows.shape).permute(0, 5, 1, 3, 2, 4)
    return x.reshape(batch, channels, rows * side, columns * side)[:, :, :height, :width]
