"""The command as it is typed: flags, what it prints, exit codes."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli.main import app
from config import VERSION
from tests.conftest import ROOT

SMALL = ROOT / "examples" / "small.jpg"


def called(*arguments: object, **others):
    return CliRunner().invoke(app, [str(one) for one in arguments], **others)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder of results of the small example."""
    out = tmp_path_factory.mktemp("results") / "out"
    done = called("segment", SMALL, "--out", out, "--pixel-size-um", 2, "--quality", "fast")
    assert done.exit_code == 0, done.output
    return out, done.stdout


@pytest.mark.model
def test_segment_says_what_it_has_come_to_and_writes_all_files(results):
    out, said = results
    assert said == f"4 droplets in 1 pictures: {out}\n"
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    tables = {"droplets.csv", "pictures.csv", "errors.csv"}
    assert names - {"droplets.parquet"} == {*tables, "summary.html", "run.json", "pictures"}
    files = {path.name for path in (out / "pictures" / "small.jpg").iterdir()}
    assert files == {"picture.json", "droplets.csv", "overlay.png", "masks_coco.json"}


@pytest.mark.model
def test_the_command_line_goes_over_the_file_of_options(results, tmp_path):
    out, _ = results
    options = tmp_path / "options.json"
    options.write_text('{"options": {"pixel_size_um": 3, "automatic_filters": {"debris": false}}}')
    again = tmp_path / "again"
    done = called(
        *("segment", SMALL, "--out", again, "--options", options, "--pixel-size-um", 2),
        *("--no-edge-filter", "--export", "none", "--channel", "0", "--plane", "0", "--frame", "0"),
    )
    assert done.exit_code == 0, done.output
    written = json.loads((again / "run.json").read_text())
    assert written["options"] == {
        "automatic_filters": {"debris": False, "edge": False},
        "channel": 0,
        "plane": 0,
        "pixel_size_um": 2.0,
    }
    with (again / "pictures.csv").open() as file:
        (row,) = csv.DictReader(file)
    with (out / "pictures.csv").open() as file:
        (first,) = csv.DictReader(file)
    assert int(row["droplets"]) > int(first["droplets"])


@pytest.mark.model
def test_the_edge_filter_alone_can_be_on(tmp_path):
    (tmp_path / "options.json").write_text('{"automatic_filters": false}')
    options = ("--options", tmp_path / "options.json", "--edge-filter", "--export", "none")
    assert called("segment", SMALL, "--out", tmp_path / "out", *options).exit_code == 0
    filters = json.loads((tmp_path / "out" / "run.json").read_text())["options"]["automatic_filters"]
    assert filters == dict.fromkeys(("unsure", "area", "circularity", "debris"), False)


@pytest.mark.model
def test_run_json_alone_does_the_same_again(results, tmp_path):
    out, _ = results
    done = called("segment", "--options", out / "run.json", "--out", tmp_path / "again")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "again" / "droplets.csv").read_bytes() == (out / "droplets.csv").read_bytes()


@pytest.mark.model
def test_json_tells_each_picture_and_the_exit_code_that_some_failed(tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    done = called("segment", tmp_path, SMALL, "--out", tmp_path / "out", "--json", "--export", "none")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events][::3] == ["begin", "end"]
    told = {event["event"]: event for event in events}
    assert told["failure"]["error"] == "UnsupportedImage"
    assert (told["picture"]["droplets"], told["end"]["failed"], done.exit_code) == (4, 1, 1)


@pytest.mark.model
def test_report_and_convert_work_on_the_results(results):
    out, _ = results
    (out / "summary.html").unlink()
    assert called("report", out).stdout == f"{out / 'summary.html'}\n"
    assert (out / "summary.html").stat().st_size > 10_000
    assert called("convert", out, "--to", "labels,imagej").stdout == "small.jpg\n"
    assert (out / "pictures" / "small.jpg" / "rois_imagej.zip").is_file()


@pytest.mark.model
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_finishes_what_is_in_hand_and_says_so(tmp_path):
    for i in range(20):
        shutil.copy(SMALL, tmp_path / f"{i}.jpg")
    command = [sys.executable, "-W", "ignore", "-m", "cli", "segment", tmp_path, "--out", tmp_path / "out"]
    with subprocess.Popen(
        [*map(str, command), "--json", "--export", "none"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(3):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (
        130,
        "Stopped. The same command goes on where this one has stopped.\n",
    )
    with (tmp_path / "out" / "pictures.csv").open() as file:
        rows = [row["picture"] for row in csv.DictReader(file)]
    assert 2 <= len(rows) < 20
    assert sorted(rows) == sorted(path.name for path in (tmp_path / "out" / "pictures").iterdir())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["gone.png"], "gone.png is not there."),
        ([], "Say which pictures"),
        ([SMALL, "--export", "xml"], "export xml is not known"),
        ([SMALL, "--pixel-size-um", "-1"], "options.pixel_size_um"),
        ([SMALL, "--pair", "a:b"], "--pair must be"),
        ([SMALL, "--frames", "9-1"], "--frames must be"),
        ([SMALL, "--frames", "all", "--frame", "3"], "leave one of them out"),
        ([SMALL, "--frame-interval-s", "0"], "--frame-interval-s must be over zero"),
        ([SMALL, "--plane", "best"], "options.plane"),
        ([SMALL, "--options", "gone.json"], "gone.json cannot be read"),
        ([SMALL, "--model", "gone.pt"], "gone.pt is missing or cannot be read. `sam-droplet fetch-model`"),
        ([SMALL, "--quality", "best"], "Invalid value for '--quality'"),
    ],
)
def test_wrong_usage_is_said_in_a_line_and_is_exit_code_2(tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    done = called("segment", *arguments, "--out", "out", env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert reason in done.stderr
    assert "Traceback" not in done.output


def test_an_out_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    done = called("segment", SMALL, "--out", tmp_path / "file" / "out")
    assert done.exit_code == 2
    assert "file" in done.stderr


def test_version_and_help():
    assert called("version").stdout == f"{VERSION}\n"
    said = called("segment", "--help", env={"COLUMNS": "120"}).stdout
    assert "--pixel-size-um" in said
    assert 'sam-droplet segment pictures --out results --pair "{}_bf.tif:{}_fl.tif"' in said
    commands = called("--help").stdout
    for name in ("segment", "report", "convert", "serve", "bench", "fetch-model", "version"):
        assert name in commands


@pytest.mark.model
def test_fetch_model_copies_and_checks(tmp_path):
    done = called("fetch-model", "--to", tmp_path / "own.pt", "--from", ROOT / "model" / "mobile_sam.pt")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "own.pt").stat().st_size == (ROOT / "model" / "mobile_sam.pt").stat().st_size


@pytest.mark.model
def test_bench_times_the_stages_of_the_sample():
    told = json.loads(called("bench", "--rounds", 1, "--threads", 1, "--json").stdout)
    stages = told["stages"]
    assert stages["total_s"] == pytest.approx(sum(stages.values()) - stages["total_s"])
    assert min(stages.values()) > 0
    assert (told["picture"], told["threads"], told["device"]) == ("droplets.png", 1, "cpu")
    assert told["droplets"] > 80
    assert "sam-droplet fetch-model" in called("bench", "--model", "gone.pt").stderr


def test_the_shell_completes_commands_and_flags():
    asked = {
        "_SAM_DROPLET_COMPLETE": "complete_bash",
        "COMP_WORDS": "sam-droplet segment --fra",
        "COMP_CWORD": "2",
    }
    code = "from cli.main import app; app(prog_name='sam-droplet')"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"--frame", "--frames"} <= set(done.stdout.split())


def test_help_does_not_load_torch():
    code = "import sys, cli.main; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=True)
