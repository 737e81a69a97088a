"""monitoring/haproxy.cfg in a real HAProxy; processes stand for instances, a thread for Docker's DNS."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.deployment.tools import ROOT, debian_tool

CONFIG = ROOT / "monitoring" / "haproxy.cfg"
HAPROXY = debian_tool("haproxy")
SMALL, LARGE = b"x" * 1000, b"x" * 2_000_000

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class Names(threading.Thread):
    """A DNS server that answers every question with the addresses of the instances."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__(daemon=True)
        self.addresses = addresses
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        while True:
            query, sender = self.socket.recvfrom(4096)
            if not query:
                return
            question = query[12 : query.index(b"\0", 12) + 5]
            records = [
                b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + socket.inet_aton(address) for address in self.addresses
            ]
            counts = b"\0\1" + len(records).to_bytes(2, "big") + b"\0\0\0\0"
            self.socket.sendto(query[:2] + b"\x81\x80" + counts + question + b"".join(records), sender)

    def stop(self) -> None:
        self.socket.sendto(b"", self.socket.getsockname())
        self.join()
        self.socket.close()


@dataclass
class Site:
    """A running load balancer and its instances, by address."""

    port: int = field(default_factory=free_port)
    public: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")
    tunnel: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")
    metrics: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")
    instances: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)

    def start(self, number: int) -> None:
        address = f"127.0.9.{number}"
        command = [sys.executable, str(Path(__file__).with_name("instance.py")), address, str(self.port)]
        self.instances[address] = subprocess.Popen(command)
        wait_for(lambda: answers(f"http://{address}:{self.port}"))
        self.named.append(address)

    def kill(self, number: int) -> None:
        """As the kernel does when memory runs out; the name stays for a while."""
        self.instances[f"127.0.9.{number}"].kill()

    def up(self, backend: str = "ready") -> int:
        found = re.search(
            rf'haproxy_backend_active_servers{{proxy="{backend}"}} (\d+)',
            requests.get(f"{self.metrics}/metrics", timeout=5).text,
        )
        return int(found[1]) if found else -1


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def answers(address: str) -> bool:
    try:
        requests.get(address, timeout=5)
    except requests.ConnectionError:
        return False
    return True


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    site = Site()
    names = Names(site.named)
    names.start()
    text = CONFIG.read_text()
    for container, here in {
        "127.0.0.11:53": f"127.0.0.1:{names.port}",
        "sam-app:9487": f"sam-app:{site.port}",
        "bind :9487": f"bind {site.public.removeprefix('http://')}",
        "bind :9488": f"bind {site.tunnel.removeprefix('http://')}",
        "bind :8404": f"bind {site.metrics.removeprefix('http://')}",
    }.items():
        assert container in text
        text = text.replace(container, here)
    (folder / "haproxy.cfg").write_text(text)
    site.start(1)
    site.start(2)
    balancer = subprocess.Popen(
        [str(HAPROXY), "-db", "-f", str(folder / "haproxy.cfg")],
        env={**os.environ, "MAX_FILE_SIZE_MB": "50"},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: answers(site.metrics))
        wait_for(lambda: site.up() == 2)
        yield site
    finally:
        for process in (balancer, *site.instances.values()):
            process.kill()
            process.wait()
        names.stop()


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
    return requests.post(f"{address}{path}", body, headers=headers, timeout=30)


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


def test_too_large_request_is_refused_before_it_is_sent(site):
    with socket.create_connection(("127.0.0.1", int(site.public.rpartition(":")[2]))) as connection:
        connection.sendall(b"POST /segment HTTP/1.1\r\nHost: sam\r\nContent-Length: 150000000\r\n\r\n")
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
