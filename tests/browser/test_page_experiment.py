"""Many pictures at once: a folder or a ZIP is dropped, pairs find each other, a row a picture."""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tifffile
from playwright.sync_api import expect

from tests.browser.workbench import EMPTY, INSIDE, SAMPLE, Workbench
from tests.test_server import Server, serving
from training.rendering.plain import render_ddpcr_pair

PAIRED = """
async (names) => {
  const { paired } = await import("/static/js/intake/pairs.js");
  return paired(names.map((path) => ({ path, file: new File([path], path) })))
    .map(({ name, fluorescence }) => [name, ...fluorescence.map((light) => light.name)]);
}
"""


@pytest.fixture(scope="module")
def jobs_live(tmp_path_factory) -> Iterator[Server]:
    """The service with its worker for jobs beside it."""
    with serving(tmp_path_factory.mktemp("jobs-live"), JOBS="beside") as server:
        yield server


def saved(page, button: str) -> bytes:
    """What a button of the panel "Export" hands over."""
    with page.expect_download(timeout=180_000) as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path()).read_bytes()


def drop(page, path: Path) -> None:
    """Drop a file or folder from outside the browser."""
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, "x": 700, "y": 450, "data": data})


def test_fluorescence_finds_its_picture_by_its_name(page):
    page.goto("/")
    names = [
        "b/2_BF.tif",
        "b/2_FL2.tif",
        "b/2_fl1.tif",
        "a/2_fl.tif",
        "a/10_bf.png",
        "a/2_bf.tif",
        "brightfield-1.tif",
    ]
    assert page.evaluate(PAIRED, [*names, "fluorescence-1.tif", "self.tif", "x_fl.tif"]) == [
        ["a/2_bf.tif", "a/2_fl.tif"],
        ["a/10_bf.png"],
        ["b/2_BF.tif", "b/2_fl1.tif", "b/2_FL2.tif"],
        ["brightfield-1.tif", "fluorescence-1.tif"],
        ["self.tif"],
        ["x_fl.tif"],
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
    expect(rows.first.locator("td").nth(2)).to_have_text(str(len(INSIDE)))
    expect(rows.last.locator("td").nth(5)).not_to_have_text("–")
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

    for name, group in (("plate/inner/A1.png", "A"), ("B1_bf.tif", "B")):
        page.get_by_label(f"Group of {name}").select_option(group)
    figures = page.locator("#comparison-figures")
    for figure in ("Mann-Whitney U", "Cliff's delta", "Welch's t", "Hedges' g", f"{len(INSIDE)} and "):
        expect(figures).to_contain_text(figure)
    expect(page.get_by_role("img", name="Histograms of diameter (px): ")).to_be_visible()
    assert axe(page) == []

    broken = tmp_path / "broken.zip"
    broken.write_bytes(archive.read_bytes()[:-40])
    page.set_input_files("#files", broken)
    expect(page.locator("#notices")).to_contain_text("broken.zip cannot be opened")


@pytest.mark.model
def test_one_zip_and_one_report_are_of_all_pictures_as_they_were_corrected(
    open_page, jobs_live, tmp_path, axe
):
    bench = Workbench(open_page(jobs_live.address))
    page, asked = bench.page, []
    page.on("request", lambda request: asked.append((request.method, request.url)))
    bench.open_sample()
    bench.click(EMPTY[0]["x"], EMPTY[0]["y"])
    expect(bench.count).to_have_text(str(len(INSIDE) - 1))
    bright, light = render_ddpcr_pair(256, 256, count=30, positive_fraction=0.3, seed=4)
    for name, rendered in (("B1_bf.tif", bright), ("B1_fl.tif", light)):
        tifffile.imwrite(tmp_path / name, rendered.pixels)
    page.set_input_files("#files", [tmp_path / "B1_bf.tif", tmp_path / "B1_fl.tif"])
    expect(page.locator("#summary")).to_contain_text("2 pictures", timeout=120_000)
    bench.tab("Export")
    expect(page.locator("#export-scope")).to_have_text("Files of this picture, B1_bf.tif.")
    page.get_by_role("button", name="All pictures").click()
    expect(page.locator("#export-scope")).to_have_text("Files of all 2 pictures.")
    droplets = int(bench.count.inner_text())
    assert axe(page) == []

    report = saved(page, "Report of all 2 pictures (HTML)").decode()
    for part in ("<h1>Droplets</h1>", "droplets.png", "B1_bf.tif", f"<td>{droplets}</td>", "Positives"):
        assert part in report
    archive = zipfile.ZipFile(io.BytesIO(saved(page, "Everything as ZIP, of all 2 pictures")))
    rows = list(csv.DictReader(io.TextIOWrapper(archive.open("droplets.csv"))))
    assert sum(row["kind"] == "droplet" for row in rows) == droplets
    assert {row["picture"] for row in rows} == {"droplets.png", "B1_bf.tif"}
    assert sum(method == "POST" and url.endswith("/jobs") for method, url in asked) == 1
    assert any(name.endswith("overlay.png") for name in archive.namelist())

    overlays = zipfile.ZipFile(io.BytesIO(saved(page, "Overlay PNGs")))
    assert overlays.testzip() is None
    assert overlays.namelist() == ["1-droplets.png-overlay.png", "2-B1_bf.tif-overlay.png"]
    table = list(csv.DictReader(io.StringIO(saved(page, "CSV").decode())))
    assert len(table) == len(rows)
    for line in ("-F 'file=@droplets.png'", "filename=fluorescence/B1_fl.tif", "/jobs/ID/result"):
        expect(page.locator("#code")).to_contain_text(line)
    bench.tab("Table")
    expect(page.locator("#table-scope")).to_have_text("Objects of all 2 pictures")
    shown = int(re.search(r"of ([\d,]+)", page.locator("#page-state").inner_text())[1].replace(",", ""))
    assert shown == len(rows) + 1  # what is excluded is listed too
