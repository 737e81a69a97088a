"""The Gunicorn worker: threads meet whole headers alone, and its loop sends the answers.

A client that is slow with its header, reads its answer slowly or goes on sending after it waits in the loop
(`connections.py`). A thread reads bodies, which takes a valid key. Why not another server:
docs/decisions/slow-clients.md.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import structlog
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import ThreadWorker

from api.plumbing.connections import PIECE, Connection
from api.plumbing.services import services

log = structlog.get_logger(__name__)

MOST_CONNECTIONS = 384
"""Of a worker, each with a file perhaps, of the 1024 that a process may open; more wait in the kernel."""
MOST_OF_A_NETWORK = 64
"""Of these, from one address (IPv6: one /64), unless a proxy stands before the service."""
ADVICE = "This is not an HTTP request that the service understands; check its first line and headers."


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gthread without threads for slow clients, and without the request's text in logs and answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connections: set[Connection] = set()
        self._of_network: Counter[str] = Counter()
        self._looked = 0.0

    def accept(self, listener: Any) -> None:
        """Take a new connection and wait for its header."""
        try:
            accepted, address = listener.accept()
        except (BlockingIOError, ConnectionError):  # another worker has it, or it has gone again
            return
        connection = Connection(self.cfg, accepted, address, listener.getsockname())
        self._connections.add(connection)
        self._of_network[connection.network] += 1
        self.nr_conns += 1
        if self._of_network[connection.network] > MOST_OF_A_NETWORK and not self._behind_a_proxy:
            self._let_go(connection)
        else:
            self._await_request(connection)

    def handle(self, conn: Connection) -> Any:
        """Serve a connection whose header is there; runs on a request thread."""
        conn.hand_over()
        return super().handle(conn)

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        """Send the answer that a thread has left."""
        if conn.sock.fileno() < 0:  # Gunicorn closes it where an answer that has begun cannot go on
            self._let_go(conn)
            return
        conn.keep = not fs.cancelled() and fs.exception() is None and bool(fs.result())
        conn.send_answer()
        self._send(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Look who has sent something or can be sent to, for so many seconds at most, and go on with them."""
        self._looked = time.monotonic()
        super().wait_for_and_dispatch_events(timeout)

    def murder_keepalived(self, force: bool = False) -> None:
        """Let go of all whose time is over, or of all that no thread serves.

        Over is what was over before the last look: a request that has come since would be reset.
        """
        for connection in tuple(self._connections):
            if connection.deadline is not None and (force or connection.deadline < self._looked):
                self._let_go(connection)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        """Whether the connection can be used again: not if a body is left, which a thread would wait for."""
        conn.sock.setblocking(False)
        try:
            return bool(keepalive and conn.parser.finish_body(max_bytes=PIECE))
        except BlockingIOError:
            return False

    def _cap_keepalive(self, deadline: float) -> None:
        """Cut nobody's time short when the worker goes: who was told to keep a connection may use it."""

    @property
    def _behind_a_proxy(self) -> bool:
        return services(self.wsgi).settings.trusted_proxy_hops > 0

    def _await_request(self, connection: Connection) -> None:
        connection.await_request(self.cfg.keepalive)
        if connection.has_header():  # sent ahead of the last answer
            self._begin(connection)
        else:
            self._when(selectors.EVENT_READ, connection, self._read_header)

    def _read_header(self, connection: Connection) -> None:
        if not connection.read_header():
            self._let_go(connection)
        elif connection.has_header():
            self._begin(connection)
        elif connection.has_too_much():
            self.handle_error(None, connection.sock, connection.client, LimitRequestHeaders("too long"))
            self._finish(connection)
        else:
            self._when(selectors.EVENT_READ, connection, self._read_header)

    def _begin(self, connection: Connection) -> None:
        connection.deadline = None
        self.enqueue_req(connection)

    def _finish(self, connection: Connection) -> None:
        connection.keep = False
        connection.send_answer()
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        try:
            sent = connection.sock.send_on()
        except OSError:
            self._let_go(connection)
            return
        if not sent:
            self._when(selectors.EVENT_WRITE, connection, self._send)
        elif connection.keep:
            self._await_request(connection)
        elif connection.say_goodbye():
            self._when(selectors.EVENT_READ, connection, self._hear_out)
        else:
            self._let_go(connection)

    def _hear_out(self, connection: Connection) -> None:
        if connection.still_sends():
            self._when(selectors.EVENT_READ, connection, self._hear_out)
        else:
            self._let_go(connection)

    def _when(self, event: int, connection: Connection, then: Callable[[Connection], None]) -> None:
        """Call `then` once, when the connection can be read or written."""

        def call(_: Any) -> None:
            self.poller.unregister(connection.sock)
            then(connection)

        self.poller.register(connection.sock, event, call)

    def _let_go(self, connection: Connection) -> None:
        with suppress(KeyError, ValueError):  # nothing is expected of it, or it is closed
            self.poller.unregister(connection.sock)
        self._connections.discard(connection)
        self._of_network[connection.network] -= 1
        self._of_network += Counter()  # without those that have none left
        self.nr_conns -= 1
        connection.close()

    def handle_error(self, _request: Any, client: socket.socket, _address: Any, error: Exception) -> None:
        """Answer what could not be parsed. The error's text may hold a key, so only its kind is logged."""
        request_id = uuid.uuid4().hex
        if isinstance(error, ParseException):
            status, reason = _status(error)
            message = ADVICE
            log.warning("malformed request", kind=type(error).__name__, request_id=request_id)
        else:
            status, reason, message = 500, "Internal Server Error", "Report this fault with the request id."
            log.error("request failed", kind=type(error).__name__, request_id=request_id)
        body = {"success": False, "error": reason.lower(), "message": message, "request_id": request_id}
        client.sendall(_response(status, reason, request_id, json.dumps(body)))


def _status(error: ParseException) -> tuple[int, str]:
    if isinstance(error, LimitRequestHeaders):
        return 431, "Request Header Fields Too Large"
    if isinstance(error, LimitRequestLine):
        return 414, "URI Too Long"
    return 400, "Bad Request"


def _response(status: int, reason: str, request_id: str, body: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {reason}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {request_id}",
    ]
    return "\r\n".join([*lines, "", body]).encode("ascii")
