"""How the page looks at three widths, light and dark; and that it can be used without seeing it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.workbench import EMPTY

pytestmark = pytest.mark.model


def hold(page, looks, axe, layout, name):
    for look in looks(page, name):
        assert layout(page) == [], look
        assert axe(page) == [], look


def test_the_start(bench, looks, axe, layout):
    bench.page.goto("/")
    hold(bench.page, looks, axe, layout, "page-start")


def test_the_results(bench, looks, axe, layout):
    bench.open_sample()
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    bench.page.get_by_label("Micrometres a pixel").fill("1.14")
    bench.page.get_by_label("Micrometres a pixel").press("Enter")
    bench.page.locator("#colour-by").select_option("size")
    for tab in ("Sizes", "Beads", "ddPCR", "Table", "Export"):
        bench.tab(tab)
        hold(bench.page, looks, axe, layout, f"page-{tab.lower()}")


def test_an_error(bench, looks, axe, layout):
    bench.give_key()
    bench.page.set_input_files("#files", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    expect(bench.page.locator("#progress")).to_contain_text("Not a picture")
    hold(bench.page, looks, axe, layout, "page-error")


def test_the_dialogs(bench, looks, axe, layout):
    bench.page.goto("/")
    bench.page.get_by_role("button", name="API key").click()
    hold(bench.page, looks, axe, layout, "page-key")
    bench.page.keyboard.press("Escape")
    bench.page.get_by_role("button", name="Help and shortcuts").click()
    hold(bench.page, looks, axe, layout, "page-help")


@pytest.mark.parametrize("width", [1280, 1366, 1440])
def test_the_toolbar_is_not_cut_off_beside_two_panels(bench, width):
    bench.page.set_viewport_size({"width": width, "height": 720})
    bench.open_sample()
    bench.page.locator("#light").evaluate("(button) => { button.hidden = false; }")
    toolbar = bench.page.locator(".toolbar")
    assert toolbar.evaluate("(bar) => bar.scrollWidth <= bar.clientWidth")


def test_the_picture_that_is_looked_at_is_in_view_on_the_strip(bench):
    page = bench.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    names = [f"picture-{i}.txt" for i in range(6)]
    page.set_input_files(
        "#files", [{"name": name, "mimeType": "text/plain", "buffer": b"no"} for name in names]
    )
    page.get_by_role("dialog", name="API key").get_by_role("button", name="Cancel").click()
    page.locator("#canvas").focus()
    for name in names[1:]:
        page.keyboard.press("]")
        expect(page.locator("#strip .chosen")).to_contain_text(name)
        expect(page.locator("#strip .chosen .remove")).to_be_in_viewport()
    assert page.evaluate("scrollY") == 0


def test_no_count_is_shown_before_anything_is_counted(bench):
    page = bench.page
    page.goto("/")
    page.get_by_role("button", name="Try the sample").click()
    page.get_by_role("dialog", name="API key").get_by_role("button", name="Cancel").click()
    expect(bench.count).to_have_text("–")
    expect(page.locator("#kinds")).to_have_text("Droplets–Beads–Others–")
    expect(page.locator("#size-figures dd").first).to_have_text("–")
    for tab in ("Sizes", "Beads", "ddPCR"):
        bench.tab(tab)
        expect(page.locator(".no-chart:visible")).to_have_text("Not analysed yet.")
    bench.tab("Table")
    expect(page.locator("#page-state")).to_have_text("not analysed yet")
    bench.tab("Export")
    expect(page.locator("#export-csv")).to_be_disabled()


def test_the_lower_corners_and_all_of_a_narrow_viewer_are_the_pictures(bench):
    page = bench.page
    bench.open_sample()
    expect(page.locator("#canvas")).to_be_focused()
    viewer = page.locator("#viewer").bounding_box()
    for part in ("#zoom", "#legend"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] < viewer["y"] + viewer["height"] / 3
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.getElementById('canvas').width === 390")
    viewer = page.locator("#viewer").bounding_box()
    assert viewer["height"] < 1.1 * (viewer["width"] - 48) * 480 / 640 + 48
