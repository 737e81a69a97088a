"""The service as `sam-droplet serve` starts it, by Gunicorn and by Waitress."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest
import requests

from tests.conftest import KEY, ROOT
from tests.test_server import Server, answers, environment, wait_until
from tests.test_server_jobs import worker

pytestmark = [pytest.mark.model, pytest.mark.server]


@pytest.mark.parametrize("server", ["gunicorn", "waitress"])
def test_it_answers_and_ends_on_ctrl_c(tmp_path, server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        metrics = free.getsockname()[1]
    log = tmp_path / "server.log"
    settings = environment(tmp_path, FLASK_PORT=str(port), METRICS_PORT=str(metrics), JOBS="beside")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "cli", "serve", "--server", server],
            cwd=tmp_path,  # away from any .env and from gunicorn.conf.py
            env=settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        wait_until(lambda: answers(running), 180)
        answer = running.segment((ROOT / "examples" / "small.jpg").read_bytes())
        assert answer.json()["summary_statistics"]["count"]["droplet"] == 4
        assert running.get("/admin/stats", KEY).status_code in {401, 403}
        figures = requests.get(f"http://127.0.0.1:{metrics}/metrics", timeout=30)
        assert "sam_inference_seconds_count" in figures.text
        assert running.get("/metrics").status_code == 404
        wait_until(lambda: worker(running), 30)
        beside = worker(running)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()
        process.wait(10)
    assert not beside.is_running()
    assert "Traceback" not in log.read_text()


def test_settings_that_are_wrong_are_said_in_a_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "cli", "serve"],
        cwd=tmp_path,
        env=environment(tmp_path, API_KEYS="wrong"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("configuration: API_KEYS")
