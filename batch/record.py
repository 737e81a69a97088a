"""What is kept of a picture: its row of the table of pictures, and by what it is known to be done."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from pydantic import TypeAdapter

from batch.files import Picture
from droplets.analysis import Analysis
from droplets.ddpcr.result import DigitalPcr
from droplets.export.figures import rounded
from droplets.figures.sizes import is_whole, summary
from droplets.types import Image, PixelSizeSource


@dataclass(frozen=True)
class Stamp:
    """By what a file is known to be the same: at a glance, and by its content."""

    size: int
    modified: int
    sha256: str


@dataclass(frozen=True)
class MadeWith:
    """The version and the model that found the droplets."""

    version: str
    checkpoint: str
    device: str
    precision: str
    runtime: str


@dataclass(frozen=True)
class Row:
    """A picture in pictures.csv; lengths end in their unit, None is not known.

    Attributes:
        picture: its name; source, fluorescence: names of its files.
        frame: index in these, where they give several pictures.
        width_px, height_px: of the picture.
        droplets, beads, other: numbers of objects.
        measured: number of droplets that no border cuts; the sizes are theirs.
        cv: standard deviation of the diameter over its mean.
        partitions, positives: of digital PCR; lambda_, copies_per_ul: with the ends of their 95 % intervals.
        seconds: that it took.
        notes: remarks, by "; ".
    """

    picture: str
    source: str
    frame: int | None
    fluorescence: str | None
    width_px: int
    height_px: int
    pixel_size_um: float | None
    pixel_size_source: PixelSizeSource | None
    droplets: int
    beads: int
    other: int
    measured: int
    mean_px: float | None
    d10_px: float | None
    d50_px: float | None
    d90_px: float | None
    mean_um: float | None
    d10_um: float | None
    d50_um: float | None
    d90_um: float | None
    cv: float | None
    partitions: int | None
    positives: int | None
    lambda_: float | None
    lambda_low: float | None
    lambda_high: float | None
    copies_per_ul: float | None
    copies_per_ul_low: float | None
    copies_per_ul_high: float | None
    seconds: float
    notes: str


@dataclass(frozen=True)
class DyeFigures:
    """Digital PCR of one dye of a picture, as its result has it; `withheld`: there is no lambda to tell."""

    name: str
    n: int
    positives: int | None
    withheld: bool
    threshold: float | None
    threshold_source: str | None
    resolution: float | None
    rain: float | None
    volume_pl: float | None
    volume_uncertainty: float | None
    nominal_pl: float | None
    saturated: int
    missed: int
    excluded: dict[str, int]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What is written as picture.json.

    Attributes:
        row: of the table of pictures.
        diameters: of the measured droplets, in pixels.
        recipe: digest of what was asked.
        stamps: of its one or two files.
        made_with: version and model.
        dyes: of digital PCR.
    """

    row: Row
    diameters: tuple[float, ...]
    recipe: str
    stamps: tuple[Stamp, ...]
    made_with: MadeWith
    dyes: tuple[DyeFigures, ...] = ()


_RECORD = TypeAdapter(Record)


def to_json(record: Record) -> bytes:
    """The record as a file."""
    return _RECORD.dump_json(record)


def from_json(data: bytes) -> Record:
    """The record of a file.

    Raises:
        ValueError: it is none, or of another version.
    """
    return _RECORD.validate_json(data)


def make_row(
    image: Image, analysis: Analysis, picture: Picture, seconds: float
) -> tuple[Row, tuple[float, ...]]:
    """The row of a picture, and the diameters in pixels of its measured droplets."""
    figures = summary(analysis.droplets, analysis.pixel_size)
    px, um, size = figures["diameter"], figures["diameter_um"] or {}, analysis.pixel_size
    ddpcr = analysis.ddpcr
    copies = asdict(ddpcr.concentration.copies_per_droplet) if ddpcr else {}
    per_ul = asdict(ddpcr.concentration.copies_per_ul) if ddpcr else {}
    warnings = ddpcr.warnings if ddpcr else ()
    row = Row(
        picture=picture.name,
        source=picture.file.name,
        frame=picture.frame,
        fluorescence=", ".join(file.name for file in picture.fluorescence) or None,
        width_px=image.width,
        height_px=image.height,
        pixel_size_um=size.um if size else None,
        pixel_size_source=size.source if size else None,
        droplets=figures["count"]["droplet"],
        beads=figures["count"]["bead"],
        other=figures["count"]["other"],
        measured=figures["measured"],
        **rounded({f"{key}_px": px[key] for key in ("mean", "d10", "d50", "d90")}),
        **rounded({f"{key}_um": um.get(key) for key in ("mean", "d10", "d50", "d90")}),
        cv=rounded(px["cv"]),
        partitions=ddpcr.n if ddpcr else None,
        positives=ddpcr.positives if ddpcr else None,
        lambda_=rounded(copies.get("value")),
        lambda_low=rounded(copies.get("low")),
        lambda_high=rounded(copies.get("high")),
        copies_per_ul=rounded(per_ul.get("value")),
        copies_per_ul_low=rounded(per_ul.get("low")),
        copies_per_ul_high=rounded(per_ul.get("high")),
        seconds=round(seconds, 3),
        notes="; ".join([*image.notes, *analysis.notes, *warnings]),
    )
    whole = np.array([d.shape.equivalent_diameter for d in analysis.droplets if is_whole(d)])
    return row, tuple(rounded(whole.tolist()))


def dye_figures(result: DigitalPcr | None) -> tuple[DyeFigures, ...]:
    """Of each dye; none without digital PCR."""
    return tuple(
        DyeFigures(
            name=dye.name,
            n=dye.n,
            positives=dye.positives,
            withheld=dye.concentration.copies_per_droplet.value is None and dye.positives != dye.n,
            threshold=rounded(dye.threshold),
            threshold_source=dye.threshold_source,
            resolution=rounded(dye.separation.resolution),
            rain=rounded(dye.separation.rain),
            volume_pl=rounded(dye.volume.mean),
            volume_uncertainty=rounded(dye.volume.uncertainty),
            nominal_pl=dye.volume.nominal,
            saturated=dye.saturated,
            missed=dye.missed,
            excluded={str(why): count for why, count in dye.excluded.items()},
            warnings=dye.warnings,
        )
        for dye in (result.dyes if result else ())
    )
