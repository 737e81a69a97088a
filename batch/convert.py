"""Further exports of pictures that are done, from their masks_coco.json: the model is not asked again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from batch.engine import MOST_PIXELS
from batch.exports import EXPORTS, check_exports, exported
from batch.files import Picture, find_files
from batch.folder import OutFolder
from batch.opened import OpenFile, OpenFiles
from batch.record import Record
from batch.run import read_run, recorded
from batch.tables import Failure
from droplets.analysis import Analysis
from droplets.ddpcr.options import MOST_DYES
from droplets.errors import BadRequest, ServiceError
from droplets.export.coco import mask_from_rle
from droplets.export.figures import CHANNELS
from droplets.reading.planes import Selection
from droplets.types import BorderDistance, Boundary, Droplet, Fluorescence, Intensity, PixelSize, Shape

COCO = EXPORTS["coco"][0]


def convert(out: Path, exports: Sequence[str], tell: Callable[[str], None]) -> list[Failure]:
    """Write the exports of every picture beside those that it has.

    Arguments:
        out: folder of a run with the export `coco`.
        exports: of EXPORTS.
        tell: hears the name of each picture that is done.

    Returns:
        The pictures for which it could not be done, and why.

    Raises:
        BadRequest: an export is not known, or the folder holds no run or no masks.
    """
    check_exports(exports)
    folder, recipe, run = read_run(out)
    if "coco" not in recipe.exports:
        raise BadRequest(f"{out} holds no masks; segment the pictures with the export coco.")
    files = {file.name: file for file in find_files(run.inputs, out)}
    opened = OpenFiles(MOST_PIXELS)
    failures = []
    with folder.held():
        for record in recorded(folder, run):
            name = record.row.picture
            try:
                if (file := files.get(record.row.source)) is None:
                    raise BadRequest("The picture is no longer where it was.")
                plane = Picture(name, file, frame=record.row.frame).plane(recipe.wanted.options.selection)
                _convert(folder, record, opened.of(file), plane, exports)
            except ServiceError as error:
                failures.append(Failure(name, type(error).__name__, error.message))
            else:
                tell(name)
    return failures


def analysis_of(coco: Mapping[str, Any], size: PixelSize | None) -> Analysis:
    """What was found in a picture, as far as exports tell of it, from the data set of `coco_json`."""
    kinds = {category["id"]: category["name"] for category in coco["categories"]}
    droplets = [_droplet(annotation, kinds[annotation["category_id"]]) for annotation in coco["annotations"]]
    return Analysis(droplets, len(droplets), {}, {}, size)


def _convert(
    folder: OutFolder, record: Record, file: OpenFile, selection: Selection, exports: Sequence[str]
) -> None:
    if file.sha256 != record.stamps[0].sha256:
        raise BadRequest("The picture has changed since it was analysed; segment it again.")
    row = record.row
    um, source = row.pixel_size_um, row.pixel_size_source
    size = PixelSize(um, source) if um and source else None
    coco = json.loads((folder.of(row.picture) / COCO).read_bytes())
    image = file.image(selection)
    for name, made in exported(image, analysis_of(coco, size), row.picture, exports).items():
        with folder.writing(f"pictures/{row.picture}/{name}") as out:
            out.write(made)


def _droplet(annotation: Mapping[str, Any], kind: Any) -> Droplet:
    """The inverse of export.figures.COLUMNS."""
    figures = annotation["droplet"]
    mask = mask_from_rle(annotation["segmentation"])
    assert mask is not None  # noqa: S101  # every object has a pixel
    mask = replace(
        mask,
        predicted_iou=figures["predicted_iou"],
        stability_score=figures["stability_score"],
        found_by=figures["found_by"],
    )
    residual, nearest = figures["boundary_residual_px"], figures["border_distance_px"]
    return Droplet(
        mask=mask,
        kind=kind,
        parent=figures["parent_id"],
        intensity=_intensity(figures, "", mask.area),
        shape=Shape(
            figures["equivalent_diameter_px"],
            figures["max_feret_diameter_px"],
            figures["perimeter_px"],
            figures["circularity"],
            figures["solidity"],
        ),
        border=BorderDistance(nearest, nearest, nearest, nearest),
        confidence=figures["confidence"],
        boundary=Boundary(
            mask,
            contour=None if residual is None else np.empty((0, 2)),
            residual=residual or 0.0,
            uncertainty=figures["diameter_uncertainty_px"],
            inner_diameter=figures["inner_diameter_px"],
        ),
        channels=tuple(_intensity(figures, f"{channel}_", mask.area) for channel in CHANNELS)
        if figures["red_mean_intensity"] is not None
        else (),
        fluorescence=_fluorescence(figures),
        further_dyes=tuple(_fluorescence(figures, f"_{dye}") for dye in range(2, MOST_DYES + 1)),
        excluded=figures["excluded"],
    )


def _fluorescence(figures: Mapping[str, Any], dye: str = "") -> Fluorescence | None:
    """Of the first dye, or of a further one such as "_2"."""
    intensity, positive = figures[f"fluorescence{dye}_intensity"], figures[f"positive{dye}"]
    if intensity is None:
        return None
    light = figures[f"fluorescence{dye}_amplitude"]
    return Fluorescence(intensity, light, None if positive is None else bool(positive))


def _intensity(figures: Mapping[str, Any], channel: str, pixels: int) -> Intensity:
    names = ("mean", "min", "max", "std", "median")
    return Intensity(**{name: figures[f"{channel}{name}_intensity"] for name in names}, pixels=pixels)
