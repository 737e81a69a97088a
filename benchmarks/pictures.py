"""Pictures with truth: rendered ones, and those of ../shared/bench/dev where that folder exists."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from droplets.reading.image import decode_image
from droplets.types import Mask
from training.rendering.plain import Rendering, render_brightfield

BENCH = Path(__file__).resolve().parent.parent.parent / "shared" / "bench" / "dev"
DROPLET, BEAD = 1, 3
BEAD_REACH = 5.0  # pixels from a bead's centre within which its mask must be centred


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture and what it shows, but for what touches its border.

    Attributes:
        pixels: HxWx3 uint8 RGB.
        droplets: their true masks.
        beads: (x, y, radius) in pixels.
    """

    pixels: np.ndarray
    droplets: list[Mask]
    beads: list[tuple[float, float, float]]

    def recall(self, found: Sequence[Mask]) -> dict[str, float | None]:
        """Share of the droplets with a mask of IoU >= 0.5, and of the beads with one centred on them."""
        return {
            "droplets": share([_has_partner(droplet, found) for droplet in self.droplets]),
            "beads": share([_is_found(bead, found) for bead in self.beads]),
        }


def share(hits: Sequence[bool]) -> float | None:
    """Part of the hits that are True, None without any."""
    return sum(hits) / len(hits) if hits else None


def names() -> list[str]:
    """Every picture there is on this machine."""
    return [*RENDERED, *(f"{p.parent.parent.name}/{p.stem}" for p in sorted(BENCH.glob("*/images/*.png")))]


def load(name: str) -> Picture:
    """The picture of that name."""
    if name in RENDERED:
        return _rendered(RENDERED[name]())
    folder, stem = name.split("/")
    path = BENCH / folder / "images" / f"{stem}.png"
    pixels = decode_image(path.read_bytes(), max_pixels=10**8).pixels
    droplets, beads = _annotated(BENCH / folder, path.name, pixels.shape[0], pixels.shape[1])
    return Picture(pixels, droplets, beads)


RENDERED = {
    "rendered/dense-1024x1024": partial(
        render_brightfield, 1024, 1024, count=700, diameter=36, touching=0.8, seed=1
    ),
    "rendered/beads-1920x1200": partial(
        render_brightfield, 1920, 1200, count=300, diameter=64, beads_per_droplet=1.0, touching=0.5, seed=2
    ),
    # one density at three areas, so that they tell how time and memory grow with it
    **{
        f"rendered/large-{side}x{side}": partial(
            render_brightfield, side, side, count=5000 * side**2 // 4096**2, diameter=48, touching=0.5, seed=3
        )
        for side in (2048, 3072, 4096)
    },
}


def _rendered(rendering: Rendering) -> Picture:
    inside = [droplet for droplet in rendering.droplets if not droplet.touches_border]
    pixels = np.repeat(rendering.pixels[..., None], 3, axis=2).astype(np.uint8)
    return Picture(
        pixels,
        [disc(droplet.x, droplet.y, droplet.radius) for droplet in inside],
        [bead for droplet in inside for bead in droplet.beads],
    )


def _annotated(folder: Path, name: str, height: int, width: int) -> tuple[list[Mask], list[Any]]:
    truth = json.loads((folder / "annotations.json").read_text())
    image = next(image["id"] for image in truth["images"] if Path(image["file_name"]).name == name)
    own = [a for a in truth["annotations"] if a["image_id"] == image and not a.get("touches_border")]
    droplets = [
        _true_mask(a, height, width) for a in own if a["category_id"] == DROPLET and not a.get("iscrowd")
    ]
    beads = [_circle(a) for a in own if a["category_id"] == BEAD]
    return [droplet for droplet in droplets if droplet is not None], beads


def _true_mask(annotation: dict[str, Any], height: int, width: int) -> Mask | None:
    if annotation.get("circle"):
        return disc(*annotation["circle"])
    rle = annotation["segmentation"]
    if isinstance(rle["counts"], list):
        rle = coco_mask.frPyObjects(rle, height, width)
    return Mask.from_array(coco_mask.decode(rle).astype(bool))


def _circle(annotation: dict[str, Any]) -> tuple[float, float, float]:
    if annotation.get("circle"):
        x, y, radius = annotation["circle"]
        return x, y, radius
    left, top, width, height = annotation["bbox"]
    return left + (width - 1) / 2, top + (height - 1) / 2, max(width, height) / 2


def disc(x: float, y: float, radius: float) -> Mask:
    """Pixels whose centre lies within `radius` of (x, y)."""
    left, top = math.floor(x - radius), math.floor(y - radius)
    side = math.ceil(2 * radius) + 2
    rows, columns = np.ogrid[top : top + side, left : left + side]
    mask = Mask.from_array((columns - x) ** 2 + (rows - y) ** 2 <= radius**2, left, top)
    assert mask is not None
    return mask


def _has_partner(droplet: Mask, found: Sequence[Mask]) -> bool:
    return any(droplet.iou(mask) >= 0.5 for mask in _near(droplet, found))


def _near(droplet: Mask, found: Sequence[Mask]) -> Iterator[Mask]:
    return (
        mask
        for mask in found
        if abs(mask.x - droplet.x) < droplet.width and abs(mask.y - droplet.y) < droplet.height
    )


def _is_found(bead: tuple[float, float, float], found: Sequence[Mask]) -> bool:
    x, y, radius = bead
    reach = max(BEAD_REACH, radius)
    return any(
        mask.area < math.pi * (3 * reach) ** 2
        and math.hypot(mask.centroid[0] - x, mask.centroid[1] - y) <= reach
        for mask in found
        if abs(mask.x - x) < 6 * reach and abs(mask.y - y) < 6 * reach
    )
