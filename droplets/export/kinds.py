"""How the kinds of objects are numbered, coloured and named in every format."""

from __future__ import annotations

from droplets.export.overlay import PALETTE, Colour
from droplets.types import Kind

NUMBERS: dict[Kind, int] = {"droplet": 1, "bead": 2, "other": 3}
"""COCO category; these never change."""
COLOURS: dict[Kind, Colour] = {"droplet": PALETTE[0], "bead": PALETTE[1], "other": PALETTE[4]}


def object_name(number: int, kind: Kind) -> str:
    """What the object of that id is called, such as "droplet-0012"."""
    return f"{kind}-{number:04d}"
