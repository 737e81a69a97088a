"""Segment everything: the same masks as stock's SamAutomaticMaskGenerator, many times sooner."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from mobile_sam.modeling import Sam
from numpy.typing import NDArray
from torch import Tensor

from droplets.sam.decoder import Decoded, Decoder
from droplets.sam.encoder import Encoder, Precision, Runtime
from droplets.sam.projections import Prepared
from droplets.sam.resample import Resampler
from droplets.sam.selection import Candidates, select
from droplets.sam.transfer import upload
from droplets.sam.windows import window_corners
from droplets.sam.workers import side_by_side
from droplets.types import Mask


@dataclass(frozen=True)
class Decoding:
    """How prompts are decoded and which masks are kept.

    Attributes:
        pred_iou_thresh: masks must have a higher predicted IoU.
        stability_score_thresh: masks must have at least this stability score.
        box_nms_thresh: of two masks whose boxes have a higher IoU one goes.
        exact: decode every prompt against all image tokens, as stock does.
        window, pool: of the near-exact decoder, see `Decoder.decode_near`.
        batch: prompts decoded at once; by default what the device does fastest and has memory for.
        large: of the near-exact decoder, decode masks that their windows cut again; else they are dropped.
    """

    pred_iou_thresh: float = 0.88
    stability_score_thresh: float = 0.95
    box_nms_thresh: float = 0.7
    exact: bool = False
    window: int = 16
    pool: int = 4
    batch: int | None = None
    large: bool = True


_SHARE = 16  # prompts that are worth a worker's while
_SAME = 0.9  # IoU within a window of two masks that are taken for one


@dataclass(frozen=True, eq=False)
class _Masks:
    """K masks over the predicted-IoU threshold; see `Decoded` for the arrays.

    Attributes:
        prompt, channel: K int64.
        predicted_iou: K float32.
        logits: KxSxS float32.
        corner: Kx2 int64.
        cut: K bool.
    """

    prompt: Tensor
    channel: Tensor
    predicted_iou: Tensor
    logits: Tensor
    corner: Tensor
    cut: Tensor

    @classmethod
    def of(cls, decoded: Decoded) -> _Masks:
        row, channel = decoded.kept.unbind(1)
        scores = decoded.predicted_iou[row, channel]
        return cls(decoded.prompt[row], channel, scores, decoded.logits, decoded.corner, decoded.cut)

    @classmethod
    def join(cls, parts: list[_Masks]) -> _Masks:
        return cls(*(torch.cat([getattr(part, name) for part in parts]) for name in cls.__annotations__))

    def at(self, chosen: Tensor) -> _Masks:
        """Some of them, by index or flag."""
        if chosen.dtype == torch.bool:
            chosen = chosen.nonzero()[:, 0]  # once: a GPU is waited for
        return _Masks(*(getattr(self, name)[chosen] for name in self.__annotations__))

    def renumbered(self, prompts: NDArray[np.int64]) -> _Masks:
        """With prompt i become prompts[i]."""
        return replace(self, prompt=upload(prompts, self.prompt.device)[self.prompt])

    def select(self, resampler: Resampler, chosen: Tensor, how: Decoding) -> Candidates:
        """Those of the chosen that are stable."""
        part = self.at(chosen)
        return select(
            resampler, part.logits, part.corner, part.prompt, part.predicted_iou, how.stability_score_thresh
        )


def point_grid(points_per_side: int, size: tuple[int, int]) -> NDArray[np.float64]:
    """Stock's grid, N^2 x 2 (x, y) in pixels of an (H, W) picture."""
    along = (np.arange(points_per_side) + 0.5) / points_per_side
    x, y = np.meshgrid(along * size[1], along * size[0])
    return np.stack([x, y], axis=-1).reshape(-1, 2)


class Generator:
    """Finds the masks of pictures; holds no state of a picture, and may be shared by threads.

    Args:
        sam: the model, in eval mode, on the device to work on.
        points_per_side: of the grid that `generate` prompts.
        precision, runtime: of the encoder, see `Encoder`.
        decoding: any of `Decoding`'s attributes, by name.
    """

    def __init__(
        self,
        sam: Sam,
        *,
        points_per_side: int = 32,
        precision: Precision = "auto",
        runtime: Runtime = "auto",
        decoding: Decoding | None = None,
        **changes: float | bool | None,
    ) -> None:
        self.points_per_side = points_per_side
        self.decoding = replace(decoding or Decoding(), **changes)  # type: ignore[arg-type]
        self.encoder = Encoder(sam, precision, runtime)
        self.decoder = Decoder(sam)

    def generate(self, pixels: NDArray[np.uint8]) -> list[Mask]:
        """Masks of HxWx3 uint8 RGB, prompted on the grid, best predicted IoU first."""
        points = point_grid(self.points_per_side, (pixels.shape[0], pixels.shape[1]))
        return self.masks_at(self.prepare(pixels), points)

    def warm_up(self) -> None:
        """Run every stage once on an empty picture, so that the first real one does not pay for it.

        Worth it on a GPU, whose libraries are loaded and whose kernels are chosen at their first
        use. On a CPU there is less to set up, and an empty picture costs the encoder as much as
        a real one.
        """
        prepared = self.prepare(np.zeros((64, 64, 3), np.uint8))
        anything = Decoding(pred_iou_thresh=-np.inf, stability_score_thresh=0.0)
        self.masks_at(prepared, point_grid(4, (64, 64)), anything)
        self.masks_at(prepared, point_grid(2, (64, 64)), replace(anything, exact=True))

    def prepare(self, pixels: NDArray[np.uint8]) -> Prepared:
        """Encode HxWx3 uint8 RGB, for any number of prompts."""
        return self.decoder.prepare(self.encoder.embed(pixels))

    def masks_at(
        self, prepared: Prepared, points: NDArray[np.float64], decoding: Decoding | None = None
    ) -> list[Mask]:
        """Masks that Nx2 (x, y) points in pixels of the picture give, without duplicates, best first."""
        how = decoding or self.decoding
        found = self.candidates_at(prepared, points, how)
        masks = (found.mask(int(i)) for i in found.without_duplicates(how.box_nms_thresh))
        return [mask for mask in masks if mask is not None]

    def candidates_at(
        self, prepared: Prepared, points: NDArray[np.float64], decoding: Decoding | None = None
    ) -> Candidates:
        """All masks over the thresholds that Nx2 (x, y) points in pixels give, duplicates and all."""
        how = decoding or self.decoding
        embedding = prepared.embedding
        resampler = Resampler(embedding.size, embedding.input_size, self.decoder.device)
        frame_points = embedding.to_frame(points)
        if how.exact:
            return self._exactly(prepared, resampler, frame_points, how)
        if not len(frame_points):
            return Candidates.join([])

        def decode(prompts: NDArray[np.int64]) -> _Masks:
            batches = self.decoder.decode_near(
                prepared,
                frame_points[prompts],
                how.pred_iou_thresh,
                window=how.window,
                pool=how.pool,
                batch=how.batch,
            )
            return _Masks.join([_Masks.of(decoded) for decoded in batches]).renumbered(prompts)

        near = _Masks.join(side_by_side(decode, self._shares(frame_points, how), self.decoder.device))
        whole = near.select(resampler, ~near.cut, how)
        if not how.large:
            return whole
        return Candidates.join(
            [whole, self._large(prepared, resampler, frame_points, near.at(near.cut), how)]
        )

    def _shares(self, points: NDArray[np.float64], how: Decoding) -> list[NDArray[np.int64]]:
        """Indices of Nx2 points in the frame, split so that windows and cores both have their fill."""
        corners = window_corners(points, how.window, how.pool)
        order = np.lexsort((corners[:, 0], corners[:, 1])).astype(np.int64)
        if self.decoder.device.type != "cpu":
            return [order]
        return np.array_split(order, max(1, min(len(order) // _SHARE, 4 * torch.get_num_threads())))

    def _exactly(
        self, prepared: Prepared, resampler: Resampler, points: NDArray[np.float64], how: Decoding
    ) -> Candidates:
        """Candidates of Nx2 points in the frame, against all image tokens."""

        def decode(prompts: NDArray[np.int64]) -> Candidates:
            parts = []
            for decoded in self.decoder.decode(
                prepared, points[prompts], how.pred_iou_thresh, batch=how.batch
            ):
                masks = _Masks.of(decoded).renumbered(prompts)
                parts.append(masks.select(resampler, ~masks.cut, how))
            return Candidates.join(parts)

        count = len(points) // _SHARE if self.decoder.device.type == "cpu" else 1
        shares = np.array_split(np.arange(len(points)), max(1, count))
        return Candidates.join(side_by_side(decode, shares, self.decoder.device))

    @torch.inference_mode()
    def _large(
        self,
        prepared: Prepared,
        resampler: Resampler,
        points: NDArray[np.float64],
        masks: _Masks,
        how: Decoding,
    ) -> Candidates:
        """Candidates for masks that their windows cut: decoded exactly, once for all that look alike.

        Hundreds of prompts may give the same background. The one with the best predicted IoU is
        decoded; where the others' windows show just what it has there, they are the same mask.
        """
        parts = []
        rest = masks.at(masks.predicted_iou.argsort(descending=True))
        while len(rest.prompt):
            prompt = int(rest.prompt[0])
            decoded = next(self.decoder.decode(prepared, points[[prompt]], -torch.inf))
            exact = _Masks.of(decoded)
            same = _agreement(exact.logits[rest.channel[0]], rest) > _SAME
            same[0] = True
            passing = exact.predicted_iou > how.pred_iou_thresh
            passing &= exact.channel == rest.channel[0]
            found = exact.select(resampler, passing, how)
            parts.append(replace(found, prompt=np.full_like(found.prompt, prompt)))
            rest = rest.at(~same)
        return Candidates.join(parts)


def _agreement(full: Tensor, masks: _Masks) -> Tensor:
    """K float32: IoU of a 256x256 mask with KxSxS masks, each within its window."""
    steps = torch.arange(masks.logits.shape[-1], device=full.device)
    rows, columns = masks.corner[:, 1, None] + steps, masks.corner[:, 0, None] + steps
    there = full[rows[:, :, None], columns[:, None, :]] > 0
    here = masks.logits > 0
    return (there & here).sum((1, 2)) / (there | here).sum((1, 2))
