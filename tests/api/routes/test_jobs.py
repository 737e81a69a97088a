"""The contract of /jobs as far as no worker is needed."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest

from api.plumbing.services import services
from batch.plate import Plate
from jobs.folder import JobFolder
from jobs.work import asked
from tests.conftest import KEY, SMALL_KEY, png

PICTURE = png(np.zeros((8, 8), np.uint8))
WAIT = {"start": False}


def post(client, *files, key=KEY, headers=None, run=None, **groups):
    form = {name: json.dumps(value) for name, value in {"run": run, **groups}.items() if value is not None}
    sent = [(io.BytesIO(content), name) for name, content in files]
    return client.post("/jobs", data={"file": sent, **form}, headers={"X-API-Key": key, **(headers or {})})


def put(client, job, name, content, content_range=None, key=KEY):
    headers = {"X-API-Key": key, **({"Content-Range": content_range} if content_range else {})}
    return client.put(f"/jobs/{job}/files/{name}", data=content, headers=headers)


def get(client, path, key=KEY):
    return client.get(path, headers={"X-API-Key": key})


def archive(*members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members:
            zipped.writestr(name, content)
    return made.getvalue()


def test_pictures_and_zip_files_count_when_the_job_starts_and_requests_do_not(client):
    zipped = archive(("b.png", PICTURE), ("sub/c.png", PICTURE), ("../out.png", PICTURE), ("notes.txt", b"x"))
    answer = post(client, ("a/1.png", PICTURE), ("day.zip", zipped))
    assert answer.status_code == 202
    assert answer.json["state"] == "waiting"
    assert answer.json["pictures"] == 3
    for _ in range(3):
        told = get(client, f"/jobs/{answer.json['id']}")
    assert told.headers["X-RateLimit-Remaining"] == "997"
    assert [job["id"] for job in get(client, "/jobs").json["jobs"]] == [answer.json["id"]]
    assert get(client, f"/jobs/{answer.json['id']}/result").status_code == 409


def test_a_job_is_its_keys_alone_and_goes_with_all_that_it_has(app, client):
    job = post(client, ("a.png", PICTURE)).json["id"]
    for method, path in [
        ("get", ""), ("get", "/events"), ("get", "/cost"), ("get", "/result"), ("post", "/start"),
        ("delete", ""), ("put", "/files/b.png"),
    ]:  # fmt: skip
        headers = {"X-API-Key": SMALL_KEY}
        assert getattr(client, method)(f"/jobs/{job}{path}", headers=headers, data=b"").status_code in (
            400,
            404,
        )
        assert getattr(client, method)(f"/jobs/{job}{path}").status_code == 401
    assert get(client, "/jobs", SMALL_KEY).json["jobs"] == []
    assert client.delete(f"/jobs/{job}", headers={"X-API-Key": KEY}).json["state"] == "waiting"
    assert get(client, f"/jobs/{job}").status_code == 404
    assert not [path for path in services(app).settings.job_folder.rglob("*") if path.is_file()]


def test_what_does_not_fit_into_the_limit_is_told_before_and_then_refused_as_a_whole(client):
    waiting = post(client, *((f"{i}.png", PICTURE) for i in range(4)), key=SMALL_KEY, run=WAIT).json
    assert waiting["state"] == "receiving"
    assert waiting["pictures"] is None
    cost = get(client, f"/jobs/{waiting['id']}/cost", SMALL_KEY).json
    assert (cost["pictures"], cost["left"], cost["fits"]) == (4, 3, False)
    refused = client.post(f"/jobs/{waiting['id']}/start", headers={"X-API-Key": SMALL_KEY})
    assert refused.status_code == 429
    assert "split the job" in refused.json["message"]
    refused = post(client, *((f"{i}.png", PICTURE) for i in range(4)), key=SMALL_KEY)
    assert refused.status_code == 429
    assert len(get(client, "/jobs", SMALL_KEY).json["jobs"]) == 1
    fits = post(client, *((f"{i}.png", PICTURE) for i in range(3)), key=SMALL_KEY)
    assert (fits.status_code, fits.headers["X-RateLimit-Remaining"]) == (202, "0")
    again = client.post(f"/jobs/{fits.json['id']}/start", headers={"X-API-Key": SMALL_KEY})
    assert again.status_code == 202  # it is started once, however often it is asked
    assert get(client, "/jobs", SMALL_KEY).status_code == 200


def test_the_same_idempotency_key_makes_one_job_and_counts_once(client):
    first = post(client, ("a.png", PICTURE), headers={"Idempotency-Key": "monday"})
    second = post(client, ("a.png", PICTURE), headers={"Idempotency-Key": "monday"})
    other = post(client, ("a.png", PICTURE), headers={"Idempotency-Key": "monday"}, key=SMALL_KEY)
    assert first.json["id"] == second.json["id"]
    assert second.headers["X-RateLimit-Remaining"] == "999"
    assert other.status_code == 202
    assert len(get(client, "/jobs").json["jobs"]) == 1


def test_a_file_comes_in_parts_in_their_order_and_each_part_any_number_of_times(app, client):
    content = png(np.random.default_rng(1).integers(0, 255, (64, 64), dtype=np.uint8))
    job, total = post(client, run=WAIT).json["id"], len(content)
    assert put(client, job, "a/b.png", content[2000:], f"bytes 2000-{total - 1}/{total}").status_code == 409
    assert put(client, job, "a/b.png", content[:2000], f"bytes 0-1999/{total}").json["received"] == 2000
    assert get(client, f"/jobs/{job}/cost").status_code == 400  # not all of it is here
    assert put(client, job, "a/b.png", content[:2000], f"bytes 0-1999/{total}").json["received"] == 2000
    assert put(client, job, "a/b.png", b"", f"bytes */{total}").json["received"] == 2000
    last = put(client, job, "a/b.png", content[1000:], f"bytes 1000-{total - 1}/{total}")
    assert last.json == {**last.json, "name": "a/b.png", "received": total, "total": total}
    assert put(client, job, "c.png", PICTURE).json["received"] == len(PICTURE)
    (stored,) = services(app).settings.job_folder.rglob("b.png")
    assert hashlib.sha256(stored.read_bytes()).digest() == hashlib.sha256(content).digest()
    assert client.post(f"/jobs/{job}/start", headers={"X-API-Key": KEY}).json["pictures"] == 2
    assert put(client, job, "d.png", PICTURE).status_code == 409


@pytest.mark.parametrize(
    ("files", "more", "status", "says"),
    [
        ([], {}, 400, "file"),
        ([("a.txt", PICTURE)], {}, 400, "ends in"),
        ([("../a.png", PICTURE)], {}, 400, "relative name"),
        ([("/etc/a.png", PICTURE)], {}, 400, "relative name"),
        ([(".hidden/a.png", PICTURE)], {}, 400, "relative name"),
        ([("a.png", b"<html></html>" * 9)], {}, 415, "content"),
        ([("a.zip", b"PK and then nothing of a ZIP file")], {}, 400, "no ZIP file"),
        ([("a.zip", archive(("a.txt", b"x")))], {}, 400, "no picture"),
        ([("a.png", PICTURE)], {"options": {"colour": 1}}, 400, "options.colour"),
        ([("a.png", PICTURE)], {"run": {"export": ["pdf"]}}, 400, "export pdf"),
        ([("a.png", PICTURE)], {"run": {"pair": "{}.png"}}, 400, "pair"),
        ([("a.png", PICTURE)], {"run": {"frames": "some"}}, 400, "frames"),
        ([("a.png", PICTURE)], {"run": {"plate": {"merge_by": "field"}}}, 400, "run.plate.merge_by"),
        ([("a.png", PICTURE)], {"other": {}}, 400, "other is not known"),
        ([("a.png", PICTURE)], {"each": {"b.png": {}}}, 400, "each names b.png"),
        ([("a.png", PICTURE)], {"headers": {"Idempotency-Key": "x" * 256}}, 400, "Idempotency-Key"),
        ([(f"{i}.png", PICTURE) for i in range(4)], {}, 413, "3 pictures"),
        ([("a.zip", archive(*((f"{i}.png", PICTURE) for i in range(4))))], {}, 413, "3 pictures"),
        ([("a.png", PICTURE + bytes(250_000))], {}, 413, "0.2 MB"),
        ([("a.zip", archive(("a.png", PICTURE + bytes(250_000))))], {}, 413, "0.2 MB"),
        ([(f"{i}.png", PICTURE + bytes(130_000)) for i in range(3)], {}, 413, "0.3 MB"),
        (
            [("a.zip", archive(*((f"{i}.png", PICTURE + bytes(130_000)) for i in range(3))))],
            {},
            413,
            "0.3 MB",
        ),
    ],
)
def test_what_cannot_be_a_job_leaves_nothing_behind(make_app, files, more, status, says):
    app = make_app(max_job_files=3, max_job_size_mb=0.3, max_job_file_size_mb=0.2)
    answer = post(app.test_client(), *files, **more)
    assert answer.status_code == status, answer.text
    assert says in answer.json["message"]
    assert str(services(app).settings.data_dir) not in answer.text
    assert not [path for path in services(app).settings.job_folder.rglob("*") if path.is_file()]


def test_a_key_has_so_many_jobs_at_once_that_are_not_done(make_app):
    client = make_app(max_jobs=2).test_client()
    jobs = [post(client, ("a.png", PICTURE)).json["id"] for _ in range(2)]
    assert post(client, ("a.png", PICTURE)).status_code == 409
    assert post(client, ("a.png", PICTURE), key=SMALL_KEY).status_code == 202
    client.delete(f"/jobs/{jobs[0]}", headers={"X-API-Key": KEY})
    assert post(client, ("a.png", PICTURE)).status_code == 202


def test_frames_count_one_each(client, tmp_path):
    video = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(5):
        video.write(np.zeros((48, 64, 3), np.uint8))
    video.release()
    movie = ("a.avi", (tmp_path / "a.avi").read_bytes())
    assert post(client, movie, run={"frames": "all"}).json["pictures"] == 5
    assert post(client, movie).json["pictures"] == 1


def test_a_job_keeps_what_its_wells_are_and_its_run_hears_of_it(app, client):
    plate = {"merge_by": "{}_field*", "blanks": "NTC*", "dilution": 10}
    sent = post(client, ("a.png", PICTURE), run={"plate": plate}).json["id"]
    (path,) = services(app).settings.job_folder.rglob(f"{sent}/job.json")
    folder = JobFolder(path.parent)
    assert asked(folder, folder.job(), 10**6).plate == Plate.parse(plate, "plate")


def test_where_jobs_are_off_there_are_no_routes(make_app):
    assert get(make_app(jobs="off").test_client(), "/jobs").status_code == 404


def test_events_end_with_the_job_and_few_follow_at_a_time(app, client):
    job = post(client, ("a.png", PICTURE)).json["id"]
    (folder,) = services(app).desk.folders.of("Ada")
    stream = client.get(f"/jobs/{job}/events", headers={"X-API-Key": KEY}, buffered=False).response
    assert json.loads(next(stream).removeprefix(b"data: "))["state"] == "waiting"
    folder.write(replace(folder.state(), stage="failed", message="So it was.", finished=1.0))
    assert json.loads(next(stream).removeprefix(b"data: "))["message"] == "So it was."
    assert not list(stream)
    assert get(client, f"/jobs/{job}/result").json["message"] == "The job has failed: So it was."
    while services(app).following.acquire(blocking=False):
        pass
    busy = get(client, f"/jobs/{job}/events")
    assert busy.status_code == 503
    assert busy.headers["Retry-After"]
