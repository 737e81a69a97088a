from __future__ import annotations

import numpy as np

from droplets.sam.windows import group_by_window, window_corners


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
