"""Frames that are made while training goes on."""

from __future__ import annotations

import pytest
import torch

from droplets.sam.checkpoint import load_sam
from training.frames import CHECKPOINT, PART, SIZES
from training.live import LiveFrames
from training.targets import Targets

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def sam():
    return load_sam(CHECKPOINT)


def test_the_newest_parts_are_kept(sam):
    frames = LiveFrames(sam, workers=1, first_seed=7, most=2)
    try:
        frames.look_again()
        assert len(frames) == 2
        part = frames[0]
        assert part.pixels.shape == (4 * PART, 4 * PART, 3)
        assert {stride: tuple(maps.shape) for stride, maps in part.features.items()} == SIZES
        assert all(maps.dtype == torch.float16 for maps in part.features.values())
        assert all(isinstance(targets, Targets) for targets in part.targets)
        while frames[0] is part:  # a newer one takes its place
            assert frames.is_alive()
    finally:
        frames.close()
    assert not frames.is_alive()


def test_training_ends_where_no_frames_come(sam, monkeypatch):
    monkeypatch.setattr("training.live.tiny_vit.features", lambda *_: 1 / 0)
    frames = LiveFrames(sam, workers=1, most=6)
    with pytest.raises(RuntimeError, match="no more frames are rendered"):
        frames.look_again()
    frames.close()
