"""Render the example pictures: `python -m examples.render`.

Writes into this folder:

- droplets.png (640x480, 8-bit grey), the sample, and droplets.json, its truth (the schema of
  `Rendering.truth`), lengths in pixels;
- small.jpg, a picture of a few kilobytes that the examples of the specification hold;
- pcr-brightfield.tif and pcr-fluorescence.tif, the same droplets twice (480x360, 8 and 16 bit), with their
  pixel size as ImageJ writes it, and beads.png (640x480) with a burnt-in scale bar: docs/labs/tutorial.md
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from training.rendering.plain import Rendering, render_brightfield, render_ddpcr_pair

FOLDER = Path(__file__).parent
PCR_UM = 2.5
"""Micrometres a pixel of the pair for digital PCR."""
BAR = 100
"""Pixels, and micrometres, of the scale bar in the picture with beads."""


def render_sample() -> Rendering:
    """120 droplets of 38 pixels, some with beads, some touching, some cut by the border."""
    return render_brightfield(
        640, 480, count=120, diameter=38, beads_per_droplet=0.3, touching=0.2, seed=9487
    )


def render_small() -> Rendering:
    """Seven droplets of 30 pixels, three of them cut by the border, four with a bead or two."""
    return render_brightfield(160, 120, count=7, diameter=30, beads_per_droplet=0.5, seed=12)


def render_pcr() -> tuple[Rendering, Rendering]:
    """Brightfield and fluorescence of 190 droplets of 24 pixels, of which three in ten are positive."""
    return render_ddpcr_pair(480, 360, count=190, diameter=24, positive_fraction=0.3, touching=0.3, seed=21)


def render_beads() -> Rendering:
    """66 droplets of 54 pixels with 0.8 beads each by chance, and a scale bar where no droplet is."""
    picture = render_brightfield(640, 480, count=66, diameter=54, beads_per_droplet=0.8, touching=0.2, seed=5)
    pixels = picture.pixels.copy()
    left, top = 92, 446
    pixels[top : top + 8, left : left + BAR] = 255
    caption, font = f"{BAR} um", cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(pixels, caption, (left + 14, top - 8), font, 0.6, 255, 1, cv2.LINE_AA)
    return replace(picture, pixels=pixels)


def main() -> None:
    """Write the pictures and the sample's truth."""
    Image.fromarray(render_small().pixels).save(FOLDER / "small.jpg", quality=75)
    sample = render_sample()
    Image.fromarray(sample.pixels).save(FOLDER / "droplets.png", optimize=True)
    Image.fromarray(render_beads().pixels).save(FOLDER / "beads.png", optimize=True)
    for light, picture in zip(("brightfield", "fluorescence"), render_pcr(), strict=True):
        _write_tiff(FOLDER / f"pcr-{light}.tif", picture.pixels)
    truth = sample.truth()
    lines = ",\n".join("    " + json.dumps(droplet) for droplet in truth.pop("droplets"))
    size = json.dumps(truth)[1:-1]
    (FOLDER / "droplets.json").write_text(f'{{\n  {size},\n  "droplets": [\n{lines}\n  ]\n}}\n')


def _write_tiff(path: Path, pixels: NDArray[np.generic]) -> None:
    """As ImageJ does, so that the file tells its pixel size."""
    per_um = 1 / PCR_UM
    tifffile.imwrite(
        path,
        pixels,
        imagej=True,
        resolution=(per_um, per_um),
        metadata={"unit": "um"},
        compression="zlib",
        predictor=True,
    )


if __name__ == "__main__":
    main()
