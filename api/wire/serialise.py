"""What goes out: droplets as plain JSON values."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from PIL import Image as PillowImage

from api.schemas.options import Asked, MaskFormat
from api.wire.digital_pcr import digital_pcr, dye_lights
from droplets.analysis import Analysis
from droplets.export.coco import polygons, rles
from droplets.export.figures import rounded
from droplets.figures.sizes import summary
from droplets.objects.measure import diameter_um, volume_pl
from droplets.objects.settings import ObjectSettings
from droplets.types import Boundary, Droplet, Image, Intensity, Mask, PixelSize

ROUND = ObjectSettings().round
"""Circularity from which a mask is answered as a circle."""


def segmentation(image: Image, analysis: Analysis, wanted: Asked) -> dict[str, Any]:
    """Body of a segmentation's answer but for timing, model and request id (`Segmentation`)."""
    droplets, size = analysis.droplets, analysis.pixel_size
    children = children_of(droplets)
    outlines = _outlines([droplet.mask for droplet in droplets], image, wanted.options.mask_format)
    return {
        "success": True,
        "image": {
            "width": image.width,
            "height": image.height,
            "bit_depth": image.bit_depth,
            "format": image.format,
            "pixel_size_um": size.um if size else None,
            "pixel_size_source": size.source if size else None,
            "notes": [*image.notes, *analysis.notes],
            "axes": asdict(image.axes),
        },
        "num_masks": len(droplets),
        "original_count": analysis.found,
        "removed": analysis.removed,
        "masks": [
            {**rounded(_figures(i, droplet, children[i], size)), **_dyes(droplet), **outline}
            for i, (droplet, outline) in enumerate(zip(droplets, outlines, strict=True))
        ],
        "ddpcr": rounded(digital_pcr(analysis.ddpcr)) if analysis.ddpcr else None,
        "summary_statistics": rounded(summary(droplets, size)),
        "filters_applied": {
            "automatic": wanted.options.model_dump()["automatic_filters"],
            **wanted.filters.model_dump(exclude_none=True),
        },
        "preprocessing_applied": wanted.preprocessing.model_dump(),
    }


def children_of(droplets: Sequence[Droplet]) -> dict[int, list[int]]:
    """Indices of what each droplet contains."""
    children: dict[int, list[int]] = defaultdict(list)
    for i, droplet in enumerate(droplets):
        if droplet.parent is not None:
            children[droplet.parent].append(i)
    return children


def _figures(i: int, droplet: Droplet, children: list[int], size: PixelSize | None) -> dict[str, Any]:
    mask, shape, border = droplet.mask, droplet.shape, droplet.border
    touching = border.touching
    return {
        "id": i,
        "kind": droplet.kind,
        "confidence": droplet.confidence,
        "bbox": mask.box,
        "area": mask.area,
        "centroid": mask.centroid,
        "circle": (*mask.centroid, shape.equivalent_diameter / 2) if shape.circularity >= ROUND else None,
        "equivalent_diameter": shape.equivalent_diameter,
        "inner_diameter": droplet.inner_diameter,
        "max_feret_diameter": shape.max_feret_diameter,
        "circularity": shape.circularity,
        "solidity": shape.solidity,
        "found_by": mask.found_by,
        "predicted_iou": mask.predicted_iou,
        "stability_score": mask.stability_score,
        "parent_id": droplet.parent,
        "children": children,
        "pixel_stats": _pixel_stats(droplet.intensity),
        "channels": _channels(droplet),
        "edge_stats": {
            "min_distance_to_edge": border.nearest,
            "touches_edge": bool(touching),
            "distances": {side: getattr(border, side) for side in ("top", "bottom", "left", "right")},
            "edge_touching_sides": touching,
        },
        "boundary": _boundary(droplet.boundary),
        "diameter_um": diameter_um(shape.equivalent_diameter, size),
        "inner_diameter_um": diameter_um(droplet.inner_diameter, size),
        "volume_pl": volume_pl(shape.equivalent_diameter, size),
        "fluorescence": asdict(droplet.fluorescence) if droplet.fluorescence else None,
        "excluded": droplet.excluded,
    }


def _dyes(droplet: Droplet) -> dict[str, Any]:
    """The light of each dye, where there are several."""
    lights = dye_lights(droplet)
    return {"dyes": rounded(lights)} if lights else {}


def _boundary(boundary: Boundary | None) -> dict[str, Any] | None:
    if boundary is None:
        return None
    names = ("residual", "contrast", "kept_because")
    return {"uncertainty_px": boundary.uncertainty, **{name: getattr(boundary, name) for name in names}}


def _pixel_stats(light: Intensity) -> dict[str, float]:
    return {
        "mean_intensity": light.mean,
        "min_intensity": light.min,
        "max_intensity": light.max,
        "std_intensity": light.std,
        "median_intensity": light.median,
        "pixel_count": light.pixels,
    }


def _channels(droplet: Droplet) -> dict[str, dict[str, float]] | None:
    """Figures a channel of a colour picture; None for a grey one."""
    if not droplet.channels:
        return None
    colours = zip(("red", "green", "blue"), droplet.channels, strict=True)
    return {colour: _pixel_stats(light) for colour, light in colours}


def _outlines(masks: Sequence[Mask], image: Image, mask_format: MaskFormat) -> list[dict[str, Any]]:
    if mask_format == "rle":
        return [{"segmentation": packed} for packed in rles(masks, image.width, image.height)]
    if mask_format == "polygon":
        return [{"polygons": polygons(mask)} for mask in masks]
    if mask_format == "png":
        return [{"image": _png_data_url(mask, image)} for mask in masks]
    return [{} for _ in masks]


def _png_data_url(mask: Mask, image: Image) -> str:
    """One-bit PNG of the picture's size, white where the mask is."""
    picture = PillowImage.new("1", (image.width, image.height))
    picture.paste(PillowImage.fromarray(mask.crop), (mask.x, mask.y))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
