"""Outlines and figures as GeoJSON, as QuPath reads it.

QuPath's coordinates are pixel corners, as in outlines.py. Holes are inner rings; a mask of several
parts is a MultiPolygon. Each object is a QuPath detection of the class of its kind; its property `found_by`
says what found it.
"""

from __future__ import annotations

import json
from typing import Any

from droplets.analysis import Analysis
from droplets.export.figures import Value, rows
from droplets.export.kinds import COLOURS, object_name
from droplets.export.outlines import outlines
from droplets.types import Droplet, Mask


def feature_collection(analysis: Analysis) -> str:
    """GeoJSON (RFC 7946 but for its frame: pixels, not degrees) with a feature an object."""
    # Feature by feature: lists of all corners at once take more memory and time.
    features = (
        json.dumps(_feature(number, droplet, figures), separators=(",", ":"), allow_nan=False)
        for number, (droplet, figures) in enumerate(zip(analysis.droplets, rows(analysis), strict=True))
    )
    return '{"type":"FeatureCollection","features":[' + ",".join(features) + "]}"


def _feature(number: int, droplet: Droplet, figures: dict[str, Value]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": _geometry(droplet.mask),
        "properties": {
            "objectType": "detection",
            "name": object_name(number, droplet.kind),
            "classification": {"name": droplet.kind, "color": list(COLOURS[droplet.kind])},
            "found_by": droplet.mask.found_by,
            # The list that all versions of QuPath read; it takes numbers alone.
            "measurements": [
                {"name": name, "value": value}
                for name, value in figures.items()
                if isinstance(value, int | float)
            ],
        },
    }


def _geometry(mask: Mask) -> dict[str, Any]:
    polygons = [[[*ring.tolist(), ring[0].tolist()] for ring in part] for part in outlines(mask)]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}
