"""The tables of digital PCR over a run: wells, samples, and amplitudes as programs in R read them."""

from __future__ import annotations

import csv
import math
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace

import numpy as np

from batch.folder import DROPLETS, OutFolder
from batch.plate import Plate
from batch.record import DyeFigures, Record
from batch.tables import write_csv
from droplets.ddpcr.concentration import PL_PER_UL, Estimate, per_microlitre
from droplets.ddpcr.runs import Limits, limits, pooled, ratio
from droplets.ddpcr.settings import DdpcrSettings
from droplets.ddpcr.volume import Volume
from droplets.export.figures import rounded

WELLS, SAMPLES, AMPLITUDES = "wells.csv", "samples.csv", "amplitudes"
NO_NAME = re.compile(r"[^A-Za-z0-9._-]")
CLUSTERS = {("0", "0"): 1, ("1", "0"): 2, ("1", "1"): 3, ("0", "1"): 4}
"""QuantaSoft's numbers by what is positive: neither, the first, both, the second."""


@dataclass(frozen=True)
class WellRow:
    """A dye of a well, or of a sample's replicates together; None is not known.

    Attributes:
        name: of the well or sample; dye: its name.
        parts: number of pictures of the well, or of wells of the sample.
        n, positives: numbers of partitions.
        lambda_, copies_per_ul: with their 95 % intervals, which hold how the parts differ.
        sample_copies_per_ul: copies_per_ul before dilution.
        cv, overdispersion: of the parts; 1 where they differ by counting alone.
        volume_pl: mean of a partition, or a nominal one; volume_uncertainty: relative.
        analysed_ul: volume of all partitions; dead_ul: of the reaction that is not in them.
        threshold: lowest and highest of the parts, as a text if they differ.
        resolution, rain: the worst of the parts.
        saturated, excluded, missed: numbers of partitions; excluded with reasons.
        limit_of_blank, limit_of_detection: positives, by the wells without template, and mean positives.
        detected: 1 if more are positive than the limit of blank.
        blank_threshold: amplitude that hardly a negative without template exceeds, see Plate.threshold.
        ratio: of the first dye's lambda to this one's; copy_number: the same by reference_copies.
        fold_change: to the calibrator.
        warnings: of all parts, by "; ".
    """

    name: str
    dye: str
    parts: int
    n: int
    positives: int | None
    lambda_: float | None
    lambda_low: float | None
    lambda_high: float | None
    copies_per_ul: float | None
    copies_per_ul_low: float | None
    copies_per_ul_high: float | None
    sample_copies_per_ul: float | None
    cv: float | None
    overdispersion: float | None
    volume_pl: float | None
    volume_uncertainty: float | None
    analysed_ul: float | None
    dead_ul: float | None
    threshold: str
    threshold_source: str
    resolution: float | None
    rain: float | None
    saturated: int
    excluded: str
    missed: int
    warnings: str
    limit_of_blank: int | None = None
    limit_of_detection: float | None = None
    detected: int | None = None
    blank_threshold: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    copy_number: float | None = None
    copy_number_low: float | None = None
    copy_number_high: float | None = None
    fold_change: float | None = None
    fold_change_low: float | None = None
    fold_change_high: float | None = None

    @property
    def copies(self) -> Estimate:
        """A partition."""
        return Estimate(self.lambda_, self.lambda_low, self.lambda_high)

    @property
    def per_ul(self) -> Estimate:
        """Copies a microlitre."""
        return Estimate(self.copies_per_ul, self.copies_per_ul_low, self.copies_per_ul_high)


Key = tuple[str, int]
"""Name of a well or sample, and index of the dye."""


def well_names(records: Sequence[Record]) -> list[str]:
    """Tables that a run of these pictures has."""
    return [WELLS, SAMPLES] if any(record.dyes for record in records) else []


def write_wells(folder: OutFolder, records: Sequence[Record], plate: Plate) -> list[WellRow]:
    """Write wells.csv, samples.csv and amplitudes/; the rows of wells.

    What is there of another run is taken away, also where there is no digital PCR in this one.
    """
    shutil.rmtree(folder.path / AMPLITUDES, ignore_errors=True)
    done = [record for record in records if record.dyes]
    if not done:
        for name in (WELLS, SAMPLES):
            (folder.path / name).unlink(missing_ok=True)
        return []
    pictures: dict[Key, list[DyeFigures]] = {}
    for record in done:
        for index, dye in enumerate(record.dyes):
            pictures.setdefault((plate.well(record.row.picture), index), []).append(dye)
    wells = {
        key: _row(key[0], [(p.positives, p.n) for p in parts], parts, plate)
        for key, parts in pictures.items()
    }
    samples = _samples(wells, pictures, plate)
    blanks = _limits(wells, plate)
    names = [field.name.rstrip("_") for field in fields(WellRow)]
    cuts = _blank_thresholds(folder, done, plate)
    told = [
        replace(
            _compared(row, key, wells, blanks.get(key[1]), plate), blank_threshold=rounded(cuts.get(key[1]))
        )
        for key, row in wells.items()
    ]
    write_csv(folder, WELLS, names, map(astuple, told))
    together = [_compared(row, key, samples, None, plate) for key, row in samples.items()]
    write_csv(folder, SAMPLES, names, map(astuple, together))
    _write_amplitudes(folder, done, plate)
    return told


def _samples(
    wells: Mapping[Key, WellRow], pictures: Mapping[Key, Sequence[DyeFigures]], plate: Plate
) -> dict[Key, WellRow]:
    """The wells that hold the same together."""
    keys: dict[Key, list[Key]] = {}
    for well, index in wells:
        keys.setdefault((plate.sample(well), index), []).append((well, index))
    return {
        sample: _row(
            sample[0],
            [(wells[key].positives, wells[key].n) for key in parts],
            [picture for key in parts for picture in pictures[key]],
            plate,
        )
        for sample, parts in keys.items()
    }


def _row(
    name: str, parts: Sequence[tuple[int | None, int]], pictures: Sequence[DyeFigures], plate: Plate
) -> WellRow:
    """Of parts, their positives and numbers of partitions, as the pictures show them."""
    counts = [(positives, n) for positives, n in parts if positives is not None and n]
    n, missed = (sum(getattr(one, what) for one in pictures) for what in ("n", "missed"))
    told = len(counts) == len(parts) and not any(one.withheld for one in pictures)
    found = pooled(counts) if told else None
    volume = _volume(pictures)
    copies = found.copies_per_droplet if found else Estimate()
    per_ul = per_microlitre(copies, volume)
    analysed = n * volume.used / PL_PER_UL if volume.used else None
    thresholds = sorted({rounded(one.threshold, 5) for one in pictures if one.threshold is not None})
    excluded = sum((Counter(one.excluded) for one in pictures), Counter())
    row = WellRow(
        name=name,
        dye=pictures[0].name,
        parts=len(parts),
        n=n,
        positives=found.positives if found else None,
        lambda_=copies.value,
        lambda_low=copies.low,
        lambda_high=copies.high,
        copies_per_ul=per_ul.value,
        copies_per_ul_low=per_ul.low,
        copies_per_ul_high=per_ul.high,
        sample_copies_per_ul=None if per_ul.value is None else per_ul.value * plate.dilution,
        cv=found.cv if found else None,
        overdispersion=found.overdispersion if found else None,
        volume_pl=volume.used,
        volume_uncertainty=volume.uncertainty,
        analysed_ul=analysed,
        dead_ul=None if analysed is None or not plate.reaction_ul else plate.reaction_ul - analysed,
        threshold=" to ".join(f"{one:g}" for one in dict.fromkeys((*thresholds[:1], *thresholds[-1:]))),
        threshold_source=", ".join(
            sorted({one.threshold_source for one in pictures if one.threshold_source})
        ),
        resolution=min((one.resolution for one in pictures if one.resolution is not None), default=None),
        rain=max((one.rain for one in pictures if one.rain is not None), default=None),
        saturated=sum(one.saturated for one in pictures),
        excluded=", ".join(f"{count} {why}" for why, count in sorted(excluded.items())),
        missed=missed,
        warnings="; ".join(dict.fromkeys(text for one in pictures for text in one.warnings)),
    )
    return WellRow(**{field.name: rounded(getattr(row, field.name)) for field in fields(row)})


def _volume(pictures: Sequence[DyeFigures]) -> Volume:
    """Mean over all partitions; its uncertainty is common to the pictures, so that the largest one counts."""
    measured = [(one.volume_pl, one.n) for one in pictures if one.volume_pl is not None and one.n]
    mean = sum(pl * n for pl, n in measured) / sum(n for _, n in measured) if measured else None
    uncertainties = [one.volume_uncertainty for one in pictures if one.volume_uncertainty is not None]
    return Volume(mean, None, max(uncertainties, default=None), pictures[0].nominal_pl)


def _limits(wells: Mapping[Key, WellRow], plate: Plate) -> dict[int, Limits]:
    """By the dye, of the wells without template."""
    blank = set(plate.blank(well for well, _ in wells))
    positives: dict[int, list[int]] = {}
    for (well, index), row in wells.items():
        if well in blank and row.positives is not None:
            positives.setdefault(index, []).append(row.positives)
    return {index: limits(counts) for index, counts in positives.items()}


def _blank_thresholds(folder: OutFolder, records: Sequence[Record], plate: Plate) -> dict[int, float]:
    """By the dye: where the negatives in wells without template end."""
    blank = set(plate.blank(plate.well(record.row.picture) for record in records))
    negatives: dict[int, list[float]] = {}
    for record in records:
        if plate.well(record.row.picture) in blank:
            for row in lights(folder, record):
                for index, (amplitude, positive) in enumerate(row):
                    if not math.isnan(amplitude) and positive != 1:
                        negatives.setdefault(index, []).append(amplitude)
    reach = DdpcrSettings().end_of_negatives
    return {index: float(np.mean(some) + reach * np.std(some)) for index, some in negatives.items()}


def _compared(
    row: WellRow, key: Key, rows: Mapping[Key, WellRow], blanks: Limits | None, plate: Plate
) -> WellRow:
    """With what blanks, the first dye and the calibrator tell."""
    name, index = key
    first, calibrator = rows.get((name, 0)), rows.get((plate.calibrator or "", index))
    times = ratio(first.copies, row.copies) if index and first else Estimate()
    factor = plate.reference_copies if index == 1 else None
    number = ratio(first.copies, row.copies, factor) if factor and first else Estimate()
    fold = ratio(row.per_ul, calibrator.per_ul) if calibrator else Estimate()
    if calibrator and fold.value is None:  # of partitions of one volume
        fold = ratio(row.copies, calibrator.copies)
    more = row.positives is not None and blanks is not None
    return replace(
        row,
        limit_of_blank=blanks.blank if blanks else None,
        limit_of_detection=rounded(blanks.detection) if blanks else None,
        detected=int(row.positives > blanks.blank) if more and blanks and row.positives is not None else None,
        **{
            f"{what}{end}": rounded(value)
            for what, one in (("ratio", times), ("copy_number", number), ("fold_change", fold))
            for end, value in (("", one.value), ("_low", one.low), ("_high", one.high))
        },
    )


def _write_amplitudes(folder: OutFolder, records: Sequence[Record], plate: Plate) -> None:
    """amplitudes/WELL_Amplitude.csv of the first two dyes, as QuantaSoft exports them."""
    wells: dict[str, list[Record]] = {}
    for record in records:
        if len(record.dyes) > 1:
            wells.setdefault(plate.well(record.row.picture), []).append(record)
    for well, own in wells.items():
        lines = [line for record in own for line in _amplitudes(folder, record)]
        file = f"{AMPLITUDES}/{NO_NAME.sub('_', well)}_Amplitude.csv"
        write_csv(folder, file, ["Ch1 Amplitude", "Ch2 Amplitude", "Cluster"], lines)


def _amplitudes(folder: OutFolder, record: Record) -> Iterator[tuple[str, str, int | None]]:
    for row in _droplets(folder, record):
        first, second = row["fluorescence_amplitude"], row["fluorescence_2_amplitude"]
        if first and second:
            yield first, second, CLUSTERS.get((row["positive"], row["positive_2"]))


def lights(folder: OutFolder, record: Record) -> Iterator[list[tuple[float, float]]]:
    """Of each droplet of a picture, for each dye: its amplitude and 1 for positive; NaN where it has none."""
    ends = ["", *(f"_{index + 1}" for index in range(1, len(record.dyes)))]
    for row in _droplets(folder, record):
        yield [
            (float(row[f"fluorescence{end}_amplitude"] or "nan"), float(row[f"positive{end}"] or "nan"))
            for end in ends
        ]


def _droplets(folder: OutFolder, record: Record) -> Iterator[dict[str, str]]:
    """The rows of a picture's table."""
    with (folder.of(record.row.picture) / DROPLETS).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)
