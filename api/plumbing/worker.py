"""The Gunicorn worker: what never reaches Flask is answered in JSON too, and silent clients are let go."""

from __future__ import annotations

import json
import socket
import struct
import uuid
from typing import Any

import structlog
from gunicorn import util
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import ThreadWorker

log = structlog.get_logger(__name__)

SILENCE_S = 20
"""Seconds that a client may be silent within a request before its thread is freed."""
ADVICE = "This is not an HTTP request that the service understands; check its first line and headers."


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gthread with a limit on silence, and without the request's text in logs and answers."""

    def handle(self, conn: Any) -> Any:
        """Serve a connection; runs on a request thread."""
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENCE_S, 0))
        return super().handle(conn)

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
        try:
            util.write_nonblock(client, _response(status, reason, request_id, json.dumps(body)))
        except OSError:
            log.debug("client has gone", request_id=request_id)


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
