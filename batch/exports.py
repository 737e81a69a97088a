"""The files that a picture may have beside its tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from droplets.analysis import Analysis
from droplets.errors import BadRequest
from droplets.export.coco import coco_json
from droplets.export.geojson import feature_collection
from droplets.export.imagej import roi_set
from droplets.export.kinds import COLOURS
from droplets.export.labels import label_tiff
from droplets.export.overlay import overlay_png
from droplets.types import Image

Export = Callable[[Image, Analysis, str], bytes]
"""Content of a file from the picture, what was found in it, and the picture's name."""


def _overlay(image: Image, analysis: Analysis, _: str) -> bytes:
    droplets = analysis.droplets
    return overlay_png(image, [d.mask for d in droplets], [COLOURS[d.kind] for d in droplets])


EXPORTS: dict[str, tuple[str, Export]] = {
    "overlay": ("overlay.png", _overlay),
    "coco": ("masks_coco.json", lambda image, analysis, name: coco_json(image, analysis, name=name).encode()),
    "imagej": ("rois_imagej.zip", lambda _, analysis, __: roi_set(analysis)),
    "geojson": ("outlines.geojson", lambda _, analysis, __: feature_collection(analysis).encode()),
    "labels": ("labels.tif", lambda image, analysis, _: label_tiff(image, analysis)),
}
"""Name of the file, as in the archive of /download_analysis, and what makes it, by what a user asks for."""


def check_exports(names: Sequence[str]) -> None:
    """Nothing, where all are known.

    Raises:
        BadRequest: names the first that is not.
    """
    for name in names:
        if name not in EXPORTS:
            raise BadRequest(f"export {name} is not known; known are: {', '.join(EXPORTS)}.")


def exported(image: Image, analysis: Analysis, name: str, exports: Sequence[str]) -> dict[str, bytes]:
    """The files of these exports by their names."""
    chosen = (EXPORTS[export] for export in exports)
    return {file: make(image, analysis, name) for file, make in chosen}
