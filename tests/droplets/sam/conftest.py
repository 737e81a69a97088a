"""The real model, and one small picture that every test of droplets/sam looks at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from droplets.sam.checkpoint import load_sam
from droplets.sam.decoder import Decoder
from droplets.sam.encoder import Encoder

CHECKPOINT = Path(__file__).parents[3] / "model" / "mobile_sam.pt"


@pytest.fixture(scope="session")
def sam():
    """MobileSAM on the CPU."""
    return load_sam(CHECKPOINT, "cpu")


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """300x400x3 uint8: 30 bright droplets with dark rims, small and large, one at the border."""
    rng = np.random.default_rng(3)
    pixels = np.full((300, 400, 3), 128, np.uint8)
    for row in range(5):
        for column in range(6):
            x, y = 35 + column * 66 + int(rng.integers(-6, 7)), 32 + row * 60 + int(rng.integers(-6, 7))
            radius = int(rng.integers(9, 25))
            cv2.circle(pixels, (x, y), radius, (60, 60, 60), 3, cv2.LINE_AA)
            cv2.circle(pixels, (x, y), radius - 2, (190, 190, 190), -1, cv2.LINE_AA)
    noise = rng.normal(0, 3, pixels.shape[:2])[..., None]
    return np.clip(cv2.GaussianBlur(pixels, (3, 3), 0) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def embedding(sam, picture):
    """The picture's embedding by torch, in fp32."""
    return Encoder(sam, "fp32", "torch").embed(picture)


@pytest.fixture(scope="session")
def decoder(sam) -> Decoder:
    """The decoder under test."""
    return Decoder(sam)


@pytest.fixture(scope="session")
def prepared(decoder, embedding):
    """The picture, projected."""
    return decoder.prepare(embedding)


@pytest.fixture(scope="session")
def points(embedding) -> np.ndarray:
    """12x2 (x, y) in the 1024 frame, at random within the picture."""
    height, width = embedding.input_size
    return np.random.default_rng(0).uniform(0, 1, (12, 2)) * [width, height]


@pytest.fixture(scope="session")
def stock(sam, embedding, points) -> tuple[torch.Tensor, torch.Tensor]:
    """12x3x256x256 logits and 12x3 predicted IoUs of stock's decoder at `points`."""
    places = torch.as_tensor(points, dtype=torch.float32)[:, None]
    with torch.inference_mode():
        sparse, dense = sam.prompt_encoder(
            points=(places, torch.ones(len(points), 1)), boxes=None, masks=None
        )
        return sam.mask_decoder(
            image_embeddings=embedding.features,
            image_pe=sam.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=True,
        )
