"""Metrics over several workers: real Gunicorn, real sockets."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import KEY, SMALL_KEY
from tests.test_server import COMMAND, Server, serving, wait_until

pytestmark = pytest.mark.server

SCRIPT = [str(Path(sys.executable).parent / "gunicorn"), *COMMAND[3:]]


@contextmanager
def monitored(folder: Path, **changes: str) -> Iterator[tuple[Server, str]]:
    """A service, and the address of its metrics port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving(folder, METRICS_PORT=str(port), **changes) as server:
        yield server, f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[tuple[Server, str]]:
    """Two workers behind a proxy; their folder still holds the figures of a service that was killed."""
    folder = tmp_path_factory.mktemp("monitored")
    shared = folder / "metrics"
    shared.mkdir()
    (shared / "counter_1.db").write_bytes(b"of a service that was killed")
    (shared / "kept.txt").write_text("not a metric")
    settings = {"WORKERS": "2", "TRUSTED_PROXY_HOPS": "1", "PROMETHEUS_MULTIPROC_DIR": str(shared)}
    with monitored(folder, **settings) as both:
        yield both
    assert [file.name for file in shared.iterdir()] == ["kept.txt"]


def scrape(address: str) -> dict[tuple, float]:
    answer = requests.get(address + "/metrics", timeout=30)
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def workers(server: Server) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def ask(server: Server, times: int) -> None:
    """Ask for /defaults, each time on a connection of its own, so that both workers get some."""
    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda _: server.get("/defaults", KEY), range(times)):
            assert answer.status_code == 200


COUNT = ("sam_requests_total", "/defaults", "GET", "200")


def test_counters_start_from_zero_add_up_over_workers_and_outlive_them(service):
    server, address = service
    shared = server.log.parent / "metrics"
    ask(server, 60)
    assert scrape(address)[COUNT] == 60
    # On a busy machine one of the two may have answered them all, and the other has no counters.
    killed = next(worker for worker in workers(server) if (shared / f"counter_{worker.pid}.db").exists())
    killed.kill()
    wait_until(lambda: len(workers(server)) == 2 and killed not in workers(server), 60)
    ask(server, 20)
    values = scrape(address)
    assert values[COUNT] == 80
    assert values["sam_request_seconds_count", "/defaults"] == 80
    assert values["sam_request_seconds_bucket", "/defaults", "+Inf"] == 80
    assert values["sam_request_seconds_sum", "/defaults"] > 0
    assert list(shared.glob(f"counter_{killed.pid}.db"))
    assert not list(shared.glob(f"gauge_*_{killed.pid}.db"))


def test_gauges_are_joined_over_the_workers(service):
    server, address = service

    def total() -> int:
        return sum(worker.memory_info().rss for worker in workers(server))

    wait_until(lambda: scrape(address)["sam_memory_bytes",] > 0.7 * total(), 30)
    assert scrape(address)["sam_store_up",] == 1


@pytest.mark.model
def test_a_segmentation_shows_in_its_histograms(service, discs):
    server, address = service
    before = scrape(address)
    answer = server.segment(discs).json()
    values = scrape(address)
    assert values["sam_inference_seconds_count",] - before["sam_inference_seconds_count",] == 1
    assert values["sam_masks_total",] - before["sam_masks_total",] == answer["num_masks"]
    for stage in ("decode", "encode", "generate", "measure"):
        assert values["sam_stage_seconds_count", stage] == 1
        assert values["sam_stage_seconds_sum", stage] == pytest.approx(
            answer["timing_ms"][stage] / 1000, rel=1e-5
        )
    wait_until(lambda: scrape(address)["sam_model_loaded",] == 1, 30)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "127.0.0.1:{port}"},
        {"X-Forwarded-Host": "127.0.0.1:{port}"},
        {"X-Forwarded-Port": "{port}"},
        {"Forwarded": "host=127.0.0.1:{port};proto=http"},
        {"Server-Port": "{port}"},
        {"SERVER_PORT": "{port}"},
        {"SCRIPT_NAME": "/metrics"},
        {"PATH_INFO": "/metrics"},
    ],
    ids=lambda headers: ", ".join(headers) or "none",
)
def test_the_public_port_has_no_metrics_whatever_the_headers(service, headers):
    server, address = service
    port = address.rpartition(":")[2]
    forged = {name: value.format(port=port) for name, value in headers.items()}
    for path in ("/metrics", f"//127.0.0.1:{port}/metrics"):
        answer = requests.get(server.address + path, headers=forged, timeout=30)
        assert answer.headers["Content-Type"].startswith(("application/json", "text/html"))
        assert "sam_requests_total" not in answer.text


def test_an_absolute_address_in_the_first_line_does_not_open_it(service):
    server, address = service
    public = int(server.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", public), timeout=30) as client:
        client.sendall(
            f"GET {address}/metrics HTTP/1.1\r\nHost: {address[7:]}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")


def test_the_metrics_port_has_nothing_else(service):
    _, address = service
    for path in ("/", "/health", "/health/live", "/defaults"):
        headers = {"X-API-Key": SMALL_KEY, "X-Forwarded-Host": "127.0.0.1:9487", "Host": "127.0.0.1:9487"}
        assert requests.get(address + path, headers=headers, timeout=30).status_code == 404
    assert requests.get(address + "/metrics", headers=headers, timeout=30).status_code == 200


def test_without_a_folder_one_is_made_kept_over_a_reload_and_removed(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with monitored(tmp_path, TMPDIR=str(temporary)) as (server, address):
        ask(server, 4)
        assert list(temporary.glob("sam-metrics-*/counter_*.db"))
        before = set(workers(server))
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(workers(server)) == 1 and not before & set(workers(server)), 60)
        ask(server, 4)
        assert scrape(address)[COUNT] == 8
    assert not list(temporary.glob("sam-metrics-*"))


@pytest.mark.parametrize("given", [False, True], ids=["folder of its own", "folder that is given"])
def test_a_new_master_goes_on_counting(tmp_path, monkeypatch, given):
    """USR2; Python's -m is no way to start what starts itself again."""
    monkeypatch.setattr("tests.test_server.COMMAND", SCRIPT)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    changes = {"PROMETHEUS_MULTIPROC_DIR": str(temporary / "given")} if given else {}
    with monitored(tmp_path, TMPDIR=str(temporary), **changes) as (server, address):
        ask(server, 4)
        old = psutil.Process(server.process.pid)
        before = set(old.children())
        old.send_signal(signal.SIGUSR2)
        wait_until(lambda: [new for new in set(old.children()) - before if new.children()], 60)
        (new,) = set(old.children()) - before
        try:
            old.send_signal(signal.SIGTERM)
            server.process.wait(60)
            ask(server, 4)
            assert scrape(address)[COUNT] == 8
        finally:
            new.terminate()
            new.wait(60)
    assert not list(temporary.glob("**/*.db"))
