"""The service as it is run: real Gunicorn, real model, real signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests

from store.database import Database
from store.sqlite import SQLiteUsage
from tests.conftest import HEALTH_KEY, KEY, ROOT, SMALL_KEY
from tests.store.backends import written

pytestmark = pytest.mark.server

COMMAND = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "gunicorn.conf.py"), "app:create_app()"]


@dataclass
class Server:
    process: subprocess.Popen
    address: str
    log: Path

    def get(self, path: str, key: str | None = None) -> requests.Response:
        return requests.get(self.address + path, headers={"X-API-Key": key} if key else {}, timeout=30)

    def segment(self, picture: bytes, quality: str = "fast") -> requests.Response:
        return requests.post(
            self.address + "/segment_file",
            files={"file": picture},
            data={"options": f'{{"quality": "{quality}"}}'},
            headers={"X-API-Key": KEY},
            timeout=300,
        )


def environment(folder: Path, **changes: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT),
        "API_KEYS": f"{KEY}:Ada:1000,{SMALL_KEY}:Bob:3",
        "DATA_DIR": str(folder / "data"),
        "SAM_MODEL_PATH": str(ROOT / "model" / "mobile_sam.pt"),
        "HEAD_MODEL_PATH": str(ROOT / "model" / "droplet_head.safetensors"),
        "JOBS": "off",  # what it starts has a test of its own
        **changes,
    }


@contextmanager
def serving(folder: Path, **changes: str) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(changes.pop("FLASK_PORT", free.getsockname()[1]))
    log = folder / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            COMMAND,
            cwd=folder,  # away from any .env
            env=environment(folder, FLASK_PORT=str(port), **changes),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        wait_until(lambda: answers(server), 180)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def start(folder: Path, **changes: str) -> subprocess.CompletedProcess:
    """A start that is expected to fail."""
    return subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(folder, **changes),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def answers(server: Server) -> bool:
    assert server.process.poll() is None, server.log.read_text()
    try:
        return server.get("/health/live").status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False


def connected(server: Server) -> socket.socket:
    port = int(server.address.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def wait_until(condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    room = {"QUEUE_SIZE": "16", "THREADS": "20"}  # of which a key has half
    with serving(tmp_path_factory.mktemp("server"), HEALTH_CHECK_KEY=HEALTH_KEY, **room) as server:
        yield server


def model_status(server: Server) -> dict:
    answer = requests.get(server.address + "/health", headers={"X-Health-Key": HEALTH_KEY}, timeout=30)
    return answer.json()["levels"]["model"]


@pytest.mark.model
def test_first_requests_load_one_model_and_health_answers_meanwhile(server, discs):
    assert server.get("/health").json() == {"status": "healthy", "model_loaded": False}
    with ThreadPoolExecutor(10) as pool:
        first = [pool.submit(server.segment, discs) for _ in range(8)]
        wait_until(lambda: server.get("/health").json()["model_loaded"], 60)
        seconds = []
        while not first[0].done() or len(seconds) < 5:
            started = time.perf_counter()
            assert server.get("/health").status_code == 200
            seconds.append(time.perf_counter() - started)
            time.sleep(0.02)
        answers = [future.result() for future in first]
    assert statistics.median(seconds) < 0.1
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({str(answer.json()["masks"]) for answer in answers}) == 1
    assert server.log.read_text().count('"model loaded"') == 1
    assert model_status(server)["load_seconds"] > 0


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (f"GET / HTTP/1.1\r\nX-API-Key {KEY}\r\n\r\n", 400),
        (f"{KEY}\r\n\r\n", 400),
        (f"GET / HTTP/1.1\r\nX-API-Key: {KEY}{'x' * 9000}\r\n\r\n", 431),
        (f"GET /{'x' * 9000} HTTP/1.1\r\n\r\n", 414),
        (f"POST /segment HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n"
         "Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n", 400),
    ],
    ids=["no colon", "no request", "long header", "long line", "bad chunk"],
)  # fmt: skip
def test_what_is_no_http_gets_json_and_leaves_no_key_in_the_log(server, text, status):
    with socket.create_connection(
        ("127.0.0.1", int(server.address.rpartition(":")[2])), timeout=10
    ) as client:
        client.sendall(text.encode())
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while part := client.recv(65_536):
            answer += part
    head, _, body = answer.decode().partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert json.loads(body)["success"] is False
    assert json.loads(body)["request_id"] in head
    assert KEY not in answer.decode()
    assert KEY not in server.log.read_text()


def test_silent_clients_do_not_take_the_service_down(tmp_path):
    """More of them than there are threads: each is let go after a while."""
    with serving(tmp_path, THREADS="6", QUEUE_SIZE="2") as server:
        silent = [connected(server) for _ in range(6)]
        try:
            for client in silent:
                client.sendall(b"G")
            assert requests.get(server.address + "/health/live", timeout=60).status_code == 200
        finally:
            for client in silent:
                client.close()


@pytest.mark.model
def test_the_demo_counts_the_sample(server, tmp_path):
    port = server.address.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "scripts.demo"],
        cwd=tmp_path,
        env=environment(tmp_path, FLASK_PORT=port),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    printed = dict(
        line.split(maxsplit=1) for line in done.stdout.replace("mean diameter", "diameter").splitlines()
    )
    assert int(printed["droplets"]) == pytest.approx(104, abs=3)
    assert 30 < float(printed["diameter"].split()[0]) < 42
    assert (tmp_path / printed["overlay"]).read_bytes().startswith(b"\x89PNG")


def test_exact_limit_over_workers_and_after_a_restart(tmp_path):
    keys = {"API_KEYS": f"{SMALL_KEY}:Bob:37", "WORKERS": "2"}
    with serving(tmp_path, **keys) as server, ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: server.get("/defaults", SMALL_KEY).status_code, range(200)))
    assert (statuses.count(200), statuses.count(429)) == (37, 163)
    with serving(tmp_path, **keys) as server:
        assert server.get("/defaults", SMALL_KEY).status_code == 429


@pytest.mark.model
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_request_finish(tmp_path, discs, number):
    with serving(tmp_path, HEALTH_CHECK_KEY=HEALTH_KEY) as server, ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.segment, discs)
        wait_until(lambda: model_status(server)["running"], 60)
        server.process.send_signal(number)
        assert running.result().status_code == 200
        assert server.process.wait(60) == 0
    with pytest.raises(requests.ConnectionError):
        server.get("/health")


def test_usage_is_on_disk_after_the_stop(tmp_path):
    with serving(tmp_path) as server:
        server.get("/defaults", KEY)
    records = written(SQLiteUsage(Database(tmp_path / "data" / "sam.sqlite3")))
    assert [(record.key_name, record.endpoint) for record in records] == [("Ada", "/defaults")]


def test_a_reload_keeps_nobody_waiting(tmp_path):
    """The old worker goes on until the new one is ready, though the master tells it to go each second."""
    with serving(tmp_path, REQUEST_TIMEOUT_S="2") as server:
        (old,) = psutil.Process(server.process.pid).children()
        server.process.send_signal(signal.SIGHUP)
        seconds = []
        while old.is_running() and old.status() != psutil.STATUS_ZOMBIE:
            started = time.perf_counter()
            assert server.get("/health/live").status_code == 200
            seconds.append(time.perf_counter() - started)
            time.sleep(0.05)
        assert len(seconds) > 10
        assert max(seconds) < 2
        assert server.get("/health/ready").json()["checks"]["queue"]


def test_a_stop_during_a_reload_waits_for_no_new_worker(tmp_path):
    with serving(tmp_path) as server:
        master = psutil.Process(server.process.pid)
        (old,) = master.children()
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(master.children()) == 2, 10)
        (new,) = set(master.children()) - {old}
        new.suspend()  # it will never be ready
        server.process.terminate()
        try:
            wait_until(lambda: not old.is_running(), 60)  # half as long as Gunicorn would wait
        finally:
            new.kill()
        assert server.process.wait(60) == 0


@pytest.mark.parametrize(
    ("name", "value"), [("FLASK_PORT", "http"), ("API_KEYS", "key"), ("FLASK_HOST", "0.0.0.0")]
)
def test_a_bad_variable_stops_the_start_with_one_line(tmp_path, name, value):
    stopped = start(tmp_path, **{"API_KEYS": "sam-demo-key-123:Demo:50", name: value})
    assert stopped.returncode != 0
    assert len(stopped.stderr.strip().splitlines()) == 1
    assert ("API_KEYS" if name == "FLASK_HOST" else name) in stopped.stderr


@pytest.mark.parametrize("damage", ["no database", "a page of it"])
def test_a_damaged_store_stops_the_start_with_one_line(tmp_path, damage):
    file = tmp_path / "data" / "sam.sqlite3"
    database = Database(file)
    database.connection().executemany(
        "INSERT INTO hits VALUES (?, 1, 2)", [(f"key {i}",) for i in range(999)]
    )
    database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    whole = file.read_bytes()
    file.write_bytes(b"these are notes" * 99 if damage == "no database" else whole[:8192] + whole[16384:])
    stopped = start(tmp_path)
    assert stopped.returncode != 0
    (line,) = stopped.stderr.strip().splitlines()
    assert line.startswith("configuration: DATA_DIR: the file sam.sqlite3 is damaged; move it away")
    assert str(tmp_path) not in line
    file.rename(tmp_path / "damaged")
    with serving(tmp_path) as server:
        assert server.get("/defaults", KEY).status_code == 200
