"""The masks as a picture of labels."""

from __future__ import annotations

import io

import numpy as np
import tifffile

from droplets.analysis import Analysis
from droplets.types import Image

MOST_16_BIT = 2**16 - 1


def label_tiff(image: Image, analysis: Analysis) -> bytes:
    """ImageJ TIFF of the picture's size: 0 where there is nothing, else the object's id + 1.

    Larger objects are drawn first, so that beads lie on top of their droplets. 16 bits a pixel;
    32-bit float, ImageJ's only type of 32 bits, if there are more than 65535 objects. With a known
    pixel size Fiji shows micrometres.
    """
    masks = [droplet.mask for droplet in analysis.droplets]
    labels = np.zeros((image.height, image.width), np.uint16 if len(masks) <= MOST_16_BIT else np.float32)
    for number in sorted(range(len(masks)), key=lambda number: -masks[number].area):
        mask = masks[number]
        mask.paint(labels, number + 1)
    size = analysis.pixel_size
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        labels,
        imagej=True,
        resolution=(1 / size.um, 1 / size.um) if size else None,
        metadata={"unit": "um" if size else "pixel", "min": 0.0, "max": float(max(1, len(masks)))},
    )
    return buffer.getvalue()
