"""Render the sample picture and its truth: `python -m examples.render`.

Writes droplets.png (640x480, 8-bit grey) and droplets.json (the schema of `Rendering.truth`) into
this folder, lengths in the JSON in pixels; and small.jpg, a picture of a few kilobytes that the
examples of the specification hold.
"""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from training.rendering.plain import Rendering, render_brightfield

FOLDER = Path(__file__).parent


def render_sample() -> Rendering:
    """120 droplets of 38 pixels, some with beads, some touching, some cut by the border."""
    return render_brightfield(
        640, 480, count=120, diameter=38, beads_per_droplet=0.3, touching=0.2, seed=9487
    )


def render_small() -> Rendering:
    """Seven droplets of 30 pixels, three of them cut by the border, four with a bead or two."""
    return render_brightfield(160, 120, count=7, diameter=30, beads_per_droplet=0.5, seed=12)


def main() -> None:
    """Write the pictures and the sample's truth."""
    Image.fromarray(render_small().pixels).save(FOLDER / "small.jpg", quality=75)
    sample = render_sample()
    Image.fromarray(sample.pixels).save(FOLDER / "droplets.png", optimize=True)
    truth = sample.truth()
    lines = ",\n".join("    " + json.dumps(droplet) for droplet in truth.pop("droplets"))
    size = json.dumps(truth)[1:-1]
    (FOLDER / "droplets.json").write_text(f'{{\n  {size},\n  "droplets": [\n{lines}\n  ]\n}}\n')


if __name__ == "__main__":
    main()
