"""Digital PCR on the page, from a brightfield and fluorescence pair."""

from __future__ import annotations

import pytest
import tifffile
from playwright.sync_api import expect

from droplets.synthetic import render_ddpcr_pair

pytestmark = pytest.mark.model


def test_a_fluorescence_picture_gives_positives_and_a_threshold_that_can_be_moved(bench, tmp_path):
    bright, light = render_ddpcr_pair(512, 512, count=90, positive_fraction=0.3, seed=4)
    tifffile.imwrite(tmp_path / "bright.tif", bright.pixels)
    tifffile.imwrite(tmp_path / "light.tif", light.pixels)
    page = bench.page
    bench.give_key()
    page.set_input_files("#files", tmp_path / "bright.tif")
    expect(page.locator("#strip .muted")).to_contain_text("droplets", timeout=120_000)
    bench.tab("ddPCR")
    page.set_input_files("#fluorescence-file", tmp_path / "light.tif")
    figures = page.locator("#pcr-figures")
    expect(figures).to_contain_text("positive", timeout=60_000)
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
