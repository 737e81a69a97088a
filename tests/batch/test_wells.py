"""Wells, samples, controls and the checklist of digital PCR, from the records of pictures."""

from __future__ import annotations

import csv
from dataclasses import fields, replace

import pytest

from batch.dmiqe import CHECKLIST, write_checklist
from batch.folder import OutFolder
from batch.plate import NO_PLATE, Plate
from batch.record import DyeFigures, MadeWith, Record, Row, from_json, to_json
from batch.wells import write_wells
from droplets.ddpcr.concentration import concentration, per_microlitre
from droplets.ddpcr.runs import limits, ratio
from droplets.ddpcr.volume import Volume
from droplets.errors import BadRequest

DROPLETS = (
    "fluorescence_amplitude,positive,fluorescence_2_amplitude,positive_2\n900,1,20,0\n10,0,800,1\n,,,\n"
)
PLATE = Plate(
    merge_by="{}_field*",
    replicates="{}-rep*",
    blanks="NTC*",
    calibrator="normal",
    reference_copies=2,
    dilution=10,
    reaction_ul=20,
)


def dye(name: str, positives: int | None, n: int, **others) -> DyeFigures:
    volume = 500.0, 0.03, None
    told = False, 300.0, "automatic", 4.0, 0.01
    figures = DyeFigures(name, n, positives, *told, *volume, 1, 0, {"debris": 2}, ("w",))
    return replace(figures, **others)


def row(picture: str) -> Row:
    known = {"picture": picture, "source": picture, "notes": "", "seconds": 0.1}
    numbers = ("width_px", "height_px", "droplets", "beads", "other", "measured")
    names = [field.name for field in fields(Row)]
    return Row(**{**dict.fromkeys(names), **dict.fromkeys(numbers, 9), **known})


def record(picture: str, *dyes: DyeFigures) -> Record:
    made_with = MadeWith("1", "checkpoint", "cpu", "float32", "torch")
    return Record(row(picture), (), "digest", (), made_with, dyes)


@pytest.fixture
def tables(tmp_path):
    def write(records, plate=PLATE):
        folder = OutFolder(tmp_path)
        with folder.held():
            for one in records:
                folder.put(one.row.picture, {"droplets.csv": DROPLETS.encode()})
            write_checklist(folder, records, write_wells(folder, records, plate))
        return {
            path.relative_to(tmp_path).as_posix(): list(csv.DictReader(path.read_text().splitlines()))
            for path in tmp_path.rglob("*.csv")
            if "pictures" not in path.parts
        }

    return write


RUN = [
    record("NTC_field1", dye("FAM", 1, 1000), dye("HEX", 0, 1000)),
    record("tumour-rep1_field1", dye("FAM", 300, 1000), dye("HEX", 200, 1000)),
    record("tumour-rep1_field2", dye("FAM", 310, 1000), dye("HEX", 190, 1000)),
    record("tumour-rep2_field1", dye("FAM", 500, 1000), dye("HEX", 200, 1000)),
    record("normal_field1", dye("FAM", 200, 1000), dye("HEX", 200, 1000)),
]


def test_pictures_are_merged_to_wells_and_wells_to_samples(tables):
    found = tables(RUN)
    wells = {(one["name"], one["dye"]): one for one in found["wells.csv"]}
    assert len(wells) == 8
    well = wells["tumour-rep1", "FAM"]
    wanted = concentration(610, 2000, Volume(500.0, uncertainty=0.03))
    assert (well["parts"], well["n"], well["positives"]) == ("2", "2000", "610")
    for name, one in (("lambda", wanted.copies_per_droplet), ("copies_per_ul", wanted.copies_per_ul)):
        for end, value in (("", one.value), ("_low", one.low), ("_high", one.high)):
            assert float(well[name + end]) == pytest.approx(value, rel=1e-5)
    assert float(well["sample_copies_per_ul"]) == pytest.approx(10 * wanted.copies_per_ul.value, rel=1e-5)
    assert float(well["dead_ul"]) == pytest.approx(20 - 2000 * 500e-6)
    assert (well["excluded"], well["saturated"], well["warnings"]) == ("4 debris", "2", "w")
    samples = {(one["name"], one["dye"]): one for one in found["samples.csv"]}
    pooled = samples["tumour", "FAM"]
    assert (pooled["parts"], pooled["n"]) == ("2", "3000")
    assert float(pooled["overdispersion"]) > 10


def test_controls_give_limits_ratios_copy_numbers_and_fold_changes(tables):
    found = tables(RUN)
    wells = {(one["name"], one["dye"]): one for one in found["wells.csv"]}
    assert int(wells["normal", "FAM"]["limit_of_blank"]) == limits([1]).blank
    assert (wells["normal", "FAM"]["detected"], wells["NTC", "FAM"]["detected"]) == ("1", "0")
    assert float(wells["normal", "FAM"]["blank_threshold"]) == pytest.approx(10)  # of its negatives
    normal = {one["dye"]: one for one in found["samples.csv"] if one["name"] == "normal"}
    assert float(normal["HEX"]["ratio"]) == pytest.approx(1)
    assert float(normal["HEX"]["copy_number"]) == pytest.approx(2)
    a, b = (concentration(200, 1000).copies_per_droplet for _ in range(2))
    assert float(normal["HEX"]["copy_number_high"]) == pytest.approx(ratio(a, b, 2).high, rel=1e-5)
    tumour = next(one for one in found["samples.csv"] if (one["name"], one["dye"]) == ("tumour", "HEX"))
    per_ul = [
        per_microlitre(concentration(k, n).copies_per_droplet, Volume(500.0)).value
        for k, n in ((590, 3000), (200, 1000))
    ]
    assert float(tumour["fold_change"]) == pytest.approx(per_ul[0] / per_ul[1], rel=1e-5)


def test_what_cannot_be_told_is_empty(tables):
    unknown = [record("a", dye("FAM", None, 50)), record("b", dye("FAM", 40, 50, withheld=True))]
    found = tables(unknown, NO_PLATE)
    assert [one["lambda"] for one in found["wells.csv"]] == ["", ""]
    assert "amplitudes/a_Amplitude.csv" not in found


def test_amplitudes_are_as_quantasoft_writes_them(tables):
    assert tables(RUN)["amplitudes/normal_Amplitude.csv"] == [
        {"Ch1 Amplitude": "900", "Ch2 Amplitude": "20", "Cluster": "2"},
        {"Ch1 Amplitude": "10", "Ch2 Amplitude": "800", "Cluster": "4"},
    ]


def test_tables_of_another_run_do_not_stay(tables):
    assert {"wells.csv", "samples.csv", CHECKLIST} <= tables(RUN).keys()
    found = tables([record("bright")])
    assert not {"wells.csv", "samples.csv", CHECKLIST} & found.keys()
    assert not [name for name in found if name.startswith("amplitudes")]


def test_the_checklist_has_what_is_known_and_blanks(tables):
    found = {one["item"]: one["value"] for one in tables(RUN)[CHECKLIST]}
    assert found["partitions a well"] == "1000 to 2000"
    assert found["partition volume"] == "500 pl"
    assert found["cycling conditions"] == ""


def test_a_record_keeps_its_dyes():
    assert from_json(to_json(RUN[0])) == RUN[0]


@pytest.mark.parametrize(
    "wrong", [{"merge_by": "field*"}, {"dilution": 0.5}, {"wells": 3}, {"threshold": "blanks"}]
)
def test_a_plate_that_cannot_be_is_refused(wrong):
    with pytest.raises(BadRequest, match="plate"):
        Plate.parse(wrong, "plate")
