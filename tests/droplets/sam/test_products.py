from __future__ import annotations

import torch

from droplets.sam.products import prefer_fastest_fp32


def test_products_stay_in_fp32():
    prefer_fastest_fp32()
    left, right = torch.randn(4, 56, 256), torch.randn(4, 256, 300)
    exact = left.double() @ right.double()
    assert (left @ right - exact).abs().max() / exact.std() < 1e-5
    weight = torch.randn(128, 256)
    exact = torch.nn.functional.linear(left.double(), weight.double())
    assert (torch.nn.functional.linear(left, weight) - exact).abs().max() / exact.std() < 1e-5
