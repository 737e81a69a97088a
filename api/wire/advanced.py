"""What /advanced_analysis answers beyond a segmentation."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from api.wire.serialise import children_of
from droplets.analysis import Analysis
from droplets.export.figures import rounded
from droplets.export.plots import plots
from droplets.figures.clusters import clusters
from droplets.figures.encapsulation import bead_counts, encapsulation
from droplets.figures.packing import neighbours
from droplets.figures.sizes import summary
from droplets.options import Options
from droplets.types import Droplet, Image


def advanced(image: Image, analysis: Analysis, options: Options) -> dict[str, Any]:
    """Clusters, contents, encapsulation and neighbours (api.schemas.advanced.AdvancedAnalysis)."""
    droplets = analysis.droplets
    x, y, width, height = options.box or (0, 0, image.width, image.height)
    region = np.array(options.polygon) if options.polygon else None
    return {
        "clusters": rounded(clusters(droplets)),
        "contents": rounded(contents(droplets)),
        "encapsulation": rounded(encapsulation(bead_counts(droplets))),
        "neighbours": rounded(neighbours(droplets, (x, y, width, height), analysis.pixel_size, region)),
    }


def drawings(analysis: Analysis, more: Mapping[str, Any]) -> dict[str, bytes]:
    """PNG plots by name, of an analysis and what `advanced` gives for it."""
    droplets, size = analysis.droplets, analysis.pixel_size
    return plots(droplets, summary(droplets, size), more["encapsulation"], more["clusters"], size)


def contents(droplets: Sequence[Droplet]) -> list[dict[str, Any]]:
    """For each droplet proper its id, its number of beads, and what lies in it with its intensities."""
    children = children_of(droplets)
    return [
        {
            "id": i,
            "beads": sum(droplets[child].kind == "bead" for child in children[i]),
            "children": [_child(child, droplets[child]) for child in children[i]],
        }
        for i, droplet in enumerate(droplets)
        if droplet.kind == "droplet"
    ]


def _child(i: int, droplet: Droplet) -> dict[str, Any]:
    return {
        "id": i,
        "kind": droplet.kind,
        "equivalent_diameter": droplet.shape.equivalent_diameter,
        "mean_intensity": droplet.intensity.mean,
        "max_intensity": droplet.intensity.max,
        "integrated_intensity": droplet.intensity.mean * droplet.intensity.pixels,
    }


def data_url(png: bytes) -> str:
    """A PNG file as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
