"""Digital PCR on the page, from a brightfield and fluorescence pair."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from playwright.sync_api import expect

from training.rendering.plain import render_ddpcr_pair

pytestmark = pytest.mark.model

MISS_ONE = """
async () => {
  const { now, set, update } = await import("/static/js/state.js");
  const { id, items } = now().pictures[0];
  const last = items.findLast(({ mask }) => mask.fluorescence && !mask.children.length);
  update(id, { items: items.slice(0, last.key) });
  return last.mask;
}
"""
ADD = """
async (point) => {
  const { now } = await import("/static/js/state.js");
  const { addAt } = await import("/static/js/addition.js");
  const told = await addAt(now().pictures[0], point);
  return [told, now().pictures[0].items.at(-1).mask];
}
"""


def open_pair(bench, folder):
    """A brightfield picture and its fluorescence, analysed."""
    bright, light = render_ddpcr_pair(512, 512, count=90, positive_fraction=0.3, seed=4)
    tifffile.imwrite(folder / "bright.tif", bright.pixels)
    tifffile.imwrite(folder / "light.tif", light.pixels)
    bench.give_key()
    bench.page.set_input_files("#files", folder / "bright.tif")
    expect(bench.page.locator("#strip .muted")).to_contain_text("droplets", timeout=120_000)
    bench.tab("ddPCR")
    bench.page.set_input_files("#fluorescence-file", folder / "light.tif")
    expect(bench.page.locator("#pcr-figures")).to_contain_text("positive", timeout=60_000)
    return bright


def test_an_added_droplet_has_the_fluorescence_that_the_services_archive_gives_it(bench, tmp_path):
    page = bench.page
    open_pair(bench, tmp_path)
    missed = page.evaluate(MISS_ONE)
    assert missed["kind"] == "droplet"
    assert missed["fluorescence"]
    told, added = page.evaluate(ADD, [round(value) for value in missed["centroid"]])
    assert told.startswith("Added: droplet")
    bench.tab("Export")
    with page.expect_download() as download:
        page.get_by_role("button", name="Everything as ZIP").click()
    archive = zipfile.ZipFile(Path(download.value.path()))
    name = next(name for name in archive.namelist() if name.endswith("analysis.json"))
    masks = json.loads(archive.read(name))["masks"]
    near = min(masks, key=lambda mask: math.dist(mask["centroid"], added["centroid"]))
    assert math.dist(near["centroid"], added["centroid"]) < 1
    for figure in ("intensity", "amplitude"):
        assert added["fluorescence"][figure] == pytest.approx(near["fluorescence"][figure], rel=1e-3)


def test_a_warning_about_the_result_looks_like_one(bench, tmp_path):
    open_pair(bench, tmp_path)
    warning = bench.page.locator("#pcr-notes .warning").first
    expect(warning).to_contain_text("droplets")
    expect(warning.locator(".icon")).to_be_visible()


def test_a_fluorescence_picture_gives_positives_and_a_threshold_that_can_be_moved(bench, tmp_path):
    bright, page = open_pair(bench, tmp_path), bench.page
    figures = page.locator("#pcr-figures")
    expect(page.locator("#scatter-title")).to_have_text("Fluorescence amplitude")
    whole = [each for each in bright.droplets if not each.touches_border]
    assert f"{sum(bool(each.positive) for each in whole)} (" in figures.inner_text()

    page.get_by_label("Micrometres a pixel").fill("1.5")
    page.get_by_label("Micrometres a pixel").press("Enter")
    expect(figures).to_contain_text("mean volume")
    threshold = page.get_by_role("spinbutton", name="Threshold")
    threshold.fill("1000000")
    threshold.press("Enter")
    expect(figures).to_contain_text("0 (0 %)")
    bench.tab("Export")
    expect(page.locator("#code")).to_contain_text('"ddpcr":{"threshold":1000000}')
    expect(page.locator("#code")).to_contain_text("fluorescence=@light.tif")

    page.get_by_role("button", name="Show the fluorescence").click()
    expect(page.locator("#light")).to_have_attribute("aria-pressed", "true")


SEEN = """
([x, y]) => {
  const canvas = document.getElementById("canvas");
  const ratio = canvas.width / canvas.clientWidth;
  return canvas.getContext("2d").getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data[0];
}
"""
"""How bright a place of the canvas is."""
DYES = """async () => {
  const { now } = await import("/static/js/state.js");
  return now().pictures[0].edits;
}"""


SHIFT = (14, -9)


def open_dyes(bench, folder):
    """A brightfield picture and two dyes that are shifted against it, analysed; how many droplets count."""
    bright, light = render_ddpcr_pair(512, 512, count=90, positive_fraction=0.3, seed=4)
    other = render_ddpcr_pair(512, 512, count=90, positive_fraction=0.6, seed=4)[1]
    tifffile.imwrite(folder / "bright.tif", bright.pixels)
    way = np.array([[1, 0, SHIFT[0]], [0, 1, SHIFT[1]]], np.float32)
    for name, one in (("FAM", light), ("HEX", other)):
        moved = cv2.warpAffine(one.pixels, way, (512, 512), borderMode=cv2.BORDER_REPLICATE)
        tifffile.imwrite(folder / f"{name}.tif", moved)
    bench.give_key()
    bench.page.set_input_files("#files", folder / "bright.tif")
    expect(bench.page.locator("#strip .muted")).to_contain_text("droplets", timeout=120_000)
    bench.tab("ddPCR")
    bench.page.set_input_files("#fluorescence-file", [folder / "FAM.tif", folder / "HEX.tif"])
    figures = bench.page.locator("#pcr-figures")
    expect(figures).to_contain_text("positive", timeout=60_000)
    return bright, int(figures.locator("dd").first.inner_text())


def test_fluorescence_that_is_shifted_lies_on_its_droplets_and_what_does_not_count_is_told(bench, tmp_path):
    page = bench.page
    bright, counted = open_dyes(bench, tmp_path)
    shift = re.findall(r"-?[\d.]+", page.locator("#pcr-shift dd").first.inner_text())[:2]
    assert [float(part) for part in shift] == pytest.approx(SHIFT, abs=1.5)
    expect(page.locator("#pcr-shift")).to_contain_text("droplets that match")
    found, *reasons, count = page.locator("#pcr-reasons dd").all_inner_texts()
    assert int(count) == counted
    assert int(found) + sum(int(reason.replace("−", "-")) for reason in reasons) == counted
    expect(page.locator("#pcr-reasons")).to_contain_text("not wholly in the fluorescence picture")

    page.get_by_role("button", name="Show the fluorescence").click()
    page.get_by_role("button", name="Outlines").click()
    lit = next(d for d in bright.droplets if d.positive and 100 < d.x < 400 and 100 < d.y < 400)
    middle, beside = (place(page, lit.x + x, lit.y) for x in (0, 1.3 * lit.radius))
    page.wait_for_function(f"([at, beside]) => ({SEEN})(at) > ({SEEN})(beside) + 30", arg=[middle, beside])
    edges = [place(page, lit.x + 0.6 * lit.radius * x, lit.y) for x in (-1, 1)]
    assert min(page.evaluate(SEEN, edge) for edge in edges) > page.evaluate(SEEN, beside) + 20
    page.get_by_role("button", name="Outlines").click()
    page.locator("#colour-by").select_option("Positive")
    expect(page.locator("#legend")).to_have_text("Positivepositivenegativenot counted")


def test_two_dyes_have_a_threshold_each_and_droplets_are_picked_by_a_lasso(bench, tmp_path, axe):
    page = bench.page
    _, counted = open_dyes(bench, tmp_path)
    figures = page.locator("#pcr-figures")
    page.get_by_label("Dye").select_option("HEX")
    before = figures.inner_text()
    box = bench.plotted("scatter")
    across = box["x"] + box["width"] / 2
    page.mouse.move(across, box["y"] + 0.8 * box["height"])
    page.mouse.down()
    page.mouse.move(across, box["y"] + 0.9 * box["height"])
    page.mouse.up()
    expect(figures).not_to_have_text(before)
    first, second = page.evaluate(DYES)["thresholds"]
    assert first is None
    assert second > 0

    pair = page.locator("#pair-figures dd")
    assert sum(int(number) for number in pair.all_inner_texts()) == counted
    page.locator("#pair").scroll_into_view_if_needed()
    box = bench.plotted("pair")
    corners = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.03)]
    for i, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        if i == 0:
            page.mouse.down()
    page.mouse.up()
    expect(page.locator("#picked-count")).to_have_text(f"{counted} droplets picked (100 %)")
    assert axe(page) == []
    bench.tab("Export")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert sum(row["fluorescence_2_amplitude"] != "" for row in rows) == counted
    assert {row["excluded"] for row in rows} >= {"", "outside"}
    expect(page.locator("#code")).to_contain_text('"dyes":[{"threshold":null},{"threshold":')
    bench.tab("ddPCR")
    page.get_by_role("button", name="Leave them out").click()
    expect(page.locator("#pcr-reasons")).to_contain_text("excluded by you")
    expect(figures.locator("dd").first).to_have_text("0")


def place(page, x: float, y: float) -> list[float]:
    """Where a pixel of a fitted picture of 512x512 is on the canvas."""
    box = page.locator("#canvas").bounding_box()
    scale = min(box["width"] - 48, box["height"] - 48) / 512
    return [
        (box["width"] - 512 * scale) / 2 + (x + 0.5) * scale,
        (box["height"] - 512 * scale) / 2 + (y + 0.5) * scale,
    ]
