"""Digital PCR on the page, from a brightfield and fluorescence pair."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path

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
