from __future__ import annotations

import numpy as np
import pytest
import torch
from mobile_sam.utils.amg import batched_mask_to_box, calculate_stability_score

from droplets.sam.resample import Resampler
from droplets.sam.selection import select

CPU = torch.device("cpu")


def blobs(count: int, seed: int = 0) -> torch.Tensor:
    """count x256x256 logits: a few soft discs each, small and large."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:256, :256]
    stack = []
    for _ in range(count):
        logits = np.full((256, 256), -8.0)
        for _ in range(int(rng.integers(1, 4))):
            cx, cy, radius = rng.uniform(0, 256), rng.uniform(0, 180), rng.uniform(2, 60)
            logits = np.maximum(logits, (radius - np.hypot(x - cx, y - cy)) * rng.uniform(0.3, 3))
        stack.append(logits)
    return torch.as_tensor(np.stack(stack), dtype=torch.float32)


def stock_logits(sam, low: torch.Tensor, size, input_size) -> torch.Tensor:
    return sam.postprocess_masks(low[:, None], input_size, size)[:, 0]


SIZES = [
    ((480, 640), (768, 1024)),
    ((1300, 1000), (1024, 788)),
    ((1024, 1024), (1024, 1024)),
    ((37, 64), (592, 1024)),
]


@pytest.mark.model
@pytest.mark.parametrize(("size", "input_size"), SIZES)
def test_boxes_are_interpolated_as_stock_interpolates_the_whole(sam, size, input_size):
    low = blobs(6) + torch.randn(6, 256, 256, generator=torch.Generator().manual_seed(0))
    expected = stock_logits(sam, low, size, input_size)
    height, width = size
    corners = [[0, 0, width, height], [5, 7, 30, 31], [width - 9, height - 20, width, height]]
    boxes = torch.tensor([corners[i % 3] for i in range(6)])
    found = Resampler(size, input_size, CPU)(low, torch.arange(6), boxes)
    for mask, whole, (x0, y0, x1, y1) in zip(found, expected, boxes.tolist(), strict=True):
        assert torch.allclose(mask[: y1 - y0, : x1 - x0], whole[y0:y1, x0:x1], atol=1e-4)


@pytest.mark.model
@pytest.mark.parametrize(("size", "input_size"), SIZES)
def test_selection_decides_as_stock(sam, size, input_size):
    low = blobs(40)
    whole = stock_logits(sam, low, size, input_size)
    stability = calculate_stability_score(whole, 0.0, 1.0)
    boxes = batched_mask_to_box(whole > 0)
    found = select(
        Resampler(size, input_size, CPU),
        low,
        torch.arange(40),
        torch.linspace(0.9, 1, 40),
        0.8,
    )
    assert set(found.prompt.tolist()) == set((stability >= 0.8).nonzero()[:, 0].tolist())
    for k, prompt in enumerate(found.prompt.tolist()):
        assert found.stability[k] == pytest.approx(float(stability[prompt]), abs=2e-3)
        assert found.boxes[k].tolist() == boxes[prompt].tolist()
        mask = found.mask(k)
        full = np.zeros(size, bool)
        full[mask.y : mask.y + mask.height, mask.x : mask.x + mask.width] = mask.crop
        assert np.count_nonzero(full != (whole[prompt] > 0).numpy()) <= 2
        assert mask.predicted_iou == pytest.approx(0.9 + 0.1 * prompt / 39, abs=1e-6)


def test_empty_masks_and_no_masks_give_nothing():
    resampler = Resampler((480, 640), (768, 1024), CPU)
    nothing = torch.full((2, 256, 256), -3.0)
    zeros, scores = torch.zeros(2, dtype=torch.int64), torch.ones(2)
    found = select(resampler, nothing, zeros, scores, 0.5)
    assert not len(found.prompt)
    found = select(resampler, nothing[:0], zeros[:0], scores[:0], 0.5)
    assert not len(found.without_duplicates(0.7))
