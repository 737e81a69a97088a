from __future__ import annotations

import numpy as np
import pytest
import torch

from droplets.sam.decoder import Decoder

pytestmark = pytest.mark.model
ALL = -np.inf


def by_prompt(batches):
    """(predicted IoUs by prompt, {(prompt, channel): (logits, corner, cut)})."""
    predicted, masks = {}, {}
    for batch in batches:
        for row, prompt in enumerate(batch.prompt.tolist()):
            predicted[prompt] = batch.predicted_iou[row]
        for k, (row, channel) in enumerate(batch.kept.tolist()):
            found = batch.logits[k], batch.corner[k].tolist(), bool(batch.cut[k])
            masks[int(batch.prompt[row]), channel] = found
    return torch.stack([predicted[i] for i in sorted(predicted)]), masks


def iou(a, b):
    return float(((a > 0) & (b > 0)).sum() / ((a > 0) | (b > 0)).sum())


@pytest.mark.parametrize("batch", [None, 5])
def test_exact_is_stock(decoder, prepared, points, stock, batch):
    logits, expected = stock
    predicted, masks = by_prompt(decoder.decode(prepared, points, ALL, batch=batch))
    assert torch.allclose(predicted, expected, atol=1e-5)
    assert len(masks) == 3 * len(points)
    for (prompt, channel), (found, corner, cut) in masks.items():
        assert corner == [0, 0]
        assert not cut
        assert (found - logits[prompt, channel]).abs().max() < 5e-3


def test_only_masks_over_the_threshold_are_upscaled(decoder, prepared, points, stock):
    threshold = float(stock[1].median())
    _, masks = by_prompt(decoder.decode(prepared, points, threshold))
    expected = {(p, c) for p, c in (stock[1] > threshold).nonzero().tolist()}
    assert set(masks) == expected
    _, none = by_prompt(decoder.decode(prepared, points, 2.0))
    assert not none


def test_a_window_of_everything_is_exact(decoder, prepared, points, stock):
    predicted, masks = by_prompt(decoder.decode_near(prepared, points, ALL, window=64, pool=8))
    assert torch.allclose(predicted, stock[1], atol=1e-5)
    for (prompt, channel), (found, _, cut) in masks.items():
        assert not cut
        assert (found - stock[0][prompt, channel]).abs().max() < 5e-3


@pytest.mark.parametrize(("window", "pool"), [(16, 4), (24, 4), (16, 2)])
def test_near_exact_agrees_with_stock_inside_the_window(decoder, prepared, points, stock, window, pool):
    predicted, masks = by_prompt(decoder.decode_near(prepared, points, 0.88, window=window, pool=pool))
    good = stock[1] > 0.88
    assert (predicted - stock[1])[good].abs().mean() < 0.04
    agreement = []
    for (prompt, channel), (found, (x, y), cut) in masks.items():
        if not cut:
            side = 4 * window
            full = stock[0][prompt, channel]
            assert found.shape == (side, side)
            agreement.append(iou(found, full[y : y + side, x : x + side]))
    assert np.mean(agreement) > 0.96


def test_near_exact_does_not_depend_on_who_shares_the_batch(decoder, prepared, points):
    many = np.concatenate([points, points + 1, points + 2])
    together, _ = by_prompt(decoder.decode_near(prepared, many, 2.0))
    alone, _ = by_prompt(decoder.decode_near(prepared, points, 2.0, batch=1))
    assert torch.allclose(together[: len(points)], alone, atol=1e-5)


def test_masks_that_leave_the_window_are_reported(decoder, prepared, stock, points):
    _, masks = by_prompt(decoder.decode_near(prepared, points, ALL, window=8, pool=4))
    assert any(cut for *_, cut in masks.values())
    for (prompt, channel), (found, _, cut) in masks.items():
        area = (stock[0][prompt, channel] > 0).sum()
        if area > 4 * 32 * 32 and (found > 0).float().mean() > 0.9:
            assert cut


def test_no_points_give_nothing(decoder, prepared):
    assert not list(decoder.decode(prepared, np.empty((0, 2))))
    assert not list(decoder.decode_near(prepared, np.empty((0, 2))))


@pytest.mark.parametrize(("window", "pool"), [(10, 4), (15, 5), (72, 8), (0, 4)])
def test_windows_that_do_not_fit_the_blocks_are_refused(decoder: Decoder, prepared, points, window, pool):
    with pytest.raises(ValueError, match="multiple"):
        list(decoder.decode_near(prepared, points, window=window, pool=pool))
