"""Plotly's charts under the pages' policy, in the pages' colours, and what is there without them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

PLACE = """
  const place = document.createElement("div");
  place.id = "place";
  place.style.width = "400px";
  document.body.prepend(place);
"""
BARS = (
    "async () => {"
    + PLACE
    + """
  const { bars } = await import("/static/js/charts/bars.js");
  bars(place, [75, 25, 3, 0], [76.1, 23.4, 3.2, 0.3]);
}"""
)
SCATTER = (
    "async () => {"
    + PLACE
    + """
  const { scatter } = await import("/static/js/charts/scatter.js");
  window.heard = [];
  const onthreshold = (value, done) => heard.push([value, done]);
  const dots = [[0, 0], [1, 100]];
  scatter(place, { dots, across: "droplet", up: "amplitude", threshold: null, onthreshold });
}"""
)
COLOUR = "getComputedStyle(document.querySelector('#place .bars path')).fill"


@pytest.fixture
def charted(page) -> Page:
    """A page with a chart of its own; the policy must hold meanwhile."""
    page.emulate_media(color_scheme="light")
    page.goto("/")
    page.evaluate(BARS)
    return page


def test_plotly_adds_its_rules_to_a_style_sheet_of_the_pages_and_no_style_of_its_own(charted):
    expect(charted.locator("#place .bars path")).to_have_count(4)
    rules = charted.evaluate(
        "[...document.getElementById('plotly.js-style-global').sheet.cssRules].map((rule) => rule.cssText)"
    )
    assert any(rule.startswith(".js-plotly-plot .plotly") for rule in rules)
    assert charted.locator("style").count() == 0
    assert charted.locator(".modebar").count() == 0


def test_plotly_comes_only_when_there_is_something_to_draw(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/", wait_until="networkidle")
    assert not any("plotly-" in address for address in asked)
    page.evaluate(BARS)
    expect(page.locator("#place .bars path")).to_have_count(4)
    assert sum("plotly-" in address for address in asked) == 1


def test_a_chart_has_a_name_that_tells_its_figures(charted):
    chart = charted.get_by_role("img", name="Droplets by number of beads")
    expect(chart).to_have_accessible_name(
        "Droplets by number of beads: 0: 75, expected 76.1; 1: 25, expected 23.4; "
        "2: 3, expected 3.20; 3+: 0, expected 0.300"
    )


def test_a_chart_follows_the_readers_choice_of_light_or_dark(charted):
    expect(charted.locator("#place .bars path")).to_have_count(4)
    light = charted.evaluate(COLOUR)
    charted.emulate_media(color_scheme="dark")
    charted.wait_for_function(f"(light) => {COLOUR} !== light", arg=light)
    charted.locator("#theme").click()
    charted.wait_for_function(f"(light) => {COLOUR} === light", arg=light)


def test_a_chart_is_as_wide_as_its_place(charted):
    chart = charted.locator("#place .main-svg").first
    expect(chart).to_have_attribute("width", "400")
    charted.evaluate("document.getElementById('place').style.width = '300px'")
    expect(chart).to_have_attribute("width", "300")


def test_figures_stand_in_words_where_plotly_cannot_be_loaded(page):
    page.route("**/charts/plotly-*", lambda route: route.abort())
    page.goto("/")
    page.evaluate(BARS)
    expect(page.locator("#place")).to_contain_text(
        "The chart could not be loaded. Droplets by number of beads: 0: 75"
    )


def test_a_finger_moves_the_threshold(page):
    page.goto("/")
    page.evaluate(SCATTER)
    box = page.locator("#place .nsewdrag").bounding_box()
    finger = page.context.new_cdp_session(page)
    for kind, height in (("touchStart", 0.2), ("touchMove", 0.4), ("touchMove", 0.75), ("touchEnd", None)):
        at = height and {"x": box["x"] + 50, "y": box["y"] + height * box["height"]}
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at] if at else []})
    page.wait_for_function("heard.some(([, done]) => done)")
    threshold, done = page.evaluate("heard.at(-1)")
    assert done
    assert threshold == pytest.approx(105 - 0.75 * 110, abs=2)
