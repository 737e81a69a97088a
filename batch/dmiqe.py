"""The items of the dMIQE checklist (2020, Clin. Chem. 66:1012): what a run knows, and blanks for the rest."""

from __future__ import annotations

from collections.abc import Sequence

from batch.folder import OutFolder
from batch.record import Record
from batch.tables import write_csv
from batch.wells import WellRow
from config import VERSION

CHECKLIST = "dmiqe.csv"
BLANKS = {
    "specimen": ("type, source and storage", "processing and stability"),
    "nucleic acid extraction": ("method, kit and volume", "quantity, quality and inhibition"),
    "nucleic acid modification": ("fragmentation, digestion or reverse transcription",),
    "assay": (
        "target, amplicon and primer and probe sequences",
        "analytical specificity and cross-reactivity",
    ),
    "protocol": (
        "instrument and reagents, with lots",
        "reaction composition and template volume",
        "cycling conditions",
        "preparation of partitions",
    ),
    "validation": ("linear range and accuracy", "repeatability between experiments"),
    "study": ("experimental design and randomisation", "statistics and place of the raw data"),
}
"""What only the laboratory knows, by the part of the checklist."""


def write_checklist(folder: OutFolder, records: Sequence[Record], wells: Sequence[WellRow]) -> None:
    """Write dmiqe.csv; without wells there is none."""
    if not wells:
        (folder.path / CHECKLIST).unlink(missing_ok=True)
        return
    known = [("data analysis", item, value) for item, value in _known(records, wells)]
    blank = [(part, item, "") for part, items in BLANKS.items() for item in items]
    write_csv(folder, CHECKLIST, ["part", "item", "value"], [*known, *blank])


def _known(records: Sequence[Record], wells: Sequence[WellRow]) -> list[tuple[str, str]]:
    """Items with what the run says of them; empty where it does not."""
    return [
        ("software and version", f"sam-droplet {VERSION}"),
        ("model", ", ".join(sorted({one.made_with.checkpoint for one in records}))),
        ("pixel size", _range([one.row.pixel_size_um for one in records], "um")),
        ("dyes", ", ".join(dict.fromkeys(one.dye for one in wells))),
        ("partitions a well", _range([one.n for one in wells], "")),
        ("partition volume", _range([one.volume_pl for one in wells], "pl")),
        (
            "relative uncertainty of the partition volume",
            _range([one.volume_uncertainty for one in wells], ""),
        ),
        ("volume analysed a well", _range([one.analysed_ul for one in wells], "ul")),
        (
            "threshold",
            ", ".join(dict.fromkeys(f"{one.dye}: {one.threshold}" for one in wells if one.threshold)),
        ),
        ("how thresholds were set", ", ".join(sorted({one.threshold_source for one in wells} - {""}))),
        ("copies a partition (lambda)", _range([one.lambda_ for one in wells], "")),
        ("copies a microlitre", _range([one.copies_per_ul for one in wells], "copies/ul")),
        ("intervals", "95 %, wells.csv"),
        ("resolution of positives and negatives", _range([one.resolution for one in wells], "")),
        ("share of rain", _range([one.rain for one in wells], "")),
        ("limit of blank", _range([one.limit_of_blank for one in wells], "positives a well")),
        ("limit of detection", _range([one.limit_of_detection for one in wells], "positives a well")),
        ("replicates and their overdispersion", "samples.csv"),
    ]


def _range(values: Sequence[float | None], unit: str) -> str:
    """Lowest to highest of what is known."""
    known = sorted({value for value in values if value is not None})
    if not known:
        return ""
    ends = dict.fromkeys(f"{value:.4g}" for value in (known[0], known[-1]))
    return f"{' to '.join(ends)} {unit}".strip()
