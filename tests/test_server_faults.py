"""What clients see and what is kept when workers are killed or stopped while they work."""

from __future__ import annotations

import signal
from collections import Counter
from contextlib import suppress

import psutil
import pytest
import requests

from store.database import Database
from store.sqlite import SQLiteUsage
from store.usage import LOST
from tests.conftest import ADMIN_KEY, HEALTH_KEY, KEY
from tests.store.backends import written
from tests.test_server import Server, answers, connected, serving, wait_until

pytestmark = pytest.mark.server

POST = b"POST /segment HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"


def workers(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def answering(server: Server) -> set[int]:
    """Process numbers of the workers that answer, of ten new connections."""
    headers = {"X-Health-Key": HEALTH_KEY}
    told = (requests.get(server.address + "/health", headers=headers, timeout=30) for _ in range(10))
    return {answer.json()["levels"]["container"]["pid"] for answer in told}


def recorded(folder) -> Counter[tuple[str, str, int]]:
    """Usage records on the disk, by key, endpoint and status."""
    records = written(SQLiteUsage(Database(folder / "data" / "sam.sqlite3")))
    return Counter((record.key_name, record.endpoint, record.status) for record in records)


def test_a_killed_worker_costs_what_it_had_in_hand_and_nothing_else(tmp_path):
    """Its requests are counted in the limit, and the worker in its place records them."""
    with serving(tmp_path, ADMIN_API_KEY=ADMIN_KEY) as server, connected(server) as client:
        assert server.get("/defaults", KEY).headers["X-RateLimit-Remaining"] == "999"
        wait_until(lambda: recorded(tmp_path).total() == 1, 10)
        client.sendall(POST + b"X-API-Key: " + KEY.encode() + b"\r\n\r\n{")
        (worker,) = workers(server)
        wait_until(lambda: Database(tmp_path / "data" / "sam.sqlite3").connection().execute(
            "SELECT COUNT(*) FROM hits").fetchone() == (2,), 10)  # fmt: skip
        worker.kill()
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
        wait_until(lambda: answers(server), 120)
        assert server.get("/defaults", KEY).headers["X-RateLimit-Remaining"] == "997"
        (other,) = workers(server)
        assert other != worker
        stats = requests.get(server.address + "/admin/stats", headers={"X-Admin-Key": ADMIN_KEY}, timeout=30)
        lost = stats.json()["keys"][0]["endpoints"]["/segment"]
        assert (lost["requests"], lost["errors"]) == (1, 1)
        assert lost["processing_ms"]["p50"] > 0
    assert recorded(tmp_path) == {("Ada", "/defaults", 200): 2, ("Ada", "/segment", LOST): 1}


def test_a_worker_that_stands_still_keeps_nobody_out_and_is_replaced(tmp_path):
    settings = {"WORKERS": "2", "GUNICORN_CMD_ARGS": "--timeout 2", "HEALTH_CHECK_KEY": HEALTH_KEY}
    with serving(tmp_path, **settings) as server:
        # Gunicorn replaces who has once told that it lives, so both must have answered
        wait_until(lambda: answering(server) == {worker.pid for worker in workers(server)}, 30)
        still, _ = workers(server)
        still.send_signal(signal.SIGSTOP)
        for _ in range(20):
            assert requests.get(server.address + "/health/live", timeout=2).status_code == 200
        wait_until(lambda: not still.is_running(), 20)
        wait_until(lambda: len(workers(server)) == 2, 20)
        assert server.get("/defaults", KEY).status_code == 200
