"""Nothing is lost by a reload: sessions are kept in the browser, and can be saved as a file."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.workbench import EMPTY, INSIDE, SAMPLE

pytestmark = pytest.mark.model

KEPT = """
async ([excluded, unit, limit]) => {
  const { sessions } = await import("/static/js/session/database.js");
  for (;;) {
    const [session] = await sessions();
    if (session?.pictures[0]?.edits.excluded.length === excluded && session.view.pixelSize === unit
      && session.view.filters.diameter_min == limit) return;
    await new Promise(requestAnimationFrame);
  }
}
"""
"""Resolves when the browser has kept a session with so many exclusions and this pixel size."""
NO_DATABASE = """
IDBFactory.prototype.open = () => { throw new DOMException("refused", "SecurityError"); };
"""


def edited(bench) -> str:
    """The sample with an exclusion, a pixel size and a filter; the number of droplets left."""
    bench.open_sample()
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    field = bench.page.get_by_label("Micrometres a pixel")
    field.fill("2")
    field.press("Enter")
    bench.limit("Diameter", "lowest", 64)
    expect(bench.page.locator("#filters-count")).to_contain_text("left out")
    return bench.count.inner_text()


def test_a_reload_goes_on_where_it_was_or_forgets(bench):
    page = bench.page
    left = edited(bench)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page.evaluate(KEPT, [1, 2, 32])
    page.reload()
    expect(page.locator("#key-state")).to_have_text("Key entered")
    go_on = page.get_by_role("button", name="Go on with 1 picture of")
    go_on.click()
    expect(bench.count).to_have_text(left)
    page.locator("#strip canvas").wait_for()
    expect(page.get_by_label("Micrometres a pixel")).to_have_value("2")
    page.locator("#filters-clear").click()
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    expect(bench.count).to_have_text(str(len(INSIDE)))
    assert asked == []
    page.evaluate(KEPT, [0, 2, None])
    page.reload()
    page.get_by_role("button", name="Forget 1 picture").click()
    expect(go_on).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Try the sample")).to_be_enabled()
    expect(page.locator("#sessions")).to_be_hidden()


def test_a_session_is_saved_as_a_file_and_dropped_on_another_page(bench, open_page, live, tmp_path):
    left = edited(bench)
    bench.tab("Export")
    with bench.page.expect_download() as download:
        bench.page.get_by_role("button", name="Save the session as a file").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)

    other = type(bench)(open_page(live.address))
    other.page.goto("/")
    other.page.set_input_files("#files", path)
    expect(other.count).to_have_text(left)
    other.page.locator("#strip canvas").wait_for()
    broken = tmp_path / "broken.droplets.json"
    broken.write_text('{"format": "another"}')
    other.page.set_input_files("#files", broken)
    expect(other.page.locator("#notices")).to_contain_text("broken.droplets.json cannot be opened")


def test_a_session_without_pictures_asks_for_them_and_knows_them_by_their_content(
    bench, open_page, live, tmp_path, axe
):
    left = edited(bench)
    bench.tab("Export")
    with bench.page.expect_download() as download:
        bench.page.get_by_role("button", name="Save it without the pictures").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert SAMPLE.stat().st_size not in {len(text) * 3 // 4 for text in path.read_text().split('"')}

    other = type(bench)(open_page(live.address))
    other.page.goto("/")
    other.page.set_input_files("#files", path)
    dialog = other.page.get_by_role("dialog", name="Pictures of this session")
    expect(dialog).to_contain_text("1 file of 1 still to be found")
    expect(dialog.get_by_role("listitem")).to_have_text(["droplets.png"])
    assert axe(other.page) == []
    wrong, renamed = tmp_path / "droplets.png", tmp_path / "other name.png"
    wrong.write_bytes(SAMPLE.read_bytes()[:-1] + b"!")
    renamed.write_bytes(SAMPLE.read_bytes())
    other.page.set_input_files("#pictures-files", wrong)
    expect(dialog).to_contain_text("what was given under this name is another file")
    other.page.set_input_files("#pictures-files", [wrong, renamed])
    expect(dialog).to_be_hidden()
    expect(other.count).to_have_text(left)
    other.page.locator("#strip canvas").wait_for()


def test_where_the_browser_keeps_nothing_leaving_is_asked_about(bench):
    page = bench.page
    page.add_init_script(NO_DATABASE)
    edited(bench)
    expect(page.locator("#notices")).to_contain_text("This browser cannot keep the pictures")
    with page.expect_event("dialog") as warned:
        page.once("dialog", lambda dialog: dialog.accept())
        page.reload()
    assert warned.value.type == "beforeunload"
