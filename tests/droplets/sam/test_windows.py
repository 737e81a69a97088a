from __future__ import annotations

import numpy as np
import torch

from droplets.sam.windows import (
    _gathered,
    covered_blocks,
    cut_windows,
    group_by_window,
    token_indices,
    window_corners,
)


def test_windows_contain_their_points_and_keep_to_the_blocks():
    points = np.random.default_rng(0).uniform(0, 1024, (500, 2))
    corners = window_corners(points, 16, 4)
    tokens = points / 16
    assert (corners % 4 == 0).all()
    assert (corners >= 0).all()
    assert (corners <= 48).all()
    assert (tokens >= corners).all()
    assert (tokens <= corners + 16).all()


def test_every_prompt_is_in_one_group_with_its_own_window():
    points = np.random.default_rng(0).uniform(0, 300, (200, 2))
    corners = window_corners(points, 8, 4)
    seen = []
    for group in group_by_window(corners, 12):
        share, rest = divmod(len(group.prompts), len(group.corners))
        assert rest == 0
        assert len(group.prompts) <= 12
        assert (corners[group.prompts] == group.corners.repeat(share, 0)).all()
        seen += group.prompts.tolist()
    assert sorted(seen) == list(range(200))


def test_a_gpu_s_windows_are_those_of_a_cpu():
    frame = torch.arange(2 * 3 * 64 * 64.0).view(2, 3, 64, 64)
    corners = np.array([[0, 0], [48, 4], [12, 48]])
    expected = cut_windows(frame, corners, 16, 4)
    assert expected.shape == (2, 3, 3, 256)
    assert torch.equal(_gathered(frame, corners, 16, 4), expected)
    assert torch.equal(frame.flatten(2)[0, 0][token_indices(corners, 16)], expected[0, :, 0])


def test_blocks_in_the_window_are_covered():
    covered = covered_blocks(np.array([[0, 0], [48, 4]]), 16, 4).reshape(2, 16, 16)
    assert covered.sum((1, 2)).tolist() == [16, 16]
    assert covered[0, :4, :4].all()
    assert covered[1, 1:5, 12:].all()
