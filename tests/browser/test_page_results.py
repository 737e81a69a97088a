"""What is shown beside the figures on top: what was left out, fits, charts as files, brightness."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.model

GREYS = """
() => {
  const canvas = document.getElementById("canvas");
  const [left, top] = [canvas.width / 2 - 100, canvas.height / 2 - 100];
  const { data } = canvas.getContext("2d").getImageData(left, top, 200, 200);
  return [Math.min(...data.filter((_, i) => i % 4 === 0)), Math.max(...data.filter((_, i) => i % 4 === 0))];
}
"""
LINES = "document.querySelectorAll('#histogram .scatterlayer .js-line').length"


def test_what_was_left_out_is_counted_and_charts_are_saved_with_their_fits(bench):
    page = bench.page
    bench.open_sample()
    removed = page.evaluate(
        "async () => (await import('/static/js/state.js')).now().pictures[0].answer.removed"
    )
    assert removed["edge"] > 0
    border = page.locator("#removed-figures div", has_text="cut off by the border")
    expect(border.locator("dd")).to_have_text(str(removed["edge"]))
    with page.expect_response("**/advanced_analysis") as answered:
        page.get_by_role("button", name="Ask the service").click()
    asked = answered.value.json()["neighbours"]
    expect(page.locator("#neighbour-figures dd").first).to_have_text(str(asked["interior"]))
    expect(page.locator("#neighbour-figures dd").nth(4)).to_have_text(
        f"{100 * asked['packing_fraction']:.1f} %"
    )
    page.get_by_label("Fits").check()
    page.wait_for_function(f"() => {LINES} === 2")
    for ending in ("SVG", "PNG"):
        with page.expect_download() as download:
            page.locator("#panel-sizes").get_by_role("button", name=ending).click()
        assert download.value.suggested_filename == f"diameters.{ending.lower()}"
        saved = Path(download.value.path()).read_bytes()
        if ending == "SVG":
            assert b"</svg>" in saved
        else:
            assert cv2.imdecode(np.frombuffer(saved, np.uint8), cv2.IMREAD_COLOR).shape[0] == 600


def test_brightness_and_contrast_change_the_picture_and_no_figure(bench, axe):
    page = bench.page
    bench.open_sample()
    page.locator("#outlines").click()
    expect(page.locator("#legend")).to_be_hidden()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    figures = page.locator("#panel-sizes").inner_text()
    low, high = page.evaluate(GREYS)
    page.get_by_role("button", name="Brightness and contrast").click()
    expect(page.locator("#tone")).to_contain_text("White at 255")
    page.get_by_role("button", name="Automatic").click()
    page.wait_for_function(
        f"([low, high]) => {{ const [l, h] = ({GREYS})(); return h - l > high - low; }}", arg=[low, high]
    )
    page.get_by_role("slider", name="Gamma").fill("3")
    expect(page.locator("#tone-gamma-value")).to_have_text("3")
    assert axe(page) == []
    page.get_by_role("button", name="As it is").click()
    page.wait_for_function(
        f"([low, high]) => {{ const [l, h] = ({GREYS})(); return l === low && h === high; }}", arg=[low, high]
    )
    assert page.locator("#panel-sizes").inner_text() == figures
