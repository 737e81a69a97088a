from __future__ import annotations

import numpy as np
import pytest
import torch

pytestmark = pytest.mark.model
ALL = -np.inf


def by_prompt(batches):
    """(predicted IoUs by prompt, {(prompt, channel): logits})."""
    predicted, masks = {}, {}
    for batch in batches:
        for row, prompt in enumerate(batch.prompt.tolist()):
            predicted[prompt] = batch.predicted_iou[row]
        for k, (row, channel) in enumerate(batch.kept.tolist()):
            masks[int(batch.prompt[row]), channel] = batch.logits[k]
    return torch.stack([predicted[i] for i in sorted(predicted)]), masks


@pytest.mark.parametrize("batch", [4, 5, 64])
def test_the_answers_are_those_of_stock(decoder, prepared, points, stock, monkeypatch, batch):
    monkeypatch.setattr("droplets.sam.decoder.batch_size", lambda device: batch)
    logits, expected = stock
    predicted, masks = by_prompt(decoder.decode(prepared, points, ALL))
    assert torch.allclose(predicted, expected, atol=1e-5)
    assert len(masks) == 3 * len(points)
    for (prompt, channel), found in masks.items():
        assert (found - logits[prompt, channel]).abs().max() < 5e-3


def test_only_masks_over_the_threshold_are_upscaled(decoder, prepared, points, stock):
    threshold = float(stock[1].flatten().sort().values[17:19].mean())  # clear of all 36
    _, masks = by_prompt(decoder.decode(prepared, points, threshold))
    expected = {(p, c) for p, c in (stock[1] > threshold).nonzero().tolist()}
    assert set(masks) == expected
    _, none = by_prompt(decoder.decode(prepared, points, 2.0))
    assert not none


def test_no_points_give_nothing(decoder, prepared):
    assert not list(decoder.decode(prepared, np.empty((0, 2)), ALL))
