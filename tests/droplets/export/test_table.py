"""The table opens in a spreadsheet and says what the analysis says."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from droplets.analysis import Analysis
from droplets.export.figures import COLUMNS, columns_table
from droplets.export.table import csv_table
from droplets.types import Boundary, Fluorescence, Intensity, PixelSize
from tests.droplets.export.filling import analysed
from tests.droplets.shapes import disc, rectangle

DOCS = Path(__file__).parents[3] / "docs" / "labs" / "exports.md"


def read(analysis: Analysis) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_table(analysis), newline="")))


def droplet_with_two_beads(size: PixelSize | None = None) -> Analysis:
    masks = [disc(30, 30, 20), disc(24, 30, 3), disc(38, 30, 3), rectangle(0, 0, 5, 2)]
    kinds, parents = {1: "bead", 2: "bead", 3: "other"}, {1: 0, 2: 0}
    return analysed(masks, kinds, parents, size)[1]


def test_a_row_an_object_in_order():
    rows = read(droplet_with_two_beads())
    assert [row["id"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["kind"] for row in rows] == ["droplet", "bead", "bead", "other"]
    assert [row["parent_id"] for row in rows] == ["", "0", "0", ""]
    assert [row["beads"] for row in rows] == ["2", "0", "0", "0"]


def test_figures_of_a_rectangle_by_hand():
    row = read(droplet_with_two_beads(PixelSize(0.5, "request")))[3]
    assert (row["centroid_x_px"], row["centroid_y_px"]) == ("2.0", "0.5")
    box = [row[f"bbox_{name}_px"] for name in ("x", "y", "width", "height")]
    assert box == ["0", "0", "5", "2"]
    assert (row["area_px"], row["area_um2"], row["border_distance_px"]) == ("10", "2.5", "0")
    diameter = 2 * math.sqrt(10 / math.pi)
    assert float(row["equivalent_diameter_px"]) == pytest.approx(diameter, rel=1e-6)
    assert float(row["equivalent_diameter_um"]) == pytest.approx(diameter / 2, rel=1e-6)
    assert float(row["volume_pl"]) == pytest.approx(math.pi / 6 * (diameter / 2) ** 3 / 1000, rel=1e-6)
    assert float(row["max_feret_diameter_px"]) == pytest.approx(math.hypot(5, 2), rel=1e-6)
    assert float(row["max_feret_diameter_um"]) == pytest.approx(math.hypot(5, 2) / 2, rel=1e-6)
    assert float(row["solidity"]) == 1


def test_what_is_not_known_is_an_empty_cell():
    row = read(droplet_with_two_beads())[0]
    unknown = [
        "area_um2",
        "equivalent_diameter_um",
        "volume_pl",
        "boundary_residual_px",
        "red_mean_intensity",
    ]
    assert all(row[name] == "" for name in unknown)


def test_a_number_that_is_not_finite_is_an_empty_cell():
    analysis = droplet_with_two_beads()
    droplet = analysis.droplets[0]
    analysis.droplets[0] = replace(droplet, intensity=replace(droplet.intensity, mean=math.nan))
    assert read(analysis)[0]["mean_intensity"] == ""


def test_channels_and_boundary():
    analysis = droplet_with_two_beads()
    droplet = analysis.droplets[0]
    channels = tuple(Intensity(level + 0.5, level, level + 1, 0.5, level, 9) for level in (10, 20, 30))
    boundary = Boundary(droplet.mask, contour=np.zeros((3, 2)), residual=0.25)
    analysis.droplets[0] = replace(droplet, channels=channels, boundary=boundary)
    row = read(analysis)[0]
    assert [row[f"{name}_mean_intensity"] for name in ("red", "green", "blue")] == ["10.5", "20.5", "30.5"]
    assert (row["green_min_intensity"], row["blue_max_intensity"]) == ("20", "31")
    assert row["boundary_residual_px"] == "0.25"


@pytest.mark.parametrize(("positive", "cell"), [(True, "1"), (False, "0"), (None, "")])
def test_fluorescence(positive, cell):
    analysis = droplet_with_two_beads()
    analysis.droplets[0] = replace(analysis.droplets[0], fluorescence=Fluorescence(900.5, 700.5, positive))
    row, bead = read(analysis)[:2]
    names = ("fluorescence_intensity", "fluorescence_amplitude", "positive")
    assert [row[name] for name in names] == ["900.5", "700.5", cell]
    assert [bead[name] for name in names] == ["", "", ""]


def test_a_kept_mask_has_no_residual():
    analysis = droplet_with_two_beads()
    droplet = analysis.droplets[0]
    analysis.droplets[0] = replace(droplet, boundary=Boundary(droplet.mask, kept_because="faint edge"))
    assert read(analysis)[0]["boundary_residual_px"] == ""


def test_columns_are_the_same_for_every_picture():
    empty = csv_table(Analysis([], 0, {}, {}))
    assert empty == ",".join(column.name for column in COLUMNS) + "\r\n"
    assert csv_table(droplet_with_two_beads()).startswith(empty)


def test_no_cell_is_a_formula():
    for row in read(droplet_with_two_beads(PixelSize(0.5, "request"))):
        words = ("", row["kind"], row["found_by"])
        assert all(cell in words or math.isfinite(float(cell)) for cell in row.values())
    assert not any(column.name[0] in "=+-@" for column in COLUMNS)


def test_names_are_unique_and_end_in_their_unit():
    names = [column.name for column in COLUMNS]
    assert len(set(names)) == len(names)
    for column in COLUMNS:
        suffix = {"px": "_px", "um": "_um", "um^2": "_um2", "pl": "_pl", "grey value": "_intensity"}
        assert column.name.endswith(suffix.get(column.unit, ""))


def test_the_documentation_has_the_columns():
    assert columns_table() in DOCS.read_text()
