"""A disk, a real one, that is full or may not be written: it is said, and no worker ends."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import KEY, ROOT
from tests.test_server import COMMAND, environment

ROOM = ["unshare", "--map-root-user", "--mount"]
SCRIPT = """
import json, os, sys, tempfile
from pathlib import Path
folder = Path(sys.argv[1])
metrics, uploads = folder / "metrics", folder / "tmp"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
tempfile.tempdir = str(uploads)
from api.plumbing.metrics import reserve
reserve(metrics)
from app import create_app
from config import Settings
app = create_app(Settings(
    _env_file=None, api_keys=sys.argv[2] + ":Ada:100", data_dir=folder / "data", metrics_port=9,
    prometheus_multiproc_dir=metrics,
))
for full in (metrics, uploads):
    with (full / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
head = b'--x\\r\\nContent-Disposition: form-data; name="file"; filename="a.png"\\r\\n\\r\\n'
answer = app.test_client().post(
    "/segment_file", headers={"X-API-Key": sys.argv[2]}, data=head + bytes(900_000) + b"\\r\\n--x--\\r\\n",
    content_type="multipart/form-data; boundary=x",
)
print(json.dumps([answer.status_code, answer.json, dict(answer.headers)]))
after = app.test_client().get("/defaults", headers={"X-API-Key": sys.argv[2]})
print(after.headers["X-RateLimit-Remaining"])
"""


pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        subprocess.run([*ROOM, "true"], check=False, capture_output=True).returncode != 0,
        reason="this machine lets nobody mount",
    ),
]


def test_a_full_disk_is_a_503_that_says_so_and_costs_no_worker(tmp_path):
    mounts = " && ".join(
        f"mkdir -p {tmp_path}/{name} && mount -t tmpfs -o size={size} none {tmp_path}/{name}"
        for name, size in (("metrics", "2m"), ("tmp", "64k"))
    )
    done = subprocess.run(
        [*ROOM, "sh", "-c", f'{mounts} && exec {sys.executable} -W ignore -c "$0" $@', SCRIPT, tmp_path, KEY],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answered, remaining = done.stdout.splitlines()
    status, body, headers = json.loads(answered)
    assert (status, body["error"]) == (503, "unavailable")
    assert "disk" in body["message"]
    assert headers["Retry-After"]
    assert headers["X-RateLimit-Remaining"] == "100"  # what was not served is not charged
    assert remaining == "99"


def test_data_that_may_not_be_written_stop_the_start_with_one_line(tmp_path):
    (tmp_path / "data").mkdir()
    mounted = f"mount -t tmpfs -o ro none {tmp_path}/data && exec $0 $@"
    stopped = subprocess.run(
        [*ROOM, "sh", "-c", mounted, *COMMAND],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert stopped.returncode != 0
    (line,) = stopped.stderr.strip().splitlines()
    assert line.startswith("configuration: DATA_DIR: ")
    assert str(tmp_path) not in line
