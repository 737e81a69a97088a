"""The decorators every protected route wears.

@blueprint.post("/segment_file")
@track_usage
@require_api_key
@validate_file_upload
def segment_file(upload: bytes) -> Response: ...
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import ParamSpec, TypeVar, cast

import structlog
from flask import Flask, Response, current_app, g, request
from werkzeug.datastructures import FileStorage

from api.errors import Unauthorized
from api.plumbing.services import services
from config import ApiKey
from droplets.errors import BadRequest, TooLarge
from droplets.reading.image import sniff_format
from store.errors import StoreUnavailable
from store.usage import LOST, UsageRecord

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Usage:
    """What the tracked request in hand has cost so far; views add to it through `usage()`."""

    started: float
    queue_ms: float = 0.0
    masks: int = 0


def init_app(app: Flask) -> None:
    """Finish each of the app's answers with limit headers and a usage record."""
    app.after_request(_add_limit_headers)
    app.after_request(_record_usage)


def usage() -> Usage:
    """The tracked request's costs, for views to add to."""
    return cast(Usage, g.usage)


def require_api_key(view: Callable[P, R]) -> Callable[P, R]:
    """Let the view run only for a known, enabled key that is within its hourly limit (401, 429)."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        g.limit_headers = services().auth.hit(_identify())
        with _place():
            return view(*args, **kwargs)

    return guarded


def recognise_api_key(view: Callable[P, R]) -> Callable[P, R]:
    """Let the view run only for a known, enabled key (401), without counting the request.

    For jobs, whose pictures count when they are started: to ask how far one is must not use up the limit.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        _identify()
        g.uncounted = True
        with _place():
            return view(*args, **kwargs)

    return guarded


def require_admin_key(view: Callable[P, R]) -> Callable[P, R]:
    """Let the view run only with the admin key (403)."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        services().auth.require_admin(request.headers.get("X-Admin-Key"))
        return view(*args, **kwargs)

    return guarded


def validate_file_upload(view: Callable[..., R]) -> Callable[..., R]:
    """Hand the multipart field `file` to the view as `upload: bytes`, checked for size and type by content.

    The answer is 400 without exactly one non-empty file, 413 over the size limit, 415 for other types.
    """

    @wraps(view)
    def guarded(*args: object, **kwargs: object) -> R:
        return view(*args, upload=_uploaded("file"), **kwargs)

    return guarded


def further_uploads(field: str, most: int) -> tuple[bytes, ...]:
    """The files in another multipart field, at most so many, each checked as `file` is."""
    files = request.files.getlist(field)
    if len(files) > most:
        raise BadRequest(f"Send at most {most} pictures in the multipart field '{field}'.")
    return tuple(_read(file, field) for file in files)


def track_usage(view: Callable[P, R]) -> Callable[P, R]:
    """Write a usage record when the request is answered, whatever the answer. Goes outermost."""

    @wraps(view)
    def tracked(*args: P.args, **kwargs: P.kwargs) -> R:
        g.usage = Usage(time.perf_counter())
        return view(*args, **kwargs)

    return tracked


def _identify() -> ApiKey:
    """The key of the request in hand, if it is known and enabled."""
    presented = request.headers.get("X-API-Key")
    if not presented:
        g.auth_failure = "missing"
        raise Unauthorized("Send your API key in the X-API-Key header.")
    key = services().auth.identify(presented)
    g.api_key = key
    services().auth.usage.begin(_record(LOST))
    structlog.contextvars.bind_contextvars(key_name=key.name)
    return key


def _place() -> AbstractContextManager[None]:
    """A place among the uploads for the body of the request in hand, if it may have one."""
    if request.method not in {"POST", "PUT"}:
        return nullcontext()
    most = int(current_app.config["MAX_CONTENT_LENGTH"])
    length = most if request.content_length is None else min(request.content_length, most)
    return services().uploads.place(g.api_key.name, length)


def _uploaded(field: str) -> bytes:
    files = request.files.getlist(field)
    if len(files) != 1:
        raise BadRequest(f"Send one picture in the multipart field '{field}'.")
    return _read(files[0], field)


def _read(file: FileStorage, field: str) -> bytes:
    limit = services().auth.max_file_bytes
    data = file.stream.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"The file in the field '{field}' is over the limit of {limit / 2**20:g} MB.")
    if not data:
        raise BadRequest(f"The file in the field '{field}' is empty.")
    sniff_format(data)
    return data


def _add_limit_headers(response: Response) -> Response:
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and "limit_headers" in g:
        with suppress(StoreUnavailable):  # then it stays counted
            g.limit_headers = services().auth.take_back(g.api_key)
    response.headers.update(g.get("limit_headers", {}))
    if g.get("uncounted"):
        with suppress(StoreUnavailable):
            response.headers.update(services().auth.window(g.api_key))
    return response


def _record_usage(response: Response) -> Response:
    if "usage" in g:
        services().auth.usage.add(_record(response.status_code))
    return response


def _record(status: int) -> UsageRecord:
    """The tracked request in hand as a usage record, were it over now."""
    key: ApiKey | None = g.get("api_key")
    spent = usage()
    return UsageRecord(
        at=time.time(),
        key_name=key.name if key else "",
        endpoint=request.url_rule.rule if request.url_rule else request.path,
        status=status,
        processing_ms=(time.perf_counter() - spent.started) * 1000,
        queue_ms=spent.queue_ms,
        masks=spent.masks,
        bytes=min(request.content_length or 0, current_app.config["MAX_CONTENT_LENGTH"]),
    )
