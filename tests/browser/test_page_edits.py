"""Exclude, add, region, undo, by pointer and by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.workbench import CUT, EMPTY, INSIDE, SAMPLE, TRUTH

pytestmark = pytest.mark.model

ALL = str(len(INSIDE))
AS_THE_SERVICE_COUNTS = """
async () => {
  const { now } = await import("/static/js/state.js");
  const { requestForm } = await import("/static/js/request.js");
  const { post } = await import("/static/js/api.js");
  const answer = await post("/segment_file", requestForm(now(), now().pictures[0]));
  return ["droplet", "bead"].map((kind) => answer.masks.filter((mask) => mask.kind === kind).length);
}
"""


def nothing_found(route):
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "masks": []})


def test_a_click_excludes_a_droplet_and_another_one_brings_it_back(bench):
    bench.open_sample()
    place = EMPTY[0]["x"], EMPTY[0]["y"]
    bench.click(*place)
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    bench.page.mouse.move(0, 0)
    bench.click(*place)
    expect(bench.count).to_have_text(ALL)
    bench.page.keyboard.press("Control+z")
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    bench.page.keyboard.press("Control+Shift+z")
    expect(bench.count).to_have_text(ALL)


def test_a_droplet_takes_its_beads_with_it(bench):
    bench.open_sample()
    droplet = next(each for each in INSIDE if len(each["beads"]) == 1)
    (bead,) = droplet["beads"]
    beads = bench.shown("bead")
    away = -1 if bead[0] > droplet["x"] else 1
    bench.click(droplet["x"] + away * 0.5 * droplet["radius"], droplet["y"])
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    assert bench.shown("bead") == beads - 1


def test_a_missed_droplet_is_added_by_a_click_and_stays_whatever_the_filters_say(bench):
    bench.open_sample()
    bench.tool("add")
    bench.click(CUT["x"], CUT["y"])
    expect(bench.count).to_have_text(str(len(INSIDE) + 1))
    bench.limit("Diameter", "lowest", 1000)
    expect(bench.count).to_have_text("1")
    bench.tab("Export")
    expect(bench.page.locator("#code")).to_contain_text('"add":[[')
    bench.page.get_by_role("button", name="Undo").click()
    expect(bench.count).to_have_text(str(len(INSIDE) + 1))
    bench.page.get_by_role("button", name="Undo").click()
    expect(bench.count).to_have_text(ALL)


def test_an_addition_by_a_bead_in_a_cut_off_droplet_counts_alike_in_page_and_service(bench):
    bench.open_sample()
    cut = next(each for each in TRUTH if each["touches_border"] and each["beads"] and each["beads"][0][2] > 2)
    bench.tool("add")
    bench.click(*cut["beads"][0][:2])
    expect(bench.page.locator("#told")).not_to_be_empty()
    counted = bench.page.evaluate(AS_THE_SERVICE_COUNTS)
    assert [bench.shown("droplet"), bench.shown("bead")] == counted


def test_where_a_droplet_is_already_none_is_added_twice(bench):
    bench.open_sample()
    bench.tool("add")
    bench.click(EMPTY[1]["x"], EMPTY[1]["y"])
    expect(bench.page.get_by_text("there already").last).to_be_visible()
    expect(bench.count).to_have_text(ALL)


def test_a_click_adds_what_a_filter_left_out(bench):
    bench.open_sample()
    bench.limit("Diameter", "lowest", 1000)
    expect(bench.count).to_have_text("0")
    bench.tool("add")
    bench.click(EMPTY[1]["x"], EMPTY[1]["y"])
    expect(bench.count).to_have_text("1")
    bench.tab("Export")
    expect(bench.page.locator("#code")).to_contain_text('"add":[[')


def test_the_keyboards_focus_stays_where_it_acts(bench):
    page = bench.page
    bench.open_sample()
    page.locator("#strip .thumb").focus()
    page.locator("#pixel-size").evaluate("(e) => { e.value = 2; e.dispatchEvent(new Event('change')); }")
    expect(page.locator("#figures")).to_contain_text("µm")
    expect(page.locator("#strip .thumb")).to_be_focused()
    bench.tab("Table")
    largest = page.locator("[data-key=counts-1-0]")
    page.get_by_label("droplet 0 counts").focus()
    page.keyboard.press("Space")
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    expect(largest).to_be_focused()
    expect(largest).to_have_accessible_name(re.compile(r"droplet at \d+, \d+ counts"))


def test_only_droplets_with_their_centre_in_the_region_count(bench):
    bench.open_sample()
    box = (100.0, 90.0, 420.0, 350.0)
    within = [d for d in INSIDE if box[0] < d["x"] < box[2] and box[1] < d["y"] < box[3]]
    margin = min(min(abs(d["x"] - x) for x in box[::2]) for d in INSIDE)
    assert margin > 0.2, "no centre lies so near a side that it could fall on either"
    bench.enclose(*box)
    expect(bench.count).to_have_text(str(len(within)))
    bench.page.get_by_role("button", name="Clear").last.click()
    expect(bench.count).to_have_text(ALL)


def test_a_lasso_excludes_all_in_it_and_brings_it_back(bench):
    bench.open_sample()
    box = (100.0, 90.0, 420.0, 350.0)
    within = [d for d in INSIDE if box[0] < d["x"] < box[2] and box[1] < d["y"] < box[3]]
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    bench.enclose(*box, tool="lasso")
    outside = {(d["x"], d["y"]) for d in INSIDE} - {(d["x"], d["y"]) for d in [*within, EMPTY[0]]}
    expect(bench.count).to_have_text(str(len(outside)))
    bench.enclose(*box, tool="lasso")
    left_out = EMPTY[0] not in within
    expect(bench.count).to_have_text(str(len(INSIDE) - left_out))
    counted = bench.page.evaluate(AS_THE_SERVICE_COUNTS)
    assert [bench.shown("droplet"), bench.shown("bead")] == counted


def test_a_polygon_is_closed_by_its_first_corner(bench):
    bench.open_sample()
    bench.tool("region")
    for corner in ((20, 20), (620, 20), (320, 460), (20, 20)):
        bench.click(*corner)
    expect(bench.page.locator("#region-state")).to_contain_text("Only droplets")
    assert 0 < int(bench.count.inner_text()) < len(INSIDE)


def test_the_pointer_shows_a_droplets_figures(bench):
    bench.open_sample()
    bench.page.mouse.move(*bench.at(EMPTY[0]["x"], EMPTY[0]["y"]))
    expect(bench.page.locator("#tooltip")).to_contain_text("circularity")
    bench.page.mouse.move(0, 0)
    expect(bench.page.locator("#tooltip")).to_be_hidden()


def test_all_of_it_goes_by_keyboard(bench):
    page = bench.page
    bench.open_sample()
    page.locator("#canvas").focus()
    page.keyboard.press("n")
    expect(page.locator("#said")).to_contain_text("diameter")
    page.keyboard.press("x")
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    zoom = page.locator("#zoom-actual")
    page.keyboard.press("0")
    fitted = zoom.inner_text()
    page.keyboard.press("+")
    expect(zoom).not_to_have_text(fitted)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("0")
    expect(zoom).to_have_text(fitted)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Help and shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator("button[data-tool=region]")).to_have_attribute("aria-pressed", "true")


def test_no_droplet_of_another_picture_is_chosen_until_the_reader_does(bench):
    page = bench.page
    bench.open_sample()
    page.locator("#canvas").focus()
    page.keyboard.press("n")
    page.keyboard.press("x")
    page.set_input_files("#files", SAMPLE)
    expect(page.locator("#summary")).to_contain_text("2 pictures", timeout=120_000)
    page.locator("#canvas").focus()
    page.keyboard.press("x")
    expect(page.locator("#said")).to_contain_text("No droplet is chosen")
    expect(bench.count).to_have_text(ALL)


def test_the_table_excludes_and_shows_what_the_canvas_does(bench):
    page = bench.page
    bench.open_sample()
    bench.tab("Table")
    largest = page.locator("[data-key=counts-1-0]")
    page.get_by_label("droplet 0 counts").click()  # thereafter another one has this number
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    expect(page.get_by_label("droplet 0 counts")).not_to_have_attribute("data-key", "counts-1-0")
    largest.check()
    expect(bench.count).to_have_text(ALL)
    page.get_by_role("button", name="Kind").click()
    expect(page.locator("#table tbody tr").first).to_contain_text("bead")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator("#page-state")).to_contain_text("51 to 100")


def test_reset_asks_names_what_goes_and_can_be_undone(bench):
    page = bench.page
    bench.open_sample()
    reset = page.get_by_role("button", name="Reset filters, colours and edits")
    dialog = page.get_by_role("dialog", name="Reset?")
    reset.click()
    expect(page.locator("#told")).to_contain_text("Nothing to reset")
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    bench.limit("Diameter", "lowest", 30)
    edited = bench.count.inner_text()
    reset.click()
    expect(dialog).to_contain_text("1 filter1 exclusion")
    dialog.get_by_role("button", name="Cancel").click()
    expect(bench.count).to_have_text(edited)
    reset.click()
    dialog.get_by_role("button", name="Reset").click()
    expect(bench.count).to_have_text(ALL)
    page.get_by_role("button", name="Undo").click()
    expect(bench.count).to_have_text(edited)


def test_one_history_holds_filters_pixel_size_edits_and_pictures_taken_away(bench):
    page = bench.page
    bench.open_sample()
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    field = page.get_by_label("Micrometres a pixel")
    field.fill("2")
    field.press("Enter")
    bench.limit("Diameter", "lowest", 1000)
    expect(bench.count).to_have_text("0")
    page.get_by_role("button", name="Take droplets.png away").click()
    page.get_by_role("button", name="Bring back what was taken away").click()
    expect(bench.count).to_have_text("0")
    page.locator("#strip canvas").wait_for()
    page.keyboard.press("Control+z")
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    expect(page.locator("#figures")).to_contain_text("µm")
    page.keyboard.press("Control+z")
    expect(page.locator("#figures")).to_contain_text("px")
    page.keyboard.press("Control+z")
    expect(bench.count).to_have_text(ALL)
    for _ in range(4):
        page.keyboard.press("Control+Shift+z")
    expect(page.get_by_role("button", name="Try the sample")).to_be_visible()


def test_analysing_again_keeps_exclusions_and_additions_by_their_place(bench):
    page = bench.page
    bench.open_sample()
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    bench.click(EMPTY[1]["x"], EMPTY[1]["y"])
    bench.tool("add")
    bench.click(CUT["x"], CUT["y"])
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    page.evaluate("async () => (await import('/static/js/analysis.js')).again(1)")
    expect(page.locator("#progress")).to_be_visible()
    expect(page.locator("#progress")).to_be_hidden(timeout=120_000)
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    page.keyboard.press("Control+z")
    expect(bench.count).to_have_text(str(len(INSIDE) - 2))
    page.keyboard.press("Control+z")
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    assert page.evaluate(AS_THE_SERVICE_COUNTS)[0] == len(INSIDE) - 1

    page.route("**/segment_file", nothing_found)
    page.evaluate("async () => (await import('/static/js/analysis.js')).again(1)")
    expect(page.locator("#told")).to_contain_text("1 exclusion could not be kept")


def test_the_threshold_can_be_dragged(bench):
    page = bench.page
    bench.open_sample()
    bench.tab("ddPCR")
    box = bench.plotted("scatter")
    figures = page.locator("#pcr-figures")
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 0.9 * box["height"])
    page.mouse.down()
    page.mouse.move(middle, box["y"] + 0.6 * box["height"])
    expect(figures).to_contain_text("copies a droplet")
    below = figures.inner_text()
    page.mouse.move(middle, box["y"] + 0.3 * box["height"])
    expect(figures).not_to_have_text(below)
    page.mouse.up()
    expect(page.get_by_label("Threshold")).not_to_have_value("")
    expect(page.locator("#scatter .shapelayer path")).to_have_count(1)


def test_the_threshold_can_be_moved_with_the_keyboard(bench):
    page = bench.page
    bench.open_sample()
    bench.tab("ddPCR")
    field = page.get_by_label("Threshold")
    field.fill("115")
    field.press("Enter")
    expect(page.locator("#scatter .layer-above")).to_have_text("115")
    field.press("ArrowUp")
    expect(page.locator("#scatter .layer-above")).to_have_text("116")
    expect(page.locator("#pcr-figures")).to_contain_text("copies a droplet")
    page.get_by_role("button", name="Reset", exact=True).click()
    expect(page.locator("#scatter .shapelayer path")).to_have_count(0)


def test_a_picture_may_have_a_pixel_size_of_its_own(bench):
    page = bench.page
    bench.open_sample()
    page.set_input_files("#files", SAMPLE)
    expect(page.locator("#summary")).to_contain_text("2 pictures", timeout=120_000)
    size = page.get_by_label("Micrometres a pixel")
    figures = page.locator("#figures")
    mean = float(figures.locator("strong").nth(1).inner_text())
    size.fill("2")
    size.press("Enter")
    page.get_by_label("For this picture alone").check()
    size.fill("4")
    size.press("Enter")
    expect(figures.locator("strong").nth(1)).to_have_text(f"{4 * mean:.1f}")
    bench.tab("Export")
    expect(page.locator("#code")).to_contain_text('"pixel_size_um":4')
    page.keyboard.press("Escape")
    page.locator("#canvas").focus()
    page.keyboard.press("[")
    expect(figures.locator("strong").nth(1)).to_have_text(re.compile(f"^{2 * mean:.1f}"))
    expect(page.get_by_label("For this picture alone")).not_to_be_checked()
