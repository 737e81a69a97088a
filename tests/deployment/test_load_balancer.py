"""monitoring/haproxy.cfg in a real HAProxy."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
import requests

from tests.deployment.balancer import CONFIG, HAPROXY, Site, running_site, wait_for
from tests.deployment.tools import compose_config

SMALL, FITTING, LARGE = b"x" * 1000, b"x" * 16_000_000, b"x" * 24_000_000  # 16 MiB are kept

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """Two instances behind the load balancer, to ask only."""
    with running_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def own_site(tmp_path) -> Iterator[Site]:
    """Two instances behind the load balancer, to do with as one likes."""
    with running_site(tmp_path) as site:
        yield site


def post(address: str, path: str = "/segment", body: bytes = SMALL, **headers: str) -> requests.Response:
    return requests.post(f"{address}{path}", body, headers={"X-API-Key": "k", **headers}, timeout=30)


def test_configuration_is_valid_and_raises_no_warning():
    command = [str(HAPROXY), "-c", "-f", str(CONFIG)]
    done = subprocess.run(
        command, env={**os.environ, "MAX_FILE_SIZE_MB": "50"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_metrics_that_dashboard_and_alerts_ask_for_are_there(site):
    asked = "".join(path.read_text() for path in CONFIG.parent.rglob("*") if path.suffix in {".json", ".yml"})
    given = requests.get(f"{site.metrics}/metrics", timeout=5).text
    for name in set(re.findall(r"haproxy_\w+", asked)):
        assert f"# TYPE {name} " in given


def test_instances_are_found_and_new_ones_too(own_site):
    seen = {post(own_site.public).json()["instance"] for _ in range(8)}
    assert seen == {"127.0.9.1", "127.0.9.2"}
    own_site.start(3)
    wait_for(lambda: own_site.up() == 3)
    assert "127.0.9.3" in {post(own_site.public).json()["instance"] for _ in range(12)}


def test_killed_instance_costs_no_failed_request(own_site):
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(post, own_site.public, **{"X-Work": "0.02"}) for _ in range(200)]
        wait_for(lambda: sum(future.done() for future in running) > 40)
        own_site.kill(1)
        statuses = [future.result().status_code for future in running]
    assert statuses == [200] * 200
    wait_for(lambda: own_site.up() == 1)


def test_upload_of_16_mb_survives_the_instance_that_works_on_it(own_site):
    with ThreadPoolExecutor(4) as pool:
        work = {"X-Work": "2"}
        running = [pool.submit(post, own_site.public, "/segment", FITTING, **work) for _ in range(4)]
        wait_for(lambda: own_site.working() == 4)
        own_site.kill(1)
        answers = [future.result() for future in running]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert {answer.json()["instance"] for answer in answers} == {"127.0.9.2"}


def test_slow_sender_keeps_no_instance_busy(site):
    with socket.create_connection(("127.0.0.1", int(site.public.rpartition(":")[2]))) as connection:
        connection.sendall(
            b"POST /segment HTTP/1.0\r\nX-API-Key: k\r\nContent-Length: 1000\r\n\r\n" + bytes(900)
        )
        for _ in range(5):
            assert post(site.public).status_code == 200
        assert site.working() == 0
        connection.sendall(bytes(100))
        assert connection.recv(4096).split()[1] == b"200"


@pytest.mark.parametrize(
    "sent",
    [
        b"G",
        b"POST /segment HTTP/1.1\r\nHost: sam\r\nX-API-Key: k\r\nContent-Length: 1000\r\n\r\nx",
        b"POST /segment HTTP/1.1\r\nHost: sam\r\nContent-Length: 1000\r\n\r\nx",
    ],
    ids=["half a header", "half a body", "half a body without a key"],
)
def test_slow_clients_of_one_address_keep_no_other_out(own_site, sent):
    """As many as there may be connections."""
    port = int(own_site.public.rpartition(":")[2])
    most = int(re.search(r"^ +maxconn (\d+)", CONFIG.read_text(), re.MULTILINE)[1])
    with ExitStack() as stack:
        for _ in range(most + 10):
            with suppress(ConnectionError):  # those that are one too many
                slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
                slow.sendall(sent)
        other = stack.enter_context(
            socket.create_connection(("127.0.0.1", port), 10, source_address=("127.0.0.2", 0))
        )
        started = time.monotonic()
        other.sendall(b"GET / HTTP/1.1\r\nHost: sam\r\n\r\n")
        assert other.recv(4096).startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))
        assert time.monotonic() - started < 2


def test_full_of_uploads_it_stays_within_its_memory(own_site):
    """Each connection has one upload that is worked on, and sends the next already."""
    most = int(re.search(r"^ +maxconn (\d+)", CONFIG.read_text(), re.MULTILINE)[1])
    container = compose_config("docker-compose.yml")["services"]["load-balancer"]
    limit = int(container["deploy"]["resources"]["limits"]["memory"])
    head = b"POST /segment HTTP/1.1\r\nHost: sam\r\nX-API-Key: k\r\nX-Work: 60\r\nContent-Length: %d\r\n\r\n"
    upload = head % len(FITTING) + FITTING
    before = own_site.memory()
    with ExitStack() as stack:
        for _ in range(count := 8):
            address = ("127.0.0.1", int(own_site.public.rpartition(":")[2]))
            connection = stack.enter_context(socket.create_connection(address, timeout=20))
            connection.sendall(upload)
            connection.settimeout(1)
            with suppress(TimeoutError):
                connection.sendall(upload)
        wait_for(lambda: own_site.working() == count)
        grown = own_site.memory() - before
    assert grown > count * len(FITTING)
    assert before + grown / count * most < limit


def test_instances_that_do_not_listen_yet_cost_no_failed_request(own_site):
    own_site.named += ["127.0.9.3", "127.0.9.4", "127.0.9.5"]
    wait_for(lambda: own_site.up() > 2)
    assert {post(own_site.public).status_code for _ in range(50)} == {200}


def test_what_cannot_be_sent_again_gets_a_clear_answer(own_site):
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(post, own_site.public, "/segment", LARGE, **{"X-Work": "2"}) for _ in range(4)]
        time.sleep(1)
        own_site.kill(1)
        statuses = {answer.status_code: answer for answer in (future.result() for future in running)}
    assert set(statuses) == {200, 502}
    assert "send it again" in statuses[502].json()["message"]


@pytest.mark.parametrize("claimed", ["X-Forwarded-For", "X-Forwarded-Host", "CF-Connecting-IP"])
def test_client_cannot_claim_to_be_another(site, claimed):
    headers = post(site.public, **{claimed: "203.0.113.7"}).json()["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == site.public.removeprefix("http://")


def test_tunnel_passes_the_client_on_that_cloudflare_names(site):
    sent = {"CF-Connecting-IP": "203.0.113.7", "X-Forwarded-For": "198.51.100.1"}
    headers = post(site.tunnel, **sent).json()["headers"]
    assert headers["x-forwarded-for"] == "203.0.113.7"
    assert headers["x-forwarded-proto"] == "https"


@pytest.mark.parametrize("entrance", ["public", "tunnel"])
@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/metrics?x=1"])
def test_metrics_stay_inside(site, entrance, path):
    answer = requests.get(getattr(site, entrance) + path, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (404, "not found")


@pytest.mark.parametrize("length", [150_000_000, 10**12])
def test_too_large_request_is_refused_before_it_is_sent(site, length):
    with socket.create_connection(("127.0.0.1", int(site.public.rpartition(":")[2]))) as connection:
        connection.sendall(b"POST /segment HTTP/1.1\r\nHost: sam\r\nContent-Length: %d\r\n\r\n" % length)
        connection.settimeout(10)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_full_instances_still_answer_for_themselves(own_site):
    for address in own_site.instances:
        requests.post(f"http://{address}:{own_site.port}/fill", b"", timeout=5)
    wait_for(lambda: own_site.up("ready") == 0)
    assert post(own_site.public).json()["instance"] in own_site.instances  # its own 503, with its own advice
    assert requests.get(own_site.public, timeout=5).status_code == 200


def test_nobody_there_is_said_in_json(own_site):
    own_site.kill(1)
    own_site.kill(2)
    wait_for(lambda: own_site.up("alive") == 0)
    answer = post(own_site.public)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["success"] is False
