"""Render the sample picture and its truth: `python -m examples.render`.

Writes droplets.png (640x480, 8-bit grey) and droplets.json (the schema of `Rendering.truth`) into
this folder. Lengths in the JSON are pixels.
"""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from droplets.synthetic import Rendering, render_brightfield

FOLDER = Path(__file__).parent


def render_sample() -> Rendering:
    """120 droplets of 38 pixels, some with beads, some touching, some cut by the border."""
    return render_brightfield(
        640, 480, count=120, diameter=38, beads_per_droplet=0.3, touching=0.2, seed=9487
    )


def main() -> None:
    """Write the picture and its truth."""
    sample = render_sample()
    Image.fromarray(sample.pixels).save(FOLDER / "droplets.png", optimize=True)
    truth = sample.truth()
    lines = ",\n".join("    " + json.dumps(droplet) for droplet in truth.pop("droplets"))
    size = json.dumps(truth)[1:-1]
    (FOLDER / "droplets.json").write_text(f'{{\n  {size},\n  "droplets": [\n{lines}\n  ]\n}}\n')


if __name__ == "__main__":
    main()
