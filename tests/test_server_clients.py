"""Clients that are slow on purpose, against the service as it is run."""

from __future__ import annotations

import json
import os
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
import requests

from api.plumbing.worker import MOST_OF_A_NETWORK
from tests.conftest import KEY, png
from tests.test_server import Server, connected, serving, wait_until

pytestmark = pytest.mark.server

THREADS = 6
SLOW_MACHINE = float(os.environ.get("SLOW_MACHINE", "4"))
"""How many times as long as promised a machine may take that has other work, as those of CI have."""
ASK = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /segment HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with serving(
        tmp_path_factory.mktemp("server"), THREADS=str(THREADS), QUEUE_SIZE="2", MAX_FILE_SIZE_MB="1"
    ) as server:
        assert server.get("/defaults", KEY).status_code == 200  # it goes on where wrong ones come from
        yield server


def seconds_of_health(server: Server) -> float:
    started = time.perf_counter()
    assert server.get("/health/live").status_code == 200
    return time.perf_counter() - started


def answer_of(client: socket.socket) -> bytes:
    client.settimeout(20)
    received = b""
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize(
    "sent",
    [
        b"G",
        POST % 10_000_000 + b"\r\n{",
        POST % 10_000_000 + b"Expect: 100-continue\r\nX-API-Key: wrong\r\n\r\n",
        ASK % b"docs/assets/swagger-ui-bundle.js" * 8,
    ],
    ids=["half a header", "a body without a key", "a body with a wrong key", "answers that nobody reads"],
)
def test_slow_clients_take_no_thread(server, sent):
    """Several times as many of them as there are threads, and each sends a byte now and then."""
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(MOST_OF_A_NETWORK - 4)]
        for client in slow:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(sent)
        for _ in range(4):
            for client in slow:
                try:
                    client.send(b"x", socket.MSG_DONTWAIT)
                except OSError:  # it has been let go already
                    continue
            assert seconds_of_health(server) < 0.5
            time.sleep(0.1)


def test_who_is_too_slow_is_let_go(server):
    """A header within ten seconds from its first byte, however it trickles; silence for five."""
    with connected(server) as trickling, connected(server) as silent:
        started = time.monotonic()
        while True:
            try:
                trickling.sendall(b"x")
                time.sleep(0.25)
            except OSError:
                break
            assert time.monotonic() - started < 15
        assert time.monotonic() - started > 8
        assert answer_of(silent) == b""


def test_a_large_answer_arrives_whole_however_slowly_it_is_read(server):
    """And on a connection that is kept, two requests at once are answered one after the other."""
    whole = server.get("/docs/assets/swagger-ui-bundle.js").content
    with connected(server) as client:
        client.sendall(ASK % b"docs/assets/swagger-ui-bundle.js" + ASK % b"health/live")
        received = b""
        while not received.endswith(b'{"status":"alive"}\n'):
            received += client.recv(16384)
            time.sleep(0.002)
    first, _, rest = received.partition(b"\r\n\r\n")
    assert b"200 OK" in first
    assert rest.startswith(whole)
    assert rest[len(whole) :].startswith(b"HTTP/1.1 200 OK")


def test_a_refused_upload_reads_its_answer(server):
    """The body is sent on, as clients do that look at the answer only then."""
    answer = requests.post(server.address + "/segment_file", data=b"x" * 20_000_000, timeout=30)
    assert answer.status_code == 401
    assert answer.headers["Connection"].lower() == "close" or answer.json()["success"] is False


def test_a_network_has_so_many_connections(server):
    with ExitStack() as stack:
        many = [stack.enter_context(connected(server)) for _ in range(MOST_OF_A_NETWORK + 20)]
        time.sleep(0.5)
        refused = 0
        for client in many:
            client.setblocking(False)
            try:
                refused += client.recv(1) == b""
            except BlockingIOError:
                continue
        assert refused == 20
        another = stack.enter_context(
            socket.create_connection(
                ("127.0.0.1", int(server.address.rpartition(":")[2])), 10, source_address=("127.0.0.2", 0)
            )
        )
        another.sendall(ASK % b"health/live")
        assert another.recv(4096).startswith(b"HTTP/1.1 200 ")
    wait_until(lambda: seconds_of_health(server) < 0.5, 10)


def test_a_header_without_an_end_is_431(server):
    with connected(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + b"X-Filler: " + b"y" * 70_000)
        head, _, body = answer_of(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["success"] is False


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_of_unknown_length_over_the_limit_is_413(server, kind):
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    answer = requests.post(
        server.address + "/analyze_image",
        data=(part for part in [head, *[bytes(100_000)] * 80]),
        headers={"X-API-Key": KEY, "Content-Type": kind},
        timeout=30,
    )
    assert (answer.status_code, answer.json()["error"]) == (413, "request entity too large")


def test_bodies_with_a_key_leave_threads_for_health(server):
    """However slowly they come; those that find no place are told at once, and are not charged."""
    head = POST % 1000 + b"X-API-Key: " + KEY.encode() + b"\r\n\r\n"
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(2 * THREADS)]
        for client in slow:
            client.sendall(head)
        assert seconds_of_health(server) < 0.5
        refused = slow[-1].recv(4096)
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"X-RateLimit-Remaining: 99" in refused  # those who have a place are counted


def test_health_is_quick_while_24_pictures_of_16_megapixels_are_looked_at(server):
    picture = png(np.tile(np.arange(250, dtype=np.uint8), (4000, 16)))

    def look(_: int) -> int:
        return requests.post(
            server.address + "/analyze_image", files={"file": picture}, headers={"X-API-Key": KEY}, timeout=60
        ).status_code

    with ThreadPoolExecutor(24) as pool:
        asked = [pool.submit(look, i) for i in range(24)]
        seconds = []
        while not all(each.done() for each in asked):
            seconds.append(seconds_of_health(server))
            time.sleep(0.02)
    assert {each.result() for each in asked} <= {200, 503}
    assert 200 in {each.result() for each in asked}
    assert statistics.median(seconds) < 0.1
    assert max(seconds) < 0.25 * SLOW_MACHINE


def test_who_hangs_up_is_noticed(server):
    """By the thread that serves the picture, before it is decoded."""
    client = connected(server)
    client.sendall(POST % 25 + b"X-API-Key: " + KEY.encode() + b"\r\n\r\n" + b'{"image": "iVBORw0KGgo="')
    client.sendall(b"}")
    client.close()
    wait_until(lambda: '"status": 499' in server.log.read_text(), 10)
