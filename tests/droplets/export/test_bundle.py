"""The bundle holds every format, safely named, and the same each time."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from droplets.export.archive import archive
from droplets.export.bundle import bundle
from droplets.export.coco import coco_json
from droplets.export.geojson import feature_collection
from droplets.export.imagej import roi_set
from droplets.export.labels import label_tiff
from droplets.export.table import csv_table
from droplets.figures.sizes import summary
from tests.droplets.export.filling import analysed
from tests.droplets.shapes import disc

DOCS = Path(__file__).parents[3] / "docs" / "labs" / "exports.md"
IMAGE, ANALYSIS = analysed([disc(30, 30, 20), disc(30, 30, 4)], {1: "bead"}, {1: 0})


def bundled(name: str = "a.png", **extra: bytes) -> bytes:
    figures = summary(ANALYSIS.droplets, None)
    return bundle(IMAGE, ANALYSIS, name=name, summary=figures, about={"Date": "2024-05-01"}, extra=extra)


def opened(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name) for name in zipped.namelist()}


def test_every_format_is_in_it():
    files = opened(bundled())
    assert files["droplets.csv"] == csv_table(ANALYSIS).encode()
    assert files["masks_coco.json"] == coco_json(IMAGE, ANALYSIS, name="a.png").encode()
    assert files["rois_imagej.zip"] == roi_set(ANALYSIS)
    assert files["outlines.geojson"] == feature_collection(ANALYSIS).encode()
    assert files["labels.tif"] == label_tiff(IMAGE, ANALYSIS)
    assert files["overlay.png"].startswith(b"\x89PNG")
    assert b"- Date: 2024-05-01" in files["summary.md"]
    assert len(files) == 7


def test_further_files_go_along():
    figures = summary(ANALYSIS.droplets, None)
    extra = {"analysis.json": b"{}", "plots/diameters.png": b"x"}
    files = opened(bundle(IMAGE, ANALYSIS, name="a.png", summary=figures, extra=extra))
    assert {name: files[name] for name in extra} == extra


def test_the_same_bytes_each_time():
    assert bundled() == bundled()
    with zipfile.ZipFile(io.BytesIO(bundled())) as zipped:
        assert {entry.date_time for entry in zipped.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x.png", "x.png"),
        ("/root/ä\u202e.png", "ä\u202e.png"),
        ("a/", "picture"),
        ("", "picture"),
        ("a\0\ud800", "a\0\ud800"),
    ],
)
def test_the_pictures_name_is_no_path(name, shown):
    files = opened(bundled(name))
    assert files.keys() == opened(bundled()).keys()
    assert json.loads(files["masks_coco.json"])["images"][0]["file_name"] == shown


def test_the_code_in_the_documentation_runs(tmp_path, monkeypatch):
    with zipfile.ZipFile(io.BytesIO(bundled())) as zipped:
        zipped.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL):
        exec(block, names)  # noqa: S102
    droplet, bead = ANALYSIS.droplets
    assert names["diameters"] == pytest.approx([droplet.shape.equivalent_diameter], rel=1e-6)
    assert names["names"] == ["droplet-0000", "bead-0001"]
    assert names["pixels_of_the_first"].sum() == droplet.mask.area - bead.mask.area
    assert names["areas"] == [droplet.mask.area, bead.mask.area]
    assert names["mask"].sum() == droplet.mask.area


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../x", "a//x", "a/", "", ".x", "C:x", "a\\x", "ä", "a b", "a\n", "x/.y"]
)
def test_unsafe_names_of_further_files_are_refused(name):
    with pytest.raises(ValueError, match="no name for a file"):
        archive({name: b""})


def test_a_further_file_cannot_replace_ours():
    with pytest.raises(ValueError, match="twice"):
        bundled(**{"droplets.csv": b""})
