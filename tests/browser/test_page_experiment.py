"""Many pictures at once: a folder or a ZIP is dropped, pairs find each other, a row a picture."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from pathlib import Path

import pytest
import tifffile
from playwright.sync_api import expect

from tests.browser.workbench import INSIDE, SAMPLE
from training.rendering.plain import render_ddpcr_pair

PAIRED = """
async (names) => {
  const { paired } = await import("/static/js/intake/pairs.js");
  return paired(names.map((path) => ({ path, file: new File([path], path) })))
    .map(({ name, fluorescence }) => [name, fluorescence?.name ?? null]);
}
"""


def drop(page, path: Path) -> None:
    """Drop a file or folder from outside the browser."""
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 700, "y": 450, "data": data})


def test_fluorescence_finds_its_picture_by_its_name(page):
    page.goto("/")
    names = ["b/2_BF.tif", "b/2_FL.tif", "a/2_fl.tif", "a/10_bf.png", "a/2_bf.tif", "brightfield-1.tif"]
    assert page.evaluate(PAIRED, [*names, "fluorescence-1.tif", "self.tif", "x_fl.tif"]) == [
        ["a/2_bf.tif", "a/2_fl.tif"],
        ["a/10_bf.png", None],
        ["b/2_BF.tif", "b/2_FL.tif"],
        ["brightfield-1.tif", "fluorescence-1.tif"],
        ["self.tif", None],
        ["x_fl.tif", None],
    ]


@pytest.mark.model
def test_a_folder_and_a_zip_become_rows_of_one_table(bench, tmp_path, axe):
    page = bench.page
    folder = tmp_path / "plate"
    (folder / "inner").mkdir(parents=True)
    shutil.copy(SAMPLE, folder / "inner" / "A1.png")
    (folder / "notes.txt").write_text("no picture")
    bright, light = render_ddpcr_pair(256, 256, count=30, positive_fraction=0.3, seed=4)
    pair = {"B1_bf.tif": (bright, zipfile.ZIP_DEFLATED), "B1_fl.tif": (light, zipfile.ZIP_STORED)}
    archive = tmp_path / "pair.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, (rendered, packing) in pair.items():
            tifffile.imwrite(tmp_path / name, rendered.pixels)
            file.write(tmp_path / name, name, packing)
    bench.give_key()
    drop(page, folder)
    expect(page.locator("#told")).to_contain_text("1 file left out")
    drop(page, archive)
    bench.tab("Pictures")
    rows = page.locator("#experiment-body tr")
    expect(rows).to_have_count(2)
    expect(page.locator("#experiment-body td:last-child")).to_have_text(["done", "done"], timeout=120_000)
    expect(page.locator("#advance")).to_be_empty()
    expect(rows.first).to_contain_text("plate/inner/A1.png")
    expect(rows.first.locator("td").nth(1)).to_have_text(str(len(INSIDE)))
    expect(rows.last.locator("td").nth(4)).not_to_have_text("–")
    assert axe(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV, a row a picture").click()
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [(row["picture"], row["state"]) for row in table] == [
        ("plate/inner/A1.png", "done"),
        ("B1_bf.tif", "done"),
    ]
    assert int(table[0]["droplets"]) == len(INSIDE)
    assert 0 < float(table[1]["copies_per_droplet"]) < 1

    broken = tmp_path / "broken.zip"
    broken.write_bytes(archive.read_bytes()[:-40])
    page.set_input_files("#files", broken)
    expect(page.locator("#notices")).to_contain_text("broken.zip cannot be opened")
