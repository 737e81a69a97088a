"""An id for each request, in its answer and in every line of its log."""

from __future__ import annotations

import re
import time
import uuid
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger("access")

PROBES = frozenset({"/health", "/health/live", "/health/ready"})
"""Asked every second or so by whatever watches the service: their good answers are logged at DEBUG only."""
CALLERS_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def init_app(app: Flask) -> None:
    """Give every request of `app` an id and a line in the log."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if CALLERS_ID.fullmatch(given) else uuid.uuid4().hex
    g.started = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    write = log.debug if request.path in PROBES and response.status_code == HTTPStatus.OK else log.info
    write(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
    )
    return response
