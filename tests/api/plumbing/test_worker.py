"""The worker breaks no promise to a connection, whatever happens to it: real Gunicorn, real sockets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.api.plumbing.worker_app import LARGE, STILL_S
from tests.conftest import ROOT

pytestmark = pytest.mark.server

KEEPALIVE_S = 8
"""Longer than Gunicorn would keep a connection of a worker that goes."""


@contextmanager
def gunicorn(worker: str, keepalive: int) -> Iterator[tuple[subprocess.Popen, int]]:
    """Gunicorn with one worker, and its port."""
    command = [sys.executable, "-m", "gunicorn", "--worker-class", worker, "--keep-alive", str(keepalive)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, number = listener.getsockname()[1], listener.fileno()
        process = subprocess.Popen(
            [*command, "--threads", "2", "--bind", f"fd://{number}", "tests.api.plumbing.worker_app:app"],
            cwd=Path(__file__).parent,  # away from the service's settings
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            pass_fds=[number],
        )
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait(30)


class Client:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.stream = self.socket.makefile("rb")

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def ask(self, path: str = "/") -> None:
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())

    def answer(self) -> tuple[dict[str, str], bytes]:
        """Headers and body."""
        assert self.stream.readline() == b"HTTP/1.1 200 OK\r\n"
        headers = {}
        while line := self.stream.readline().strip().decode():
            name, _, value = line.partition(": ")
            headers[name] = value
        return headers, self.stream.read(int(headers["Content-Length"]))


@pytest.fixture
def clients() -> Iterator[Callable[[int], Client]]:
    """Makes clients of a port, which are closed in the end."""
    with ExitStack() as stack:
        yield lambda port: stack.enter_context(closing(Client(port)))


def test_a_worker_that_goes_keeps_its_connections_as_long_as_it_said(clients):
    """New ones, idle ones and those that read their answer; each of the first two has one more request."""
    with gunicorn("api.plumbing.worker.Worker", KEEPALIVE_S) as (master, port):
        idle, new, reader = (clients(port) for _ in range(3))
        idle.ask()
        headers, old = idle.answer()
        assert headers["Connection"] == "keep-alive"
        reader.ask("/large")
        reader.socket.recv(1, socket.MSG_PEEK)  # it has begun
        master.send_signal(signal.SIGHUP)
        time.sleep(3)
        for client in (idle, new):
            client.ask()
            headers, pid = client.answer()
            assert (headers["Connection"], pid) == ("close", old)
        assert len(reader.answer()[1]) == LARGE
        later = clients(port)
        later.ask()
        assert later.answer()[1] != old


def test_a_request_that_comes_while_the_loop_stands_still_is_served(clients):
    with gunicorn("tests.api.plumbing.worker_app.Still", keepalive=1) as (_, port):
        warm = clients(port)
        warm.ask()
        worker = warm.answer()[1]
        client = clients(port)
        time.sleep(STILL_S / 3)
        client.ask()
        assert client.answer()[1] == worker


def test_an_answer_that_breaks_off_ends_its_connection_alone(clients):
    with gunicorn("api.plumbing.worker.Worker", KEEPALIVE_S) as (_, port):
        torn, other = clients(port), clients(port)
        other.ask()
        before = other.answer()[1]
        torn.ask("/torn")
        assert torn.stream.read() == b""
        torn.close()  # the thread has waited for this
        for _ in range(5):
            other.ask()
            assert other.answer()[1] == before
            time.sleep(0.1)
