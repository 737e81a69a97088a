"""The tunnel's state, asked of a stand-in for cloudflared's metrics server."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import HttpUrl

from api.health.tunnel import Tunnel


@pytest.fixture
def cloudflared():
    """A server whose `/ready` answers what is set: status, body. It counts the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append(self.path)
            status, body = server.answer
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    server.url = HttpUrl(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ready(status, connections):
    return status, json.dumps(
        {"status": status, "readyConnections": connections, "connectorId": "6f1c51d2-0f6c-4d0e-9d4a"}
    )


def test_connections_are_told(cloudflared):
    cloudflared.answer = ready(200, 4)
    state = Tunnel(cloudflared.url).state()
    assert (state.connections, state.reason) == (4, None)
    assert cloudflared.requests == ["/ready"]


def test_no_connection_is_told(cloudflared):
    cloudflared.answer = ready(503, 0)
    state = Tunnel(cloudflared.url).state()
    assert state.connections == 0
    assert "no connection" in state.reason


def test_it_is_asked_once_in_five_seconds(cloudflared, monkeypatch):
    tunnel = Tunnel(cloudflared.url)
    cloudflared.answer = ready(200, 4)
    assert tunnel.state().connections == 4
    cloudflared.answer = ready(503, 0)
    assert tunnel.state().connections == 4
    monkeypatch.setattr("api.health.tunnel.KEPT_S", 0)
    assert tunnel.state().connections == 0
    assert len(cloudflared.requests) == 2


@pytest.mark.parametrize("answer", [(200, "no json"), (200, "[]"), (200, "{}"), (404, "none"), (302, "")])
def test_another_server_is_told_from_cloudflared(cloudflared, answer):
    cloudflared.answer = answer
    state = Tunnel(cloudflared.url).state()
    assert state.connections is None
    assert "not cloudflared" in state.reason


def test_a_dead_port_is_told_without_its_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    state = Tunnel(HttpUrl(f"http://127.0.0.1:{port}")).state()
    assert state.connections is None
    assert "reached" in state.reason
    assert str(port) not in state.reason


def test_a_silent_port_is_let_go_of():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        state = Tunnel(HttpUrl(f"http://127.0.0.1:{silent.getsockname()[1]}")).state()
    assert state.connections is None
    assert "did not answer" in state.reason
