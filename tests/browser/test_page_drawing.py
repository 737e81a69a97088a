"""Corrections by hand: circles, splitting, merging, a region; on the page, in files, in the service."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_page_edits import ALL, AS_THE_SERVICE_COUNTS
from tests.browser.workbench import CUT, EMPTY, INSIDE

pytestmark = pytest.mark.model

DRAWN = """async () => {
  const { now } = await import("/static/js/state.js");
  const { request } = await import("/static/js/request.js");
  return request(now(), now().pictures[0]).options.drawn ?? [];
}"""
LOADED = next(each for each in INSIDE if len(each["beads"]) == 1 and each["beads"][0][2] > 2.5)
NEXT_TO_IT = EMPTY[0]


def drag(bench, start, end):
    mouse = bench.page.mouse
    mouse.move(*bench.at(*start))
    mouse.down()
    mouse.move(*bench.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    mouse.move(*bench.at(*end))
    mouse.up()


def drawn(bench):
    return bench.page.evaluate(DRAWN)


def becomes(bench, circle):
    """Waits until the one outline that is drawn is this one, to about a pixel of the screen."""
    for _ in range(600):
        if drawn(bench)[0] == pytest.approx(circle, abs=1):
            return
        bench.page.wait_for_timeout(100)
    assert drawn(bench) == [circle]


def counts_as_the_service_does(bench):
    assert [bench.shown("droplet"), bench.shown("bead")] == bench.page.evaluate(AS_THE_SERVICE_COUNTS)


def test_a_circle_is_drawn_moved_resized_and_undone_and_says_so_everywhere(bench, axe):
    page = bench.page
    bench.open_sample()
    x, y, radius = CUT["x"], CUT["y"], CUT["radius"]
    bench.tool("circle")
    drag(bench, (x, y), (x + radius, y))
    expect(bench.count).to_have_text(str(len(INSIDE) + 1))
    ((cx, cy, size),) = drawn(bench)
    assert (cx, cy, size) == pytest.approx((x, y, radius), abs=0.6)
    counts_as_the_service_does(bench)

    drag(bench, (cx + size, cy), (cx + size + 8, cy))
    expect(page.locator("#told")).to_have_text("Changed.")
    drag(bench, (cx, cy), (cx + 9, cy - 6))
    becomes(bench, [cx + 9, cy - 6, size + 8])
    page.locator("#canvas").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("<")
    becomes(bench, [cx + 11, cy - 6, size + 7])

    bench.tab("Table")
    expect(page.locator("#table-body tr.focused")).to_contain_text("droplet, by hand")
    assert axe(page) == []
    bench.tab("Export")
    for language in ("curl", "Python"):
        page.get_by_role("button", name=language).click()
        expect(page.locator("#code")).to_contain_text(re.compile(r'\\?"drawn\\?":\[\['))
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    (own,) = [row for row in rows if row["found_by"] == "hand"]
    assert float(own["equivalent_diameter_px"]) > 0
    assert own["diameter_uncertainty_px"] == ""
    bench.limit("Diameter", "lowest", 1000)
    expect(bench.count).to_have_text("1")
    page.locator("#canvas").focus()
    for _ in range(4):
        page.keyboard.press("Control+z")
    assert drawn(bench)[0] == pytest.approx([cx, cy, size])
    page.keyboard.press("Control+z")
    expect(bench.count).to_have_text(ALL)
    bench.tool("add")
    bench.click(CUT["x"], CUT["y"] - 4)
    expect(bench.count).to_have_text(str(len(INSIDE) + 1))
    assert drawn(bench) == []


def test_objects_are_split_and_merged_by_pointer_and_keyboard_and_keep_their_beads(bench):
    page = bench.page
    bench.open_sample()
    beads = bench.shown("bead")
    x, y, reach = LOADED["x"], LOADED["y"], LOADED["radius"] + 3
    bench.tool("split")
    drag(bench, (x - 1, y - reach), (x + 1, y + reach))
    expect(bench.count).to_have_text(str(len(INSIDE) + 1))
    assert bench.shown("bead") == beads
    assert [len(each) > 3 for each in drawn(bench)] == [True, True]
    counts_as_the_service_does(bench)

    bench.tool("merge")
    bench.click(x - 0.5 * LOADED["radius"], y - 0.3 * LOADED["radius"])
    expect(page.locator("#told")).to_have_text("Now the other one.")
    bench.click(x + 0.5 * LOADED["radius"], y - 0.3 * LOADED["radius"])
    expect(bench.count).to_have_text(ALL)
    assert (bench.shown("bead"), len(drawn(bench))) == (beads, 1)
    counts_as_the_service_does(bench)
    bench.tool("select")
    bench.click(x, y - 0.8 * LOADED["radius"])  # what it took the place of cannot be hit
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    assert drawn(bench) == []
    page.keyboard.press("Control+z")
    expect(bench.count).to_have_text(ALL)

    page.locator("#canvas").focus()
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    expect(bench.count).to_have_text(str(len(INSIDE) + 1))
    page.evaluate("async () => (await import('/static/js/analysis.js')).again(1)")
    expect(page.locator("#progress")).to_be_visible()
    expect(page.locator("#progress")).to_be_hidden(timeout=120_000)
    expect(bench.count).to_have_text(str(len(INSIDE) + 1))
    counts_as_the_service_does(bench)
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(bench.count).to_have_text(ALL)
    assert (bench.shown("bead"), drawn(bench)) == (beads, [])


def test_three_clicks_on_a_rim_take_a_droplets_place_and_a_region_is_sent_as_a_polygon(bench):
    page = bench.page
    bench.open_sample()
    x, y, radius = NEXT_TO_IT["x"], NEXT_TO_IT["y"], NEXT_TO_IT["radius"]
    page.locator("#canvas").focus()
    page.keyboard.press("t")
    for dx, dy in ((radius, 0), (-0.6 * radius, 0.8 * radius), (-0.6 * radius, -0.8 * radius)):
        bench.click(x + dx, y + dy)
    expect(page.locator("#told")).to_have_text("Drawn in the place of 1 object.")
    expect(bench.count).to_have_text(ALL)
    assert drawn(bench)[0] == pytest.approx([x, y, radius], abs=1)
    bench.enclose(100, 90, 420, 350)
    expect(bench.count).not_to_have_text(ALL)
    bench.tab("Export")
    expect(page.locator("#code")).to_contain_text('"roi":[[')
    counts_as_the_service_does(bench)
    counted = bench.count.inner_text()
    page.wait_for_timeout(1000)  # until the session is written
    page.reload()
    page.get_by_role("button", name=re.compile("Go on")).click()
    expect(bench.count).to_have_text(counted)
    counts_as_the_service_does(bench)
