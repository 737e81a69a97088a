"""The dashboard from the key to the figures, in real Chromium before the real service."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
import requests
from playwright.sync_api import Page, expect

from api.plumbing.services import services
from store.usage import UsageRecord
from tests.conftest import ADMIN_KEY, KEY, SMALL_KEY

WRONG = "not-the-admin-key"


def enter(page: Page, key: str) -> None:
    page.get_by_label("Admin key").fill(key)
    page.get_by_role("button", name="Open").click()


def opened(page: Page, address: str = "/admin/") -> Page:
    page.goto(address)
    enter(page, ADMIN_KEY)
    expect(page.locator("#board")).to_be_visible()
    return page


def tile(page: Page, name: str):
    return page.locator(".tile").filter(has=page.get_by_text(name, exact=True)).locator(".figure")


def rows(page: Page, section: str) -> dict[str, list[str]]:
    """Texts of the cells of each row, by the row's heading."""
    found = page.locator(f"#{section} tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in found}


def away_from(page: Page, path: str) -> list[str]:
    """Collects the requests that the page makes for a path from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if path in request.url else None)
    return asked


@pytest.fixture
def traffic(live):
    """Some requests of several keys, good and bad."""
    for key in (KEY, KEY, SMALL_KEY, SMALL_KEY, SMALL_KEY, SMALL_KEY, "nobody"):
        live.get("/defaults", key)
    requests.post(f"{live.address}/segment", data="{", headers={"X-API-Key": KEY}, timeout=30)


def test_a_wrong_key_opens_nothing_and_is_not_kept(page):
    page.goto("/admin/")
    expect(page.get_by_label("Admin key")).to_be_focused()
    enter(page, WRONG)
    expect(page.get_by_role("alert")).to_contain_text("not the admin key")
    expect(page.get_by_label("Admin key")).to_be_focused()
    expect(page.locator("#board")).to_be_hidden()
    assert page.evaluate("JSON.stringify([sessionStorage, localStorage])") == "[{},{}]"


def test_a_key_that_no_header_could_carry_as_it_is_is_only_wrong(page):
    page.goto("/admin/")
    enter(page, "clé-鍵")
    expect(page.get_by_role("alert")).to_contain_text("not the admin key")


def test_the_right_key_is_kept_for_the_session_alone_and_is_in_no_address(page):
    asked = away_from(page, "/")
    opened(page)
    assert page.evaluate("Object.values(sessionStorage)") == [ADMIN_KEY]
    page.reload()
    expect(page.locator("#board")).to_be_visible()
    expect(page.get_by_label("Admin key")).to_be_hidden()
    page.get_by_role("button", name="Forget key").click()
    expect(page.get_by_label("Admin key")).to_be_focused()
    assert page.get_by_label("Admin key").input_value() == ""
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    assert page.context.cookies() == []
    assert not any(ADMIN_KEY in address for address in asked)


def test_figures_are_those_of_the_service(page, traffic):
    page.goto("/admin/")
    with page.expect_response("**/admin/stats*") as answer, page.expect_response("**/admin/health") as well:
        enter(page, ADMIN_KEY)
    stats, health = answer.value.json(), well.value.json()
    assert stats["totals"]["requests"] >= 8
    expect(tile(page, "Requests")).to_have_text(f"{stats['totals']['requests']}")
    expect(tile(page, "Over limit")).to_have_text(f"{stats['totals']['rate_limited']}")
    expect(tile(page, "Instances")).to_have_text(f"{len(stats['instances'])}")
    shown = rows(page, "keys")
    for key in stats["keys"]:
        used, asked, errors = next(cells for name, cells in shown.items() if key["name"] in name)[:3]
        assert used == f"{key['used_last_hour']:,} / {key['limit_per_hour']:,}"
        assert (asked, errors) == (f"{key['requests']:,}", f"{key['errors'] - key['rate_limited']:,}")
    assert shown["No known key"][1] == str(stats["unauthenticated"]["requests"])
    shown = rows(page, "endpoints")
    assert {name: cells[1] for name, cells in shown.items()} == {
        name: str(summary["requests"]) for name, summary in stats["endpoints"].items()
    }
    page.locator("#requests-chart summary").click()
    spans = page.locator("#requests-chart tbody tr").all_inner_texts()
    counted = [span.split("\t")[1:] for span in spans]
    totals = stats["totals"]
    failed = totals["errors"] - totals["rate_limited"]
    assert [sum(map(int, column)) for column in zip(*counted, strict=True)] == [
        totals["requests"] - totals["errors"],
        totals["rate_limited"],
        failed,
    ]
    assert totals["rate_limited"] > 0
    expect(page.locator("#tiles")).to_contain_text(f"{failed} answers")
    expect(page.locator("#overall")).to_have_text(health["status"], ignore_case=True)
    levels = page.locator("#health li")
    expect(levels).to_have_count(5)
    for level, (name, told) in zip(levels.all(), health["levels"].items(), strict=True):
        expect(level).to_contain_text(name.replace("_", " "), ignore_case=True)
        expect(level.locator(".status")).to_have_text(told["status"], ignore_case=True)
        assert level.locator(".reason").all_inner_texts() == told["reasons"]
    expect(page.locator("#model")).to_contain_text(health["levels"]["model"]["checkpoint"]["sha256"])


def test_it_refreshes_itself_unless_paused_or_unseen(page):
    page.clock.install()
    opened(page)
    with page.expect_response("**/admin/stats*"):
        page.clock.fast_forward(10_000)
    pause = page.get_by_role("button", name="Pause")
    pause.click()
    expect(pause).to_have_attribute("aria-pressed", "true")
    asked = away_from(page, "/admin/stats")
    page.clock.fast_forward(60_000)
    assert asked == []
    with page.expect_response("**/admin/stats*"):  # what was due in the meantime
        pause.click()
    hide(page, hidden=True)
    asked.clear()
    page.clock.fast_forward(60_000)
    assert asked == []
    with page.expect_response("**/admin/stats*"):
        hide(page, hidden=False)


def hide(page: Page, *, hidden: bool) -> None:
    page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_refresh_shows_what_happened_since(page, live):
    opened(page)
    before = int(tile(page, "Requests").inner_text())
    live.get("/defaults", KEY)
    page.get_by_role("button", name="Refresh").click()
    expect(tile(page, "Requests")).to_have_text(str(before + 1))


def test_the_time_shown_is_chosen_and_stays_in_the_address(page):
    opened(page)
    expect(page.get_by_label("last 24 hours")).to_be_checked()
    with page.expect_response("**/admin/stats?hours=168"):
        page.get_by_label("last 7 days").check()
    assert page.url.endswith("/admin/?hours=168")
    with page.expect_response("**/admin/stats?hours=168"):
        page.reload()
    expect(page.get_by_label("last 7 days")).to_be_checked()


def test_an_address_with_another_time_shows_a_day(page):
    page.goto("/admin/?hours=-5")
    with page.expect_response("**/admin/stats?hours=24"):
        enter(page, ADMIN_KEY)


def test_too_many_wrong_keys_say_how_long_to_wait(page):
    page.goto("/admin/")
    for _ in range(11):
        with page.expect_response("**/admin/stats*"):
            enter(page, WRONG)
        expect(page.get_by_role("button", name="Open")).to_be_enabled()
    expect(page.get_by_role("alert")).to_contain_text("Too many wrong keys from this address; wait")


def test_figures_stay_when_the_address_is_locked_out_meanwhile(page):
    opened(page)
    for _ in range(10):
        page.request.get("/admin/stats", headers={"X-Admin-Key": WRONG})
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#trouble")).to_contain_text("Too many wrong keys from this address")
    expect(page.locator("#trouble")).to_contain_text("Next try in")
    expect(tile(page, "Requests")).to_be_visible()


def test_figures_stay_while_the_service_is_away_and_come_back_with_it(page):
    opened(page)
    page.context.set_offline(True)
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#trouble")).to_contain_text("The service does not answer.")
    expect(tile(page, "Requests")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#trouble")).to_be_hidden()


def test_everything_can_be_done_with_the_keyboard(page, traffic):
    page.goto("/admin/")
    page.keyboard.type(ADMIN_KEY)
    page.keyboard.press("Enter")
    expect(page.locator("#board")).to_be_visible()
    page.get_by_label("last 24 hours").focus()
    with page.expect_response("**/admin/stats?hours=6"):
        page.keyboard.press("ArrowLeft")
    page.locator("#requests-chart .plot").focus()
    page.keyboard.press("End")
    expect(page.locator("#requests-chart .readout b").first).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#requests-chart .readout b")).to_have_count(0)
    heading = page.locator("#keys").get_by_role("columnheader", name="Requests")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    counts = [int(cells[1].replace(",", "")) for cells in rows(page, "keys").values()]
    assert counts == sorted(counts, reverse=True)
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")


def test_the_pointer_reads_the_charts(open_page, serve, busy_app):
    page = opened(open_page(serve(busy_app)))
    read = page.locator("#latency-chart .readout b")
    expect(read).to_have_count(0)
    page.locator("#latency-chart .nsewdrag").hover()
    expect(read).to_have_text([re.compile(r"\d m?s$")] * 2)
    page.get_by_role("heading", name="Dashboard").hover()
    expect(read).to_have_count(0)


def test_a_service_without_admin_key_says_how_to_switch_the_dashboard_on(open_page, serve, make_app, axe):
    page = open_page(serve(make_app(admin_api_key=None)))
    page.goto("/admin/")
    expect(page.get_by_role("heading", level=1)).to_have_text("The dashboard is switched off")
    expect(page.locator("main")).to_contain_text("ADMIN_API_KEY")
    assert axe(page) == []


def test_a_service_nobody_has_asked_yet_says_so(open_page, serve, app, axe, layout):
    page = opened(open_page(serve(app)))
    expect(page.locator("#requests-chart")).to_contain_text("No requests in this time.")
    expect(page.locator("#endpoints")).to_contain_text("No requests in this time.")
    expect(tile(page, "Requests")).to_have_text("0")
    assert (axe(page), layout(page)) == ([], [])


def test_the_key_form_reads_well_at_every_size(page, looks, axe, layout):
    page.goto("/admin/")
    enter(page, WRONG)
    expect(page.get_by_role("alert")).not_to_be_empty()
    for look in looks(page, "admin-key"):
        assert (look, axe(page), layout(page)) == (look, [], [])


def test_a_busy_dashboard_reads_well_at_every_size(open_page, serve, busy_app, looks, axe, layout):
    page = opened(open_page(serve(busy_app)))
    page.locator("#requests-chart .plot").focus()
    page.keyboard.press("End")
    for look in looks(page, "admin"):
        assert (look, axe(page), layout(page)) == (look, [], [])


@pytest.fixture
def busy_app(make_app):
    """A day of five keys, one of them used up."""
    limits = {
        "Microfluidics lab": 500,
        "ddPCR core facility": 40,
        "Teaching course": 20,
        "Instrument 4": 1000,
    }
    keys = [f"key-of-{name}:{name}:{limit}" for name, limit in limits.items()]
    app = make_app(api_keys=",".join([*keys, "the-key-of-nobody:Old instrument:100:disabled"]))
    client = app.test_client()
    for name, times in zip(limits, (12, 34, 24, 3), strict=True):
        for _ in range(times):
            client.get("/defaults", headers={"X-API-Key": f"key-of-{name}"})
    chance = np.random.default_rng(5)
    services(app).store.usage.add(
        [
            UsageRecord(
                at=time.time() - 86_400 * chance.random() ** 1.5,
                key_name=str(chance.choice([*limits, ""])),
                endpoint=str(chance.choice(["/segment", "/segment_file", "/analyze_image", "/defaults"])),
                status=int(chance.choice([200] * 20 + [400, 429, 503])),
                processing_ms=chance.lognormal(6.5, 0.8),
                queue_ms=chance.lognormal(3, 1),
                masks=int(chance.integers(900)),
                bytes=int(chance.integers(4_000_000)),
            )
            for _ in range(900)
        ]
    )
    return app
