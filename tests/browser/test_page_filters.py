"""Filters act on the page just as they do in the service."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import requests
import tifffile
from playwright.sync_api import expect

from tests.browser.workbench import INSIDE, SAMPLE
from tests.conftest import KEY

pytestmark = pytest.mark.model

FIELDS = {
    "diameter_min": ("Diameter", "lowest"),
    "diameter_max": ("Diameter", "highest"),
    "area_min": ("Area", "lowest"),
    "area_max": ("Area", "highest"),
    "circularity_min": ("Circularity", "lowest"),
    "mean_min": ("Mean intensity", "lowest"),
    "mean_max": ("Mean intensity", "highest"),
    "min_edge_distance": ("Distance to the border", "lowest"),
    "median_min": ("Median intensity", "lowest"),
    "std_max": ("Spread of intensity", "highest"),
    "min_threshold": ("Darkest pixel", "lowest"),
    "max_threshold": ("Brightest pixel", "highest"),
}
SETS = [
    {"diameter_min": 38},
    {"diameter_min": 37.5, "diameter_max": 39.2},
    {"area_min": 1100, "area_max": 1250},
    {"area_max": 1200, "min_edge_distance": 20},
    {"circularity_min": 0.95},
    {"mean_min": 118, "mean_max": 126},
    {"median_min": 120, "std_max": 36},
    {"min_threshold": 40},
    {"max_threshold": 160},
    {"diameter_min": 20},
    {"diameter_max": 37},
    {"diameter_min": 10, "mean_min": 115, "min_edge_distance": 10, "circularity_min": 0.5},
]


def served(live, filters: dict[str, float]) -> dict[str, int]:
    answer = requests.post(
        f"{live.address}/segment_file",
        files={"file": SAMPLE.read_bytes()},
        data={"filters": json.dumps(filters), "options": '{"mask_format": "none"}'},
        headers={"X-API-Key": KEY},
        timeout=120,
    ).json()
    return answer["summary_statistics"]["count"]


def test_every_filter_counts_as_the_service_does_and_asks_it_nothing(bench, live):
    page = bench.page
    bench.open_sample()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_text("More filters").click()
    for filters in SETS:
        for name, value in filters.items():
            bench.limit(*FIELDS[name], value)
        expected = served(live, filters)
        assert 0 < expected["droplet"] <= len(INSIDE)
        expect(bench.count).to_have_text(str(expected["droplet"]))
        assert {kind: bench.shown(kind) for kind in ("droplet", "bead", "other")} == expected, filters
        page.get_by_role("button", name="Clear").first.click()
        expect(bench.count).to_have_text(str(len(INSIDE)))
    assert asked == []


def test_what_touches_the_border_can_be_left_out_as_in_the_service(bench, live):
    page = bench.page
    bench.give_key()
    page.get_by_role("button", name="Try the sample").click()
    expect(bench.count).to_have_text(str(len(INSIDE)), timeout=120_000)
    page.get_by_text("Analysis", exact=True).click()
    page.get_by_label("Cut off by the border").uncheck()
    page.get_by_role("button", name="Analyse again").click()
    expect(bench.count).not_to_have_text(str(len(INSIDE)), timeout=60_000)
    page.get_by_label("Leave out what touches the border").check()
    expect(bench.count).to_have_text(str(len(INSIDE)))


def test_the_sliders_and_the_histogram_set_the_diameter(bench):
    page = bench.page
    bench.open_sample()
    slider = page.get_by_label("Diameter: lowest", exact=True)
    mark = page.locator("#histogram .shapelayer path")
    slider.focus()
    slider.press("End")
    expect(bench.count).not_to_have_text(str(len(INSIDE)))
    expect(mark).to_have_count(1)
    slider.press("Home")
    expect(bench.count).to_have_text(str(len(INSIDE)))
    expect(mark).to_have_count(0)

    box = bench.plotted("histogram")
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60)
    page.mouse.up()
    lowest = page.get_by_label("Diameter: lowest, as a number")
    expect(lowest).not_to_have_value("")
    expect(mark).to_have_count(1)
    expect(bench.count).not_to_have_text(str(len(INSIDE)))
    page.mouse.click(box["x"] + box["width"] * 0.5, box["y"] + 60)
    expect(lowest).to_have_value("")
    expect(mark).to_have_count(0)


def test_one_end_of_a_range_leaves_the_other_as_it_was_typed(bench):
    page = bench.page
    bench.open_sample()
    bench.limit("Diameter", "lowest", 37.512)
    slider = page.get_by_label("Diameter: highest", exact=True)
    slider.focus()
    slider.press("ArrowLeft")
    bench.tab("Export")
    code = page.locator("#code")
    expect(code).to_contain_text('"diameter_max"')
    expect(code).to_contain_text('"diameter_min":37.512')
    bench.limit("Diameter", "highest", 36)  # under the lowest: they are swapped
    expect(code).to_contain_text('"diameter_min":36')
    expect(code).to_contain_text('"diameter_max":37.512')


def test_a_limit_that_was_just_cleared_does_not_come_back(bench):
    page = bench.page
    bench.open_sample()
    bench.limit("Diameter", "lowest", 20)
    highest = page.get_by_label("Diameter: highest, as a number")
    highest.evaluate(  # before the next frame is painted
        """field => {
            document.activeElement.blur();
            document.getElementById("filters-clear").click();
            field.value = "37";
            field.dispatchEvent(new Event("change"));
        }"""
    )
    expect(highest).to_have_value("37")
    expect(page.get_by_label("Diameter: lowest, as a number")).to_have_value("")


def test_a_pixel_size_turns_diameters_into_micrometres(bench):
    page = bench.page
    bench.open_sample()
    page.get_by_label("Micrometres a pixel").fill("2")
    page.get_by_label("Micrometres a pixel").press("Enter")
    expect(page.locator("#figures")).to_contain_text("mean diameter (µm)")
    assert 75 < float(page.locator("#figures strong").nth(1).inner_text()) < 79
    bench.limit("Diameter", "lowest", 76)
    bench.tab("Export")
    expect(page.locator("#code")).to_contain_text('"diameter_min":38')


def test_a_drawn_length_sets_the_pixel_size(bench):
    page = bench.page
    bench.open_sample()
    bench.tool("measure")
    page.mouse.move(*bench.at(100, 100))
    page.mouse.down()
    page.mouse.move(*bench.at(200, 100))
    page.mouse.up()
    page.get_by_label("Length in µm").fill("150")
    page.get_by_role("button", name="Set the pixel size").click()
    assert float(page.get_by_label("Micrometres a pixel").input_value()) == pytest.approx(1.5, rel=0.02)


def test_another_frame_of_a_stack_is_analysed_and_shown(bench, tmp_path):
    page, sample = bench.page, cv2.imread(str(SAMPLE))[..., ::-1]
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, np.stack([np.full_like(sample, 128), sample]), photometric="rgb")
    bench.give_key()
    page.locator("#files").set_input_files(stack)
    expect(bench.count).to_have_text("0", timeout=120_000)
    page.get_by_text("Analysis", exact=True).click()
    frame = page.get_by_label("Frame")
    with page.expect_response("**/preview") as answered:
        frame.fill("1")
        frame.press("Tab")
    page.get_by_role("button", name="Analyse again").click()
    shown = cv2.imdecode(np.frombuffer(answered.value.body(), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(shown[..., ::-1], sample)
    expect(bench.count).to_have_text(str(len(INSIDE)), timeout=120_000)
    bench.tab("Export")
    expect(page.locator("#code")).to_contain_text('"frame":1')
    frame.fill("2")
    frame.press("Tab")
    page.get_by_role("button", name="Analyse again").click()
    refusal = page.get_by_text("options.frame is 2; the file has 2 frames, counted from 0.")
    expect(refusal.first).to_be_visible()


def test_what_the_picture_may_not_tell_can_be_said(bench):
    page = bench.page
    bench.open_sample()
    page.get_by_text("Analysis", exact=True).click()
    page.get_by_label("Edges are").select_option("walls of foam")
    diameter = page.get_by_label("Droplet diameter, about (px)")
    diameter.fill("120")
    diameter.press("Tab")
    bench.tab("Export")
    expect(page.locator("#code")).to_contain_text('"edge":"wall"')
    expect(page.locator("#code")).to_contain_text('"diameter_px":120')
    page.get_by_role("button", name="Analyse again").click()
    expect(bench.count).to_have_text("0", timeout=120_000)  # all are debris beside droplets of that size
    diameter.fill("")
    diameter.press("Tab")
    page.get_by_role("button", name="Analyse again").click()
    expect(bench.count).to_have_text(str(len(INSIDE)), timeout=120_000)
