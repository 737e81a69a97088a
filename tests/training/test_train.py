"""Weights go out for the encoder's own features and come back for features of mean 0 and deviation 1."""

from __future__ import annotations

import torch

from droplets.finding.head import ENCODER_CHANNELS
from training.export import mean_head
from training.train import folded, fresh_head, unfolded


def inputs():
    random = torch.Generator().manual_seed(0)
    maps = {
        stride: torch.randn(1, channels, 64 // stride, 64 // stride, generator=random)
        for stride, channels in ENCODER_CHANNELS.items()
    }
    return torch.randn(1, 3, 64, 64, generator=random), maps


def test_a_folded_head_answers_raw_features_alike_and_unfolds_again():
    torch.manual_seed(1)
    statistics = {
        stride: torch.stack([torch.randn(channels), torch.rand(channels) + 0.5])
        for stride, channels in ENCODER_CHANNELS.items()
    }
    head = fresh_head().eval().requires_grad_(requires_grad=False)
    frames, maps = inputs()
    raw = {
        stride: values * statistics[stride][1][:, None, None] + statistics[stride][0][:, None, None]
        for stride, values in maps.items()
    }
    wanted = head(frames, maps[4], maps[8], maps[16])
    out = folded(head, statistics)
    torch.testing.assert_close(out(frames, raw[4], raw[8], raw[16]), wanted, rtol=1e-3, atol=1e-3)
    back = unfolded(out, statistics)
    torch.testing.assert_close(back(frames, maps[4], maps[8], maps[16]), wanted, rtol=1e-3, atol=1e-3)


def test_weights_of_several_pieces_are_averaged():
    torch.manual_seed(2)
    first, second = fresh_head(), fresh_head()
    mean = mean_head([first, second]).state_dict()
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(mean[name], (tensor + second.state_dict()[name]) / 2)
