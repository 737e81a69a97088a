"""The page of text says everything that the summary has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from droplets.export.summary import summary_text
from droplets.figures.sizes import summary
from droplets.types import PixelSize
from tests.droplets.export.filling import analysed
from tests.droplets.shapes import disc


def text(
    name: str = "a.png", figures: dict | None = None, size: PixelSize | None = None, **about: str
) -> str:
    image, analysis = analysed([disc(20, 20, 10), disc(45, 40, 9)], size=size)
    image = replace(image, notes=("first of 12 frames",))
    if figures is None:
        figures = summary(analysis.droplets, size)
    return summary_text(image, analysis, name=name, summary=figures, about=about)


def test_what_was_analysed():
    page = text("plate 3.png", size=PixelSize(0.65, "OME-TIFF"), Date="2024-05-01", Model="MobileSAM")
    for line in (
        "- File: plate 3.png",
        "- Size: 64 x 60 px",
        "- Pixel size: 0.65 um (OME-TIFF)",
        "- Note 1: first of 12 frames",
        "- Date: 2024-05-01",
        "- Model: MobileSAM",
    ):
        assert line in page.splitlines()
    assert "- Pixel size: not known" in text()


def test_masks_found_removed_and_kept():
    lines = text().splitlines()
    for line in (
        "| found by the model | 5 |",
        "| removed: edge | 2 |",
        "| removed: area | 1 |",
        "| kept | 2 |",
    ):
        assert line in lines


def test_counts_and_diameters():
    page = text()
    assert "### count" in page
    assert "| droplet | 2 |" in page
    _, _, diameters = page.partition("### diameter (px)\n")
    assert "| mean | " in diameters
    assert "### diameter um (um)" not in page
    assert "### diameter um (um)" in text(size=PixelSize(0.5, "request"))


def test_whatever_else_a_summary_has():
    figures = {
        "coverage": 0.25,
        "poisson": {"lambda": 0.3, "interval": {"low": 0.2, "high": 0.4}, "bins": [1, 2, 3], "p": None},
        "diameter": {"mean_95": [37.5, 38.5], "bounds": [None, 2]},
        "monodisperse": True,
        "empty": {"mean": None},
    }
    lines = text(figures=figures).splitlines()
    assert "| coverage | 0.25 |" in lines
    assert "| lambda | 0.3 |" in lines
    assert "| mean 95 | 37.5 to 38.5 |" in lines
    assert "| monodisperse | yes |" in lines
    assert "| interval, low | 0.2 |" in lines
    assert not any("bins" in line or "bounds" in line or "empty" in line or "| p |" in line for line in lines)


@pytest.mark.parametrize("name", ["a\n# b", "<script>x</script>", "[x](y)", "a|b", "`rm`", "\x1b[31m"])
def test_a_name_cannot_change_the_page(name):
    lines = text(name).splitlines()
    assert len(lines) == len(text("a.png").splitlines())
    line = next(line for line in lines if line.startswith("- File"))
    for sign in "<[`|":
        assert line.count(sign) == line.count("\\" + sign)
    assert line.isprintable()


def test_it_tells_how_to_open_each_file():
    page = text()
    for file in ("droplets.csv", "rois_imagej.zip", "labels.tif", "outlines.geojson", "masks_coco.json"):
        assert f"| `{file}` |" in page
