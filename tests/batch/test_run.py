"""Whole runs with the real model: results, resuming, errors, and being stopped."""

from __future__ import annotations

import csv
import html
import json
import os
import shutil
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage

from batch.convert import convert
from batch.exports import EXPORTS
from batch.files import find_files
from batch.recipe import EACH, Recipe, make_recipe, read_options_file
from batch.run import Asked, Result, read_run, report, segment
from droplets.errors import BadRequest
from droplets.export.table import csv_table
from droplets.options import AnalysisOptions
from droplets.pipeline import analyze
from droplets.reading.image import decode_image
from tests.conftest import ROOT

pytestmark = pytest.mark.model


class Heard(list):
    """The outcomes of a run, by name; and what there was to do."""

    def begin(self, begun) -> None:
        self.begun = begun

    @property
    def names(self) -> list[str]:
        return sorted(outcome.name for outcome in self)


def run(model, inputs, out: Path, recipe: Recipe | None = None, **others) -> tuple[Result, Heard]:
    heard = Heard()
    asked = Asked(tuple(map(str, inputs)), out, recipe or Recipe(), **others)
    return segment(asked, lambda: model, 2, begin=heard.begin, tell=heard.append), heard


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def without_seconds(path: Path) -> list[dict[str, str]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in table(path)]


def no_model():
    raise AssertionError("the model was loaded though nothing was left to do")


def test_the_tables_tell_what_the_analysis_of_each_picture_tells(model, folder, tmp_path):
    result, _ = run(model, [folder], tmp_path / "out", make_recipe({"options": {"pixel_size_um": 2}}, ()))
    rows = table(tmp_path / "out" / "droplets.csv")
    pictures = table(tmp_path / "out" / "pictures.csv")
    wanted = AnalysisOptions(make_recipe({"options": {"pixel_size_um": 2}}, ()).wanted.options)
    for picture, name in zip(pictures, ("0.png", "1.png", "2.png"), strict=True):
        image = decode_image((folder / name).read_bytes(), max_pixels=10**6)
        analysis = analyze(image, model.generate, wanted)
        own = [list(row.values())[2:] for row in rows if row["picture"] == name]
        assert own == [line.split(",") for line in csv_table(analysis).splitlines()[1:]]
        kinds = [droplet.kind for droplet in analysis.droplets]
        assert (picture["picture"], int(picture["droplets"])) == (name, kinds.count("droplet"))
        assert int(picture["beads"]) == kinds.count("bead")
        assert float(picture["mean_um"]) == pytest.approx(2 * float(picture["mean_px"]), rel=1e-6)
        assert picture["positives"] == picture["copies_per_ul"] == ""
    assert result.droplets == sum(int(row["droplets"]) for row in pictures) > 6
    assert not table(tmp_path / "out" / "errors.csv")


def test_a_run_that_is_done_needs_no_model_and_leaves_every_file_as_it_is(model, folder, tmp_path):
    run(model, [folder], tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
    heard = Heard()
    asked = Asked((str(folder),), tmp_path / "out", Recipe())
    result = segment(asked, no_model, 2, begin=heard.begin, tell=heard.append)
    assert (heard, heard.begun.todo, result.pictures) == ([], 0, 3)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
    after.pop(tmp_path / "out" / ".lock", None)
    before.pop(tmp_path / "out" / ".lock", None)
    assert after == before


def test_a_table_that_was_deleted_is_written_again(model, folder, tmp_path):
    run(model, [folder], tmp_path / "out")
    before = (tmp_path / "out" / "droplets.csv").read_bytes()
    (tmp_path / "out" / "droplets.csv").unlink()
    run(model, [folder], tmp_path / "out")
    assert (tmp_path / "out" / "droplets.csv").read_bytes() == before


def test_only_what_is_new_or_has_changed_is_analysed(model, folder, tmp_path):
    out = tmp_path / "out"
    run(model, [folder], out)
    before = (out / "droplets.csv").read_bytes()
    os.utime(folder / "0.png", ns=(1, 1))  # touched, but the same
    shutil.copy(folder / "2.png", folder / "1.png")
    shutil.copy(folder / "0.png", folder / "3.png")
    asked = []

    class Counting:
        made_with = model.made_with

        def generate(self, request):
            asked.append(request)
            return model.generate(request)

    _, heard = run(Counting(), [folder], out)
    assert heard.names == ["0.png", "1.png", "3.png"]
    assert len(asked) == 2
    assert run(model, [folder], out)[1] == []
    rows = [row["picture"] for row in table(out / "pictures.csv")]
    assert rows == ["0.png", "1.png", "2.png", "3.png"]
    assert (out / "droplets.csv").read_bytes() != before


def test_other_options_analyse_all_again_and_no_row_of_the_old_stays(model, folder, tmp_path):
    out = tmp_path / "out"
    run(model, [folder], out)
    _, heard = run(model, [folder], out, make_recipe({"options": {"automatic_filters": False}}, ()))
    assert len(heard) == 3
    run(model, [folder], tmp_path / "fresh", make_recipe({"options": {"automatic_filters": False}}, ()))
    assert (out / "droplets.csv").read_bytes() == (tmp_path / "fresh" / "droplets.csv").read_bytes()


def test_a_bad_file_is_a_row_of_errors_and_is_tried_again(model, folder, tmp_path):
    out = tmp_path / "out"
    (folder / "1.png").write_bytes(b"no picture")
    (folder / "bad.tif").write_bytes((ROOT / "examples" / "pcr-brightfield.tif").read_bytes()[:5000])
    result, _ = run(model, [folder], out)
    rows = table(out / "errors.csv")
    assert [(row["picture"], row["error"]) for row in rows] == [
        ("1.png", "UnsupportedImage"),
        ("bad.tif", "UndecodableImage"),
    ]
    assert len(result.failures) == 2
    assert [row["picture"] for row in table(out / "pictures.csv")] == ["0.png", "2.png"]
    shutil.copy(folder / "0.png", folder / "1.png")
    (folder / "bad.tif").unlink()
    result, heard = run(model, [folder], out)
    assert (heard.names, result.failures) == (["1.png"], ())
    assert not table(out / "errors.csv")


def test_a_picture_that_was_fine_and_is_bad_now_leaves_the_tables(model, folder, tmp_path):
    run(model, [folder], tmp_path / "out")
    (folder / "1.png").write_bytes(b"no picture")
    run(model, [folder], tmp_path / "out")
    assert {row["picture"] for row in table(tmp_path / "out" / "droplets.csv")} == {"0.png", "2.png"}
    assert not (tmp_path / "out" / "pictures" / "1.png").exists()


def test_one_that_meets_a_fault_of_the_program_does_not_end_the_run(model, folder, tmp_path):
    class Faulty:
        made_with = model.made_with

        def generate(self, request):
            raise ZeroDivisionError("a fault")

    result, _ = run(Faulty(), [folder / "0.png"], tmp_path / "out")
    assert result.failures[0].error == "ZeroDivisionError"


def test_pairs_give_digital_pcr_and_half_a_pair_is_an_error(model, tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for light, name in (("brightfield", "1_bf"), ("fluorescence", "1_fl"), ("brightfield", "2_bf")):
        shutil.copy(ROOT / "examples" / f"pcr-{light}.tif", folder / f"{name}.tif")
    result, _ = run(model, [folder], tmp_path / "out", pair="{}_bf.tif:{}_fl.tif")
    (row,) = table(tmp_path / "out" / "pictures.csv")
    assert (row["picture"], row["fluorescence"]) == ("1_bf.tif", "1_fl.tif")
    assert int(row["positives"]) / int(row["partitions"]) == pytest.approx(0.3, abs=0.05)
    assert float(row["lambda_low"]) < float(row["lambda"]) < float(row["lambda_high"])
    assert float(row["copies_per_ul"]) > 0
    counted = [one for one in table(tmp_path / "out" / "droplets.csv") if one["positive"]]
    assert len(counted) == int(row["partitions"])
    light = {
        cell: [float(one["fluorescence_amplitude"]) for one in counted if one["positive"] == cell]
        for cell in "01"
    }
    assert len(light["1"]) == int(row["positives"])
    assert max(light["0"]) < min(light["1"])
    assert [(one.picture, one.error) for one in result.failures] == [("2_bf.tif", "Unpaired")]
    assert "Positives" in (tmp_path / "out" / "summary.html").read_text(encoding="utf-8")


def test_a_picture_has_settings_and_dyes_of_its_own(model, folder, tmp_path):
    for light, name in (("brightfield", "b"), ("fluorescence", "f1"), ("fluorescence", "f2")):
        shutil.copy(ROOT / "examples" / f"pcr-{light}.tif", folder / f"{name}.tif")
    each = {
        "b.tif": {"fluorescence": ["f1.tif", "f2.tif"]},
        "0.png": {"options": {"pixel_size_um": 3}, "filters": {"diameter_min": 1000}},
    }
    recipe = make_recipe({"options": {"pixel_size_um": 2, "quality": "fast"}, EACH: each}, ())
    run(model, [folder], tmp_path / "out", recipe)
    rows = {row["picture"]: row for row in table(tmp_path / "out" / "pictures.csv")}
    assert list(rows) == ["0.png", "1.png", "2.png", "b.tif"]
    assert (rows["0.png"]["droplets"], rows["0.png"]["pixel_size_um"]) == ("0", "3.0")
    assert int(rows["1.png"]["droplets"]) > 0
    assert (rows["1.png"]["pixel_size_um"], rows["b.tif"]["fluorescence"]) == ("2.0", "f1.tif, f2.tif")
    droplets = [row for row in table(tmp_path / "out" / "droplets.csv") if row["fluorescence_2_amplitude"]]
    assert len(droplets) == int(rows["b.tif"]["partitions"])
    assert read_run(tmp_path / "out")[1] == recipe


def test_another_channel_of_the_file_can_be_the_fluorescence(model, tmp_path):
    lights = [
        tifffile.imread(ROOT / "examples" / f"pcr-{name}.tif") for name in ("brightfield", "fluorescence")
    ]
    both = np.stack([lights[0].astype(np.uint16), lights[1]])
    tifffile.imwrite(tmp_path / "both.tif", both, imagej=True, metadata={"axes": "CYX"})
    recipe = make_recipe({"options": {"channel": 0, "fluorescence_channel": 1}}, ("coco",))
    result, _ = run(model, [tmp_path / "both.tif"], tmp_path / "out", recipe)
    assert not result.failures
    (row,) = table(tmp_path / "out" / "pictures.csv")
    assert int(row["positives"]) / int(row["partitions"]) == pytest.approx(0.3, abs=0.05)


@pytest.fixture
def stack(folder):
    """A TIFF of the three pictures of the folder, in it."""
    frames = [cv2.imread(str(folder / f"{i}.png"), cv2.IMREAD_GRAYSCALE) for i in range(3)]
    tifffile.imwrite(folder / "stack.tif", np.stack(frames), imagej=True, metadata={"axes": "TYX"})
    return folder / "stack.tif"


def test_frames_are_pictures_of_their_own_that_are_resumed_one_by_one(model, folder, stack, tmp_path):
    out, recipe = tmp_path / "out", make_recipe({}, ("coco",))
    run(model, [folder], out, recipe, frames="1-9")
    rows = table(out / "pictures.csv")
    named = [(row["picture"], row["source"], row["frame"]) for row in rows]
    of_stack = [(f"stack.tif.frame-0000{i}", "stack.tif", str(i)) for i in (1, 2)]
    assert named == [*((f"{i}.png", f"{i}.png", "") for i in range(3)), *of_stack]
    figures = [{**row, "picture": "", "frame": ""} for row in table(out / "droplets.csv")]
    frames = [row["frame"] for row in table(out / "droplets.csv")]
    for i in (1, 2):
        start, end = frames.index(str(i)), len(frames) - frames[::-1].index(str(i))
        still = [row["picture"] == f"{i}.png" for row in table(out / "droplets.csv")]
        assert figures[start:end] == [row for row, own in zip(figures, still, strict=True) if own]
    _, heard = run(model, [stack, folder], out, recipe, frames="all")
    assert heard.names == ["stack.tif.frame-00000"]
    labels = out / "pictures" / "stack.tif.frame-00002" / "labels.tif"
    assert not convert(out, ["labels"], lambda _: None)
    assert np.array_equal(tifffile.imread(labels) > 0, tifffile.imread(out / "pictures/2.png/labels.tif") > 0)
    assert read_options_file(out / "run.json").frames == "all"


def test_names_of_files_are_no_formulas_in_a_spreadsheet(model, folder, tmp_path):
    (folder / "0.png").rename(folder / "=1+1,.png")
    run(model, [folder], tmp_path / "out")
    assert table(tmp_path / "out" / "pictures.csv")[-1]["picture"] == "'=1+1,.png"
    assert table(tmp_path / "out" / "droplets.csv")[-1]["picture"] == "'=1+1,.png"


def test_the_exports_of_a_picture_are_those_that_were_chosen(model, folder, tmp_path):
    run(model, [folder / "0.png"], tmp_path / "out", make_recipe({}, ("overlay", "labels")))
    files = {path.name for path in (tmp_path / "out" / "pictures" / "0.png").iterdir()}
    assert files == {"picture.json", "droplets.csv", EXPORTS["overlay"][0], EXPORTS["labels"][0]}
    with PillowImage.open(tmp_path / "out" / "pictures" / "0.png" / "overlay.png") as overlay:
        assert overlay.size == (160, 120)


def test_run_json_gives_the_same_run_again(model, folder, tmp_path):
    recipe = make_recipe({"options": {"quality": "fast"}, "filters": {"diameter_min": 5}}, ("coco",))
    run(model, [folder], tmp_path / "out", recipe)
    _, again, written = read_run(tmp_path / "out")
    assert again == recipe
    run(model, written.inputs, tmp_path / "again", again)
    for name in ("droplets.csv", "errors.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_the_summary_needs_nothing_beside_it_and_can_be_written_again(model, folder, tmp_path):
    (folder / "<b>.png").write_bytes(b"no picture")
    run(model, [folder], tmp_path / "out", make_recipe({"options": {"pixel_size_um": 2}}, ()))
    text = (tmp_path / "out" / "summary.html").read_text(encoding="utf-8")
    assert "http" not in text
    assert 'src="data:image/png;base64,' in text
    assert "&lt;b&gt;.png" in text
    assert "<b>" not in text
    assert html.escape('"pixel_size_um": 2') in text
    assert "MobileSAM" in text
    assert str(tmp_path) not in text
    assert "Positives" not in text
    (tmp_path / "out" / "summary.html").unlink()
    report(tmp_path / "out")
    assert (tmp_path / "out" / "summary.html").read_text(encoding="utf-8") == text


def test_a_folder_that_holds_no_run_has_no_report(tmp_path):
    with pytest.raises(BadRequest, match=r"no run\.json"):
        report(tmp_path)


def test_two_runs_do_not_write_to_one_folder(model, folder, tmp_path):
    def again(_):
        with pytest.raises(BadRequest, match="Another run"):
            run(model, [folder], tmp_path / "out")

    asked = Asked((str(folder / "0.png"),), tmp_path / "out", Recipe())
    segment(asked, lambda: model, 1, begin=again, tell=lambda _: None)


def test_the_parquet_table_is_the_csv_table(model, folder, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    run(model, [folder], tmp_path / "out")
    rows = parquet.read_table(tmp_path / "out" / "droplets.parquet").to_pylist()
    for row, other in zip(rows, table(tmp_path / "out" / "droplets.csv"), strict=True):
        assert (row["picture"], row["id"], row["kind"]) == (other["picture"], int(other["id"]), other["kind"])
        assert row["area_um2"] is None
        assert row["equivalent_diameter_px"] == float(other["equivalent_diameter_px"])


def test_a_stop_finishes_what_is_in_hand_and_writes_the_tables(model, folder, tmp_path):
    def stop(_):
        raise KeyboardInterrupt

    asked = Asked((str(folder),), tmp_path / "out", Recipe())
    with pytest.raises(KeyboardInterrupt):
        segment(asked, lambda: model, 1, begin=lambda _: None, tell=stop)
    done = [row["picture"] for row in table(tmp_path / "out" / "pictures.csv")]
    assert 0 < len(done) < 3
    _, heard = run(model, [folder], tmp_path / "out")
    assert sorted([*done, *heard.names]) == ["0.png", "1.png", "2.png"]


def test_a_run_that_is_killed_three_times_goes_on_and_comes_to_the_same_rows(model, folder, tmp_path):
    for seed in range(3, 10):
        pixels = cv2.imread(str(folder / "0.png"), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(folder / f"{seed}.png"), np.roll(pixels, seed))
    run(model, [folder], tmp_path / "whole", make_recipe({}, ("coco",)))
    out = tmp_path / "out"
    command = [sys.executable, "-W", "ignore", "-m", "cli", "segment", str(folder), "--out", str(out)]
    command += ["--export", "coco", "--json"]
    kept: dict[str, int] = {}
    for _ in range(3):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            told = [json.loads(process.stdout.readline())["event"] for _ in range(3)]
            process.kill()
        assert told == ["begin", "picture", "picture"]
        found = {path.parent.name: path.stat().st_mtime_ns for path in out.glob("pictures/*/picture.json")}
        assert kept.items() <= found.items()
        assert len(kept) + 2 <= len(found) < 10
        kept = found
    _, heard = run(model, [folder], out, make_recipe({}, ("coco",)))
    assert sorted([*kept, *heard.names]) == [f"{seed}.png" for seed in range(10)]
    assert all((out / "pictures" / n / "picture.json").stat().st_mtime_ns == t for n, t in kept.items())
    assert (out / "droplets.csv").read_bytes() == (tmp_path / "whole" / "droplets.csv").read_bytes()
    assert without_seconds(out / "pictures.csv") == without_seconds(tmp_path / "whole" / "pictures.csv")
    assert not list(out.glob(".partial/*"))


def test_many_that_are_done_are_found_so_in_no_time(model, folder, tmp_path):
    """1,000 pictures; 5,000 are measured by benchmarks.batch."""
    out = tmp_path / "out"
    run(model, [folder / "0.png"], out)
    (out / "pictures" / "0.png" / "droplets.csv").read_bytes()
    record = json.loads((out / "pictures" / "0.png" / "picture.json").read_text())
    for i in range(1000):
        shutil.copy(folder / "0.png", folder / f"{i:04d}.png")
    for file in find_files([str(folder)], out):
        own = out / "pictures" / file.name
        own.mkdir(exist_ok=True)
        shutil.copy(
            out / "pictures" / "0.png" / "droplets.csv", own / "droplets.csv"
        ) if file.name != "0.png" else None
        stamp = {"size": file.size, "modified": file.modified, "sha256": sha256(file.read()).hexdigest()}
        told = {**record, "row": {**record["row"], "picture": file.name}, "stamps": [stamp]}
        (own / "picture.json").write_text(json.dumps(told))
    asked = Asked((str(folder),), out, Recipe())
    segment(asked, no_model, 1, begin=lambda _: None, tell=lambda _: None)
    started = time.perf_counter()
    segment(asked, no_model, 1, begin=lambda _: None, tell=lambda _: None)
    assert time.perf_counter() - started < 5
