"""The page of the specification in a real browser: everything there, and every route can be tried."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from api.openapi.examples import PICTURE
from tests.conftest import KEY

TIME = 60_000  # the model is loaded with the first picture


@pytest.fixture
def docs(page) -> Page:
    page.goto("/docs")
    page.wait_for_selector(".opblock")
    return page


def tried(docs: Page, operation: str) -> Locator:
    """The block of an operation, opened to be tried."""
    block = docs.locator(f"#operations-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    return block


def status_of(block: Locator) -> Locator:
    return block.locator(".live-responses-table td.response-col_status:not(.col_header)")


def authorize(docs: Page) -> None:
    docs.get_by_role("button", name="Authorize").click()
    dialog = docs.locator(".dialog-ux")
    scheme = dialog.locator(".auth-container", has_text="X-API-Key")
    scheme.get_by_role("textbox").fill(KEY)
    scheme.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").first.click()


def test_every_operation_is_shown(docs):
    specification = docs.request.get("/openapi.json").json()
    shown = docs.locator(".opblock-summary-path").evaluate_all("all => all.map(e => e.dataset.path)")
    assert sorted(shown) == sorted(specification["paths"])


def test_a_request_goes_out_and_its_answer_is_shown(docs):
    block = tried(docs, "Health-health_live")
    block.get_by_role("button", name="Execute").click()
    expect(status_of(block)).to_have_text(re.compile("^200"))
    expect(block.locator(".live-responses-table")).to_contain_text("alive")


@pytest.mark.model
def test_a_picture_is_sent_with_the_key_in_either_form(docs):
    authorize(docs)
    for operation in ("segment", "segment_file"):
        block = tried(docs, f"Segmentation-segmentation_{operation}")
        if operation == "segment_file":
            block.locator("input[type=file]").first.set_input_files(PICTURE)
        block.get_by_role("button", name="Execute").click()
        expect(status_of(block)).to_have_text(re.compile("^200"), timeout=TIME)


def test_without_a_key_the_answer_says_what_is_missing(docs):
    block = tried(docs, "Segmentation-segmentation_defaults")
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table")).to_contain_text("Send your API key in the X-API-Key")


def test_it_follows_the_readers_choice_of_light_or_dark(docs):
    dark = re.compile("dark-mode")
    docs.emulate_media(color_scheme="light")
    expect(docs.locator("html")).not_to_have_class(dark)
    docs.emulate_media(color_scheme="dark")
    expect(docs.locator("html")).to_have_class(dark)
    docs.locator("#theme").click()
    expect(docs.locator("html")).not_to_have_class(dark)


def test_an_operation_is_opened_and_closed_by_keyboard(docs):
    block = docs.locator("#operations-Health-health_live")
    control = block.locator(".opblock-summary-control")
    expect(control).to_contain_text("/health/live")
    docs.locator("#operations-tag-Health button").focus()
    for _ in range(20):
        if control.evaluate("button => button === document.activeElement"):
            break
        docs.keyboard.press("Tab")
    expect(control).to_be_focused()
    docs.keyboard.press("Enter")
    expect(block.get_by_role("button", name="Try it out")).to_be_visible()
    expect(docs).to_have_url(re.compile("#/Health/health_live$"))
    docs.keyboard.press("Space")
    expect(block.get_by_role("button", name="Try it out")).to_have_count(0)


def test_it_fits_every_width(docs, layout, looks):
    for look in looks(docs, "docs"):
        assert layout(docs) == [], look


def test_an_open_operation_fits_a_narrow_window(docs, layout):
    docs.set_viewport_size({"width": 390, "height": 844})
    for operation in ("segment", "segment_file"):
        tried(docs, f"Segmentation-segmentation_{operation}")
    expect(docs.locator(".responses-table")).to_have_count(2)
    assert layout(docs) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_for_screen_readers_or_keyboards(docs, axe, scheme):
    docs.emulate_media(color_scheme=scheme)
    docs.wait_for_function(
        "dark => document.documentElement.matches('.dark-mode') === dark", arg=scheme == "dark"
    )
    docs.wait_for_timeout(500)  # colours fade over
    assert axe(docs) == []
    tried(docs, "Segmentation-segmentation_segment")
    expect(docs.locator(".live-responses-table, .responses-table").first).to_be_visible()
    assert axe(docs) == []
