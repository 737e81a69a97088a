"""The real model once, and small rendered pictures."""

from __future__ import annotations

import cv2
import pytest

from batch.model import SharedModel
from config import MODEL
from training.rendering.plain import render_brightfield


@pytest.fixture(scope="session")
def model() -> SharedModel:
    return SharedModel(MODEL / "mobile_sam.pt", "cpu", 1)


@pytest.fixture
def folder(tmp_path):
    """Three different pictures of 160x120 with seven droplets, some of which the border cuts."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        picture = render_brightfield(160, 120, count=7, diameter=30, beads_per_droplet=0.5, seed=seed)
        cv2.imwrite(str(folder / f"{seed}.png"), picture.pixels)
    return folder
