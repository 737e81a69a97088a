"""What goes wrong is said in words that help."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import served
from tests.browser.workbench import EMPTY, INSIDE, SAMPLE, Workbench
from tests.conftest import KEY, SMALL_KEY

ALL = str(len(INSIDE))


@pytest.mark.model
def test_a_wrong_key_is_asked_for_again(bench):
    page = bench.page
    bench.give_key("wrong-key")
    page.get_by_role("button", name="Try the sample").click()
    dialog = page.get_by_role("dialog", name="API key")
    expect(dialog.get_by_role("alert")).to_contain_text("not known")
    dialog.get_by_label("Key").fill(KEY)
    dialog.get_by_role("button", name="Keep for this session").click()
    expect(bench.count).to_have_text(ALL, timeout=120_000)


@pytest.mark.model
@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_later_is_asked_for_again(bench, status):
    page = bench.page
    bench.open_sample()
    body = json.dumps({"success": False, "error": "refused", "message": "This key is disabled."})
    page.route("**/*", lambda route: route.fulfill(status=status, content_type="application/json", body=body))
    dialog = page.get_by_role("dialog", name="API key")

    bench.tool("add")
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    expect(dialog.get_by_role("alert")).to_contain_text("disabled")
    page.keyboard.press("Escape")
    bench.tab("Export")
    page.get_by_role("button", name="Everything as ZIP").click()
    expect(dialog.get_by_role("alert")).to_contain_text("disabled")


def test_a_used_up_limit_says_how_long_to_wait(bench):
    page = bench.page
    bench.give_key(SMALL_KEY)
    for name in "abcd":
        page.set_input_files("#files", {"name": f"{name}.png", "mimeType": "image/png", "buffer": b"\x89PNG"})
    failure = page.locator("#strip .error-text", has_text="The hourly limit is reached")
    expect(failure.first).to_be_visible()
    page.locator("#strip .thumb").last.click()
    expect(page.locator("#progress")).to_contain_text("The next request is possible in")
    expect(page.locator("#progress")).to_contain_text("min")


def test_a_too_large_file_is_not_even_sent(bench, tmp_path):
    bench.give_key()
    asked = []
    bench.page.on("request", lambda request: asked.append(request.url) if request.post_data_buffer else None)
    large = tmp_path / "large.tif"
    with large.open("wb") as file:
        file.write(b"II*\0")
        file.truncate(51 * 2**20)
    bench.page.set_input_files("#files", large)
    expect(bench.page.locator("#progress")).to_contain_text("The file is too large")
    expect(bench.page.locator("#progress")).to_contain_text("up to 50 MB")
    assert asked == []


def test_a_file_that_the_service_finds_too_large_is_explained(bench):
    bench.give_key()
    bench.page.route(
        "**/segment_file", lambda route: route.fulfill(status=413, body="<html>too large</html>")
    )
    bench.page.get_by_role("button", name="Try the sample").click()
    expect(bench.page.locator("#progress")).to_contain_text("The file is too large")


def test_a_broken_file_is_named_as_such(bench):
    bench.give_key()
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": SAMPLE.read_bytes()[:2000]}
    bench.page.set_input_files("#files", broken)
    expect(bench.page.locator("#progress")).to_contain_text("The picture cannot be read")
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    bench.page.set_input_files("#files", text)
    expect(bench.page.locator("#progress")).to_contain_text("Not a picture the service takes")


@pytest.mark.model
def test_without_a_server_it_says_so_and_goes_on_when_there_is_one(bench):
    page = bench.page
    bench.give_key()
    page.context.set_offline(True)
    page.set_input_files("#files", SAMPLE)
    expect(page.locator("#progress")).to_contain_text("The service does not answer")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(bench.count).to_have_text(ALL, timeout=120_000)


@pytest.mark.model
def test_a_stopped_server_is_named_as_such_and_the_page_goes_on_when_it_is_back(open_page, model_app):
    with served(model_app) as address:
        bench = Workbench(open_page(address))
        bench.give_key()
    page = bench.page
    page.set_input_files("#files", SAMPLE)
    expect(page.locator("#progress")).to_contain_text("The service does not answer")
    expect(page.locator("#progress")).to_contain_text("that the service is running; then try again")
    with served(model_app, int(address.rpartition(":")[2])):
        page.get_by_role("button", name="Try again").click()
        expect(bench.count).to_have_text(ALL, timeout=120_000)
        bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
        expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    bench.tool("add")
    bench.click(EMPTY[1]["x"], EMPTY[1]["y"])
    expect(page.locator("#notices")).to_contain_text("The service does not answer")
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))


@pytest.mark.model
def test_a_busy_service_is_asked_again_after_a_countdown(bench):
    page = bench.page
    refused = []

    def busy_once(route):
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        body = json.dumps({"success": False, "error": "busy", "message": "8 pictures are waiting already."})
        route.fulfill(status=503, headers={"Retry-After": "3"}, content_type="application/json", body=body)

    page.route("**/segment_file", busy_once)
    bench.give_key()
    page.get_by_role("button", name="Try the sample").click()
    expect(page.locator("#progress")).to_contain_text("Trying again in")
    expect(bench.count).to_have_text(ALL, timeout=120_000)


def test_a_request_can_be_cancelled(bench):
    page = bench.page
    page.route("**/segment_file", lambda route: None)  # never answered
    bench.give_key()
    page.get_by_role("button", name="Try the sample").click()
    page.get_by_role("button", name="Cancel").first.click()
    expect(page.locator("#progress")).to_contain_text("Cancelled")
    page.get_by_role("button", name="Take it away").click()
    expect(page.get_by_role("button", name="Try the sample")).to_be_visible()


@pytest.mark.model
def test_an_analysis_asked_for_during_another_one_is_the_one_that_counts(bench):
    page = bench.page
    sent = []

    def held(route):
        sent.append(route.request)
        if len(sent) > 1:
            route.continue_()  # the first is never answered

    page.route("**/segment_file", held)
    bench.give_key()
    page.get_by_role("button", name="Try the sample").click()
    expect(page.locator("#progress")).to_contain_text("Uploading")
    page.evaluate("async () => (await import('/static/js/analysis.js')).again(1)")
    expect(bench.count).to_have_text(ALL, timeout=120_000)
    assert len(sent) == 2
