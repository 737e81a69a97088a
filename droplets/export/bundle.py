"""Everything that was found in a picture as one ZIP archive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from droplets.analysis import Analysis
from droplets.export.archive import archive
from droplets.export.coco import coco_json
from droplets.export.geojson import feature_collection
from droplets.export.imagej import roi_set
from droplets.export.kinds import COLOURS
from droplets.export.labels import label_tiff
from droplets.export.overlay import overlay_png
from droplets.export.summary import summary_text
from droplets.export.table import csv_table
from droplets.types import Image


def bundle(
    image: Image,
    analysis: Analysis,
    *,
    name: str,
    summary: Mapping[str, Any],
    about: Mapping[str, str] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> bytes:
    """ZIP archive of the analysis in every format; the same content gives the same bytes.

    Arguments:
        image: the whole picture.
        analysis: of it.
        name: of the picture's file as the client has it; folders in it are left out. It is shown in
            files and names none.
        summary: of droplets.figures.sizes.
        about: lines for the summary, such as date and model, by what they tell.
        extra: further files by their names, such as "analysis.json" and plots.

    Raises:
        ValueError: a name in `extra` is not a safe one (archive.archive) or is one of ours.
    """
    name = re.split(r"[/\\]", name)[-1] or "picture"
    droplets = analysis.droplets
    masks, colours = [d.mask for d in droplets], [COLOURS[d.kind] for d in droplets]
    text = summary_text(image, analysis, name=name, summary=summary, about=about or {})
    files = {
        "summary.md": text.encode(),
        "droplets.csv": csv_table(analysis).encode(),
        "overlay.png": overlay_png(image, masks, colours),
        "rois_imagej.zip": roi_set(analysis),
        "labels.tif": label_tiff(image, analysis),
        "outlines.geojson": feature_collection(analysis).encode(),
        "masks_coco.json": coco_json(image, analysis, name=name).encode(),
    }
    extra = extra or {}
    if taken := files.keys() & extra.keys():
        raise ValueError(f"{sorted(taken)} would stand in the archive twice")
    return archive({**files, **extra})
