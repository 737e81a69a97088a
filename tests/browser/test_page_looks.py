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
