"""Stacks and videos on the page: sliders through time and height, and a choice of channels."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from playwright.sync_api import expect

from training.rendering.plain import render_ddpcr_pair

pytestmark = pytest.mark.model


def test_sliders_and_channels_choose_what_is_seen_and_then_analysed(bench, tmp_path, axe):
    page = bench.page
    bright, light = (np.asarray(one.pixels) for one in render_ddpcr_pair(256, 256, count=30, seed=4))
    bright = (bright if bright.ndim == 2 else bright[..., 0]).astype(np.uint16)
    empty = np.full_like(bright, int(bright.mean()))
    seen, dark = np.stack([bright, light.astype(np.uint16)]), np.stack([empty, empty])
    path = tmp_path / "stack.tif"
    series = np.stack([np.stack([dark, dark, dark]), np.stack([dark, seen, dark])])
    tifffile.imwrite(path, series, imagej=True, metadata={"axes": "TZCYX"})
    bench.give_key()
    page.set_input_files("#files", path)
    expect(bench.count).to_have_text("0", timeout=120_000)
    planes = page.get_by_role("group", name="Stack or video")
    expect(planes).to_contain_text("Time 0 of 2")
    expect(page.get_by_role("button", name="Analyse this one")).to_be_hidden()

    with page.expect_response("**/preview") as answered:
        planes.get_by_role("slider", name="Time").press("ArrowRight")
    assert answered.value.ok
    expect(planes).to_contain_text("Time 1 of 2")
    planes.get_by_label("Height (z)").select_option("one plane")
    expect(page.locator("#plane-value")).to_have_text("1 of 3")
    planes.get_by_role("slider", name="Plane in z").press("ArrowRight")
    expect(page.locator("#plane-value")).to_have_text("2 of 3")
    planes.get_by_role("slider", name="Plane in z").press("ArrowLeft")
    page.get_by_role("button", name="Analyse this one").click()
    expect(page.get_by_role("button", name="Analyse this one")).to_be_hidden()
    expect(bench.count).not_to_have_text("0", timeout=60_000)

    planes.get_by_role("group", name="Channels of fluorescence").get_by_role("button").nth(1).click()
    page.get_by_role("button", name="Analyse this one").click()
    bench.tab("ddPCR")
    expect(page.locator("#pcr-figures")).to_contain_text("positive", timeout=60_000)
    expect(page.get_by_role("button", name="Show the fluorescence")).to_be_visible()
    assert axe(page) == []
    bench.tab("Export")
    for said in ('"plane":1', '"frame":1', '"fluorescence_channel":1'):
        expect(page.locator("#code")).to_contain_text(said)
