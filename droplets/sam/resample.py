"""Logits of the low-resolution frame to pixels of the picture, for boxes instead of the whole.

Stock interpolates 256x256 logits to 1024x1024, crops the padding and interpolates to the
picture's size, bilinearly both times. Both steps are linear and separable, so together they are one
matrix along y and one along x, whose rows have a few neighbouring entries each.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from droplets.sam.encoder import FRAME
from droplets.sam.transfer import send

LOW = 256  # logits along one side of the frame


def interpolation_matrix(size: int, input_size: int) -> Tensor:
    """size x 256 float32: low-resolution logits -> pixels along one axis, as stock's two steps.

    Args:
        size: pixels of the picture along the axis.
        input_size: pixels of the frame that it takes along the axis.
    """
    identity = torch.eye(LOW, dtype=torch.float64)[None]
    frame = functional.interpolate(identity, FRAME, mode="linear", align_corners=False)[..., :input_size]
    picture = functional.interpolate(frame, size, mode="linear", align_corners=False)
    return picture[0].t().contiguous().float()


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of the interpolation.

    Attributes:
        matrix: size x 256 float32.
        first, last: per pixel, the first and the last logit that it depends on, int64, not falling;
            on the host, where all indices are worked out, so that a GPU need not be waited for.
    """

    matrix: Tensor
    first: Tensor
    last: Tensor

    @classmethod
    def of(cls, size: int, input_size: int, device: torch.device) -> Axis:
        """The axis of `size` pixels that take `input_size` pixels of the frame."""
        matrix = interpolation_matrix(size, input_size)
        used = matrix != 0
        first = used.int().argmax(1)
        last = LOW - 1 - used.flip(1).int().argmax(1)
        return cls(matrix.to(device), first, last)

    def reach(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels [start, stop) that depend on any of the logits [low, high), each K int64 on the host."""
        start = torch.searchsorted(self.last, low.contiguous())
        stop = torch.searchsorted(self.first, high.contiguous())
        return start, torch.maximum(start, stop)

    def rows(self, start: Tensor, stop: Tensor, count: int, logit: Tensor, width: int) -> Tensor:
        """K x count x width: the matrix's rows from `start`, columns from `logit`; 0 beyond `stop` and it."""
        pixels = start[:, None] + torch.arange(count, device=start.device)
        logits = logit[:, None] + torch.arange(width, device=start.device)
        inside = (logits < LOW)[:, None, :] & (pixels < stop[:, None])[:, :, None]
        entry = LOW * pixels.clamp(max=len(self.matrix) - 1)
        return self.matrix.take(entry[:, :, None] + logits.clamp(max=LOW - 1)[:, None, :]).mul_(inside)


class Resampler:
    """Interpolation from the low-resolution frame to one picture.

    Args:
        size: (H, W) of the picture.
        input_size: (H, W) it takes in the 1024 frame.
        device: where the logits are.
    """

    def __init__(self, size: tuple[int, int], input_size: tuple[int, int], device: torch.device) -> None:
        self.y = Axis.of(size[0], input_size[0], device)
        self.x = Axis.of(size[1], input_size[1], device)

    def __call__(self, logits: Tensor, of: Tensor, box: Tensor) -> Tensor:
        """Logits at the pixels of boxes.

        Args:
            logits: Nx256x256 float32.
            of: K int64, which of these each box is interpolated from, on the host.
            box: Kx4 int64 XYXY in pixels, right and bottom excluded, on the host.

        Returns:
            KxHxW float32, H and W those of the largest box; 0 outside the own box.
        """
        x = self._along(self.x, box[:, 0], box[:, 2])
        y = self._along(self.y, box[:, 1], box[:, 3])
        part = logits[send(of, logits.device)[:, None, None], y[1][:, :, None], x[1][:, None, :]]
        return torch.bmm(torch.bmm(y[0], part), x[0].transpose(1, 2))

    @staticmethod
    def _along(axis: Axis, start: Tensor, stop: Tensor) -> tuple[Tensor, Tensor]:
        """The matrices' parts, KxNxT, and the logits they take, KxT indices."""
        limit, device = len(axis.matrix) - 1, axis.matrix.device
        low = axis.first[start.clamp(max=limit)]
        high = axis.last[(stop - 1).clamp(min=0, max=limit)] + 1
        width = max(1, int((high - low).max()))
        count = max(1, int((stop - start).max()))
        matrix = axis.rows(send(start, device), send(stop, device), count, send(low, device), width)
        taps = low[:, None] + torch.arange(width)
        return matrix, send(taps.clamp(max=LOW - 1), device)
