"""The head: from MobileSAM's features to centres, outlines, kinds and expected IoU of all objects at once.

As in StarDist (Schmidt et al., MICCAI 2018) every object is a star: a centre, and the distance to its
outline along equally spaced rays. The head looks at the frozen image encoder at three strides (4, 8 and
16) and at the pixels themselves, and answers at stride 4, in two layers: objects that lie in no other
one, and what lies in them.

A cell is one place of the answer, a square of 4x4 pixels of the frame; that of row i and column j has
its centre at x = 4 j + 1.5, y = 4 i + 1.5, with pixel centres at integers. Ray k points at the angle
2 pi k / 32 from the x axis towards the y axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD_RAYS = 32
STRIDE = 4
"""Pixels of the frame between two cells."""
FIRST = 1.5
"""Pixels of the frame from its first pixel's centre to the first cell's."""
LAYERS = ("outer", "inner")
"""Objects that lie in no other one, and what lies in them."""
HEAT, QUALITY, KIND, RAY = 0, 1, 2, 3
"""Channels of a layer: logits of a centre, of the expected IoU and of a bead; from RAY on, logarithms of the
ray lengths in cells."""
LAYER_CHANNELS = RAY + HEAD_RAYS
ENCODER_CHANNELS = {4: 64, 8: 128, 16: 256}
"""Channels of the encoder's features, by their stride in pixels of the frame."""


@dataclass(frozen=True)
class Widths:
    """Channels within the head at strides 16, 8 and 4, of the stem, and of the inner layer's tower."""

    coarse: int = 96
    middle: int = 64
    fine: int = 48
    stem: int = 24
    inner: int = 48


FAR = (1, 2, 4, 1)
"""Dilations at stride 16: at its centre also what lies around a droplet is seen."""


def _mixing(channels: int, dilations: tuple[int, ...]) -> nn.Sequential:
    """3x3 convolutions, each after a GELU."""
    layers: list[nn.Module] = []
    for apart in dilations:
        layers += [nn.GELU(), nn.Conv2d(channels, channels, 3, padding=apart, dilation=apart)]
    return nn.Sequential(*layers)


class Head(nn.Module):
    """Top-down sums of the encoder's features; see the module's docstring.

    Arguments:
        widths: channels within the head.
    """

    def __init__(self, widths: Widths | None = None) -> None:
        super().__init__()
        wide = widths or Widths()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Conv2d(16, wide.stem, 3, stride=2, padding=1),
            nn.GELU(),
        )
        self.lateral16 = nn.Conv2d(ENCODER_CHANNELS[16], wide.coarse, 1)
        self.mixing16 = _mixing(wide.coarse, FAR)
        self.lateral8 = nn.Conv2d(ENCODER_CHANNELS[8], wide.coarse, 1)
        self.mixing8 = nn.Sequential(
            nn.GELU(), nn.Conv2d(wide.coarse, wide.middle, 3, padding=1), *_mixing(wide.middle, (1,))
        )
        self.lateral4 = nn.Conv2d(ENCODER_CHANNELS[4], wide.fine, 1)
        self.lateral_stem = nn.Conv2d(wide.stem, wide.fine, 1)
        self.descent = nn.Conv2d(wide.middle, wide.fine, 1)
        self.mixing4 = _mixing(wide.fine, (1, 1))
        self.towers = nn.ModuleList(
            nn.Sequential(
                nn.GELU(),
                nn.Conv2d(wide.fine, channels, 3, padding=1),
                nn.GELU(),
                nn.Conv2d(channels, LAYER_CHANNELS, 1),
            )
            for channels in (wide.fine, wide.inner)
        )

    def forward(self, frames: Tensor, stride4: Tensor, stride8: Tensor, stride16: Tensor) -> Tensor:
        """The answer at every cell.

        Arguments:
            frames: Bx3xHxW float32, RGB with MobileSAM's mean and deviation taken off; H and W are
                multiples of 32.
            stride4, stride8, stride16: the encoder's features, Bx64x(H/4)x(W/4), Bx128x(H/8)x(W/8) and
                Bx256x(H/16)x(W/16) float32.

        Returns:
            Bx70x(H/4)x(W/4) float32: the outer layer's 35 channels, then the inner layer's.
        """
        x = self.lateral16(stride16)
        x = x + self.mixing16(x)
        x = self.mixing8(_doubled(x) + self.lateral8(stride8))
        x = self.descent(_doubled(x)) + self.lateral4(stride4) + self.lateral_stem(self.stem(frames))
        x = x + self.mixing4(x)
        return torch.cat([tower(x) for tower in self.towers], dim=1)

    def lateral(self, stride: int) -> nn.Conv2d:
        """The convolution that takes the encoder's features of a stride."""
        return {4: self.lateral4, 8: self.lateral8, 16: self.lateral16}[stride]

    def output(self, layer: int) -> nn.Conv2d:
        """The convolution that gives the 35 channels of a layer."""
        return cast(nn.Conv2d, cast(nn.Sequential, self.towers[layer])[-1])


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
