"""The whole path on the page: from drop to export."""

from __future__ import annotations

import base64
import csv
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from playwright.sync_api import expect

from tests.browser.workbench import CUT, EMPTY, INSIDE, SAMPLE
from tests.conftest import KEY

pytestmark = pytest.mark.model

DROP = """
([type, name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/png" }));
  const event = type === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}
"""


def bring(page, how: str, name: str = "frame.png") -> None:
    page.evaluate(DROP, [how, name, base64.b64encode(SAMPLE.read_bytes()).decode()])


def export(page, name: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_bytes()


def test_from_drop_to_export(bench):
    page = bench.page
    bench.give_key()
    bring(page, "drop")
    expect(bench.count).to_have_text(str(len(INSIDE)), timeout=120_000)
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    bench.tool("add")
    bench.click(CUT["x"], CUT["y"])
    kept = len(INSIDE)
    expect(bench.count).to_have_text(str(kept))

    bench.tab("Export")
    table = list(csv.DictReader(io.StringIO(export(page, "CSV").decode())))
    assert sum(row["kind"] == "droplet" for row in table) == kept
    assert {row["picture"] for row in table} == {"frame.png"}

    described = json.loads(export(page, "JSON"))["pictures"][0]
    assert len(described["masks"]) == len(table)
    assert len(described["request"]["options"]["exclude"]) == 1

    overlay = cv2.imdecode(np.frombuffer(export(page, "Overlay PNG"), np.uint8), cv2.IMREAD_COLOR)
    assert overlay.shape == (480, 640, 3)
    orange = (overlay.astype(int) @ [-1, 0, 1]) > 100
    assert 5000 < orange.sum() < 30_000

    archive = zipfile.ZipFile(io.BytesIO(export(page, "Everything as ZIP")))
    name = next(name for name in archive.namelist() if name.endswith(".csv"))
    rows = list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
    droplets = [
        {row["id"]: float(row["centroid_x_px"]) for row in each if row["kind"] == "droplet"}
        for each in (table, rows)
    ]
    assert list(droplets[0]) == list(droplets[1])
    assert list(droplets[0].values()) == pytest.approx(list(droplets[1].values()), abs=0.1)
    assert [row["found_by"] for row in table if row["kind"] == "droplet"].count("hand") == 1
    assert [mask["id"] for mask in described["masks"]] == [int(row["id"]) for row in table]
    assert [mask["found_by"] for mask in described["masks"]] == [row["found_by"] for row in table]


def test_a_pasted_picture_is_analysed(bench):
    bench.give_key()
    bring(bench.page, "paste")
    expect(bench.count).to_have_text(str(len(INSIDE)), timeout=120_000)


def test_several_pictures_share_one_summary(bench):
    bench.open_sample()
    bring(bench.page, "drop", "second.png")
    summary = bench.page.locator("#summary")
    expect(summary).to_contain_text("2 pictures", timeout=120_000)
    expect(summary).to_contain_text(f"{2 * len(INSIDE)} droplets")
    bench.page.get_by_role("button", name="All pictures").click()
    expect(bench.count).to_have_text(str(2 * len(INSIDE)))
    bench.page.get_by_role("button", name="Take second.png away").click()
    expect(bench.page.locator("#strip li")).to_have_count(1)
    expect(bench.count).to_have_text(str(len(INSIDE)))


def test_the_overlay_has_the_colours_that_the_page_shows_over_all_pictures(bench):
    page = bench.page
    bench.open_sample()
    page.set_input_files(
        "#files", SAMPLE.with_name("small.jpg")
    )  # its droplets are smaller than the sample's
    expect(page.locator("#summary")).to_contain_text("2 pictures", timeout=120_000)
    page.locator("#colour-by").select_option("size")
    bench.tab("Export")

    def largest_are_marked(picture: bytes) -> bool:
        """Whether something is in the yellow of the scale's upper end."""
        overlay = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        blue, green, red = np.moveaxis(overlay, 2, 0)
        return bool(((blue < 90) & (green > 200) & (red > 200)).any())

    assert largest_are_marked(export(page, "Overlay PNG"))
    page.get_by_role("button", name="All pictures").click()
    expect(bench.count).not_to_have_text("4")
    with zipfile.ZipFile(io.BytesIO(export(page, "Overlay PNGs"))) as archive:
        marked = {name: largest_are_marked(archive.read(name)) for name in archive.namelist()}
    assert list(marked.values()) == [True, False]


def test_the_legend_follows_the_other_pictures_as_they_are_analysed(bench):
    page = bench.page
    bench.open_sample()
    page.locator("#colour-by").select_option("size")
    page.evaluate("async () => (await import('/static/js/state.js')).set({ pooled: true })")
    page.set_input_files("#files", [SAMPLE, SAMPLE.with_name("small.jpg")])
    expect(page.locator("#summary")).to_contain_text("3 pictures", timeout=120_000)
    legend = page.locator("#legend")
    shown = legend.inner_text()
    page.locator("#outlines").click()
    expect(legend).to_be_hidden()
    page.locator("#outlines").click()
    expect(legend).to_have_text(shown, use_inner_text=True)


def test_the_key_stays_in_the_session_alone(bench):
    addresses = []
    bench.page.on("request", lambda request: addresses.append(request.url))
    bench.open_sample()
    assert addresses
    assert not any(KEY in address for address in addresses)
    assert KEY in bench.page.evaluate("JSON.stringify({...sessionStorage})")
    assert KEY not in bench.page.evaluate("JSON.stringify({...localStorage}) + document.cookie")
    assert KEY not in bench.page.content()
    bench.tab("Export")
    for language in ("curl", "Python"):
        bench.page.get_by_role("button", name=language).click()
        expect(bench.page.locator("#code")).to_contain_text("YOUR_KEY")


def test_the_code_can_be_copied(bench):
    bench.open_sample()
    bench.limit("Diameter", "lowest", 30)
    bench.tab("Export")
    bench.page.get_by_role("button", name="Copy").click()
    copied = bench.page.evaluate("navigator.clipboard.readText()")
    assert "--form-string 'filters={\"diameter_min\":30}'" in copied
    assert copied.endswith("/segment_file")


def test_the_lines_for_terminal_and_script_run_as_they_are_whatever_the_file_is_called(bench, tmp_path):
    page = bench.page
    path = tmp_path / """it's; a "b",c\\d;type=x.png"""
    path.write_bytes(SAMPLE.read_bytes())
    bench.give_key()
    page.set_input_files("#files", path)
    expect(bench.count).to_have_text(str(len(INSIDE)), timeout=120_000)
    bench.tab("Export")

    def ran(*command: str) -> str:
        code = page.locator("#code").inner_text().replace("YOUR_KEY", KEY)
        return subprocess.run(
            [*command, code], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    assert json.loads(ran("sh", "-c"))["summary_statistics"]["count"]["droplet"] == len(INSIDE)
    page.get_by_role("button", name="Python").click()
    assert ran(sys.executable, "-c") == f"{len(INSIDE)}\n"


def test_a_16_bit_tiff_is_shown_as_the_service_sees_it(bench, tmp_path):
    grey = cv2.imread(str(SAMPLE), cv2.IMREAD_GRAYSCALE).astype(np.uint16) * 16
    tifffile.imwrite(tmp_path / "camera.tif", grey)
    bench.give_key()
    bench.page.set_input_files("#files", tmp_path / "camera.tif")
    expect(bench.count).to_have_text(str(len(INSIDE)), timeout=120_000)
    expect(bench.page.locator("#strip canvas")).to_have_count(1)


def test_a_picture_waits_for_the_key_which_is_set_once_the_service_has_accepted_it(bench):
    page = bench.page
    bench.give_key("wrong-key")
    expect(page.locator("#key-state")).to_have_text("Key entered")
    page.get_by_role("button", name="Try the sample").click()
    expect(page.locator("#key-error")).to_contain_text("not known")
    expect(page.locator("#key-state")).to_have_text("Key entered")
    dialog = page.get_by_role("dialog", name="API key")
    dialog.get_by_label("Key").fill(KEY)
    dialog.get_by_role("button", name="Keep for this session").click()
    expect(bench.count).to_have_text(str(len(INSIDE)), timeout=120_000)
    expect(page.locator("#key-state")).to_have_text("Key set")
