"""Jobs as they run: Gunicorn with its keeper and worker, the real model, and workers that are killed."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import zipfile
from contextlib import suppress

import cv2
import psutil
import pytest
import requests

from tests.conftest import KEY
from tests.test_server import serving, wait_until
from training.rendering.plain import render_brightfield

pytestmark = [pytest.mark.server, pytest.mark.model]

HEADERS = {"X-API-Key": KEY}
PICTURES = 6
KILLS = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("jobs"), JOBS="beside", OMP_NUM_THREADS="1") as server:
        yield server


def pictures():
    for seed in range(PICTURES):
        drawn = render_brightfield(160, 120, count=7, diameter=30, beads_per_droplet=0.5, seed=seed)
        yield f"{seed}.png", cv2.imencode(".png", drawn.pixels)[1].tobytes()


def worker(server):
    """The process that works on jobs, if it runs."""
    for process in psutil.Process(server.process.pid).children(recursive=True):
        with suppress(psutil.Error):  # it may end meanwhile
            if process.cmdline()[-2:] == ["-m", "jobs"]:
                return process
    return None


def test_a_job_whose_worker_is_killed_again_and_again_is_done_once(server):
    files = [("file", (name, content)) for name, content in pictures()]
    files.append(("file", ("damaged.png", b"\x89PNG\r\n\x1a\n" + bytes(50))))
    form = {"options": json.dumps({"quality": "fast"}), "run": json.dumps({"export": []})}
    address = f"{server.address}/jobs"
    job = requests.post(address, files=files, data=form, headers=HEADERS, timeout=30).json()["id"]
    made: dict[str, int] = {}  # when each picture's record was written
    folder = next((server.log.parent / "data" / "jobs").glob(f"*/{job}"))

    def records():
        return {path.parent.name: path.stat().st_mtime_ns for path in folder.rglob("picture.json")}

    for kills in range(KILLS):
        wait_until(lambda kills=kills: len(records()) > kills and worker(server), 120)
        os.kill(worker(server).pid, signal.SIGKILL)
        made |= records()
    with requests.get(f"{address}/{job}/events", headers=HEADERS, stream=True, timeout=90) as stream:
        events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith(b"data: ")]
    last = events[-1]
    assert (last["state"], last["pictures"], last["done"], last["failed"]) == (
        "done",
        PICTURES + 1,
        PICTURES,
        1,
    )
    assert [error["picture"] for error in last["errors"]] == ["damaged.png"]
    assert records().items() >= made.items()  # nothing was done twice
    archive = zipfile.ZipFile(
        io.BytesIO(requests.get(f"{address}/{job}/result", headers=HEADERS, timeout=30).content)
    )
    rows = list(csv.DictReader(io.TextIOWrapper(archive.open("pictures.csv"))))
    assert [row["picture"] for row in rows] == [name for name, _ in pictures()]
    assert str(folder.parent.parent) not in archive.read("run.json").decode()
    table = requests.get(f"{address}/{job}/result?table=droplets.csv", headers=HEADERS, timeout=30)
    assert table.content == archive.read("droplets.csv")
    assert not (folder / "pictures").exists()
    assert requests.delete(f"{address}/{job}", headers=HEADERS, timeout=30).ok
    assert not folder.exists()


def test_the_worker_ends_with_the_service_even_if_that_is_killed_and_leaves_its_job_to_the_next(server):
    drawn = list(pictures())
    files = [("file", (f"{i}-{name}", content)) for i in range(8) for name, content in drawn]
    job = requests.post(f"{server.address}/jobs", files=files, headers=HEADERS, timeout=30).json()["id"]
    state = next((server.log.parent / "data" / "jobs").glob(f"*/{job}")) / "state.json"
    wait_until(lambda: json.loads(state.read_bytes())["stage"] == "running", 60)
    process = worker(server)
    server.process.kill()
    wait_until(lambda: not process.is_running(), 60)
    told = json.loads(state.read_bytes())
    assert (told["stage"], told["attempts"]) == ("running", 0)  # it was let finish what it had in hand
