"""One handler for every error: always JSON, always with the request's id, never a trace."""

from __future__ import annotations

import errno
from random import randrange
from typing import NamedTuple

import structlog
from flask import Flask, Response, g, jsonify, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import HTTPException

from api.errors import Forbidden, RateLimited, Unauthorized
from droplets.errors import (
    BadRequest,
    ModelUnavailable,
    ServiceError,
    TooLarge,
    TooManyPixels,
    Unavailable,
    UndecodableImage,
    UnsupportedImage,
)
from jobs.errors import JobConflict, NoSuchJob
from sam_service import Busy, ClientGone
from store.errors import StoreUnavailable

log = structlog.get_logger(__name__)


class Told(NamedTuple):
    """What an answer says of an error beside its message: the HTTP status and a short `error`."""

    status: int
    error: str


ANSWERS: dict[type[ServiceError], Told] = {
    ServiceError: Told(500, "internal error"),
    BadRequest: Told(400, "bad request"),
    Unauthorized: Told(401, "unauthorized"),
    Forbidden: Told(403, "forbidden"),
    NoSuchJob: Told(404, "no such job"),
    JobConflict: Told(409, "conflict"),
    TooLarge: Told(413, "file too large"),
    UnsupportedImage: Told(415, "unsupported image type"),
    UndecodableImage: Told(422, "image cannot be decoded"),
    TooManyPixels: Told(422, "image too large"),
    ClientGone: Told(499, "client closed request"),
    RateLimited: Told(429, "rate limit exceeded"),
    Unavailable: Told(503, "unavailable"),
    Busy: Told(503, "busy"),
    StoreUnavailable: Told(503, "store unavailable"),
    ModelUnavailable: Told(503, "model unavailable"),
}
"""By the error itself: each has a line of its own."""
ADVICE = {
    400: "The request could not be read; check its headers and body.",
    404: "There is nothing at this address; /docs lists what there is.",
    405: "This address takes another method; /docs lists what there is.",
    413: "The request is larger than the service takes; /defaults tells the limit.",
}


def init_app(app: Flask) -> None:
    """Answer all errors of `app` as JSON."""
    app.register_error_handler(Exception, answer_error)


def answer_error(error: Exception) -> Response:
    """The JSON answer to an exception of any kind."""
    if isinstance(error, MemoryError):
        error = Unavailable("The picture needs more memory than there is; send a smaller one.")
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        log.error("disk full", path=request.path)
        error = Unavailable("The service has no room on its disk just now; try again in a moment.")
    if isinstance(error, ParseException):
        error = BadRequest("The body is not encoded as its headers say.")
    if isinstance(error, ServiceError):
        return answer(*ANSWERS[type(error)], error.message, _headers(error))
    if isinstance(error, HTTPException) and error.code is not None:
        methods = getattr(error, "valid_methods", None)
        headers = {"Allow": ", ".join(sorted(methods))} if methods else {}
        advice = ADVICE.get(error.code, "The request could not be answered.")
        return answer(error.code, error.name.lower(), advice, headers)
    log.exception("unexpected error", path=request.path)
    return answer(500, "internal error", "This is a fault of the service; report it with the request id.", {})


def _headers(error: ServiceError) -> dict[str, str]:
    if isinstance(error, Unavailable):
        # Those who are refused together must not come back together.
        later = randrange(max(2, error.retry_after // 2 + 1)) if isinstance(error, Busy) else 0  # noqa: S311
        return {"Retry-After": str(error.retry_after + later)}
    return error.headers if isinstance(error, RateLimited) else {}


def answer(status: int, error: str, message: str, headers: dict[str, str]) -> Response:
    """The JSON answer with this status, a short `error` and what to do about it in `message`."""
    response = jsonify(success=False, error=error, message=message, request_id=g.get("request_id"))
    response.status_code = status
    response.headers.update(headers)
    return response
