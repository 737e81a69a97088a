"""The two models that are compared: this service's own way of finding everything, and stock MobileSAM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from droplets.finding.segmenter import Memory, Segmenter
from droplets.pipeline import GenerateMasks
from droplets.sam.checkpoint import load_sam
from droplets.types import Image, Mask

CHECKPOINT = Path("model/mobile_sam.pt")
HEAD = Path("model/droplet_head.safetensors")
Finder = Callable[[np.ndarray], list[Mask]]
"""HxWx3 uint8 RGB -> masks of everything."""


def forgetful(segmenter: Segmenter) -> GenerateMasks:
    """Masks of a picture for `droplets.pipeline.analyze`; nothing is remembered of any."""
    return lambda request: segmenter.generate(request, Memory())


def stock(device: str, points_per_side: int = 32) -> Finder:
    """SamAutomaticMaskGenerator with its own settings."""
    from mobile_sam import SamAutomaticMaskGenerator

    generator: Any = SamAutomaticMaskGenerator(load_sam(CHECKPOINT, device), points_per_side=points_per_side)

    def find(pixels: np.ndarray) -> list[Mask]:
        masks = [Mask.from_array(found["segmentation"]) for found in generator.generate(pixels)]
        return [mask for mask in masks if mask is not None]

    return find


def as_image(pixels: np.ndarray) -> Image:
    """A grey picture, HxWx3 uint8 with three equal channels, as if decoded from a file."""
    return Image(pixels, pixels[..., 0], 8, "PNG")
