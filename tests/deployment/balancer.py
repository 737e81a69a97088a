"""A real HAProxy with monitoring/haproxy.cfg; processes stand for instances, a thread for Docker's DNS."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from tests.deployment.tools import ROOT, debian_tool

CONFIG = ROOT / "monitoring" / "haproxy.cfg"
HAPROXY = debian_tool("haproxy")


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
    process: int | None = None

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
        """How many instances the load balancer has found."""
        return self.metric("haproxy_backend_active_servers", backend)

    def working(self) -> int:
        """How many requests the instances have."""
        return self.metric("haproxy_server_current_sessions", "ready")

    def metric(self, name: str, proxy: str) -> int:
        """Sum of a metric of the load balancer."""
        given = requests.get(f"{self.metrics}/metrics", timeout=5).text
        return sum(map(int, re.findall(rf'^{name}{{proxy="{proxy}".*}} (\d+)$', given, re.MULTILINE)))

    def memory(self) -> int:
        """Bytes that the load balancer has resident."""
        return int(psutil.Process(self.process).memory_info().rss)


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
    site.process = balancer.pid
    try:
        wait_for(lambda: answers(site.metrics))
        wait_for(lambda: site.up() == 2)
        yield site
    finally:
        for process in (balancer, *site.instances.values()):
            process.kill()
            process.wait()
        names.stop()
