"""The decorators every protected route wears, and the keys and limits behind them.

@blueprint.post("/segment_file")
@track_usage
@require_api_key
@validate_file_upload
def segment_file(upload: bytes) -> Response: ...
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import ParamSpec, TypeVar, cast

import structlog
from flask import Flask, Response, current_app, g, request
from limits import RateLimitItemPerHour
from limits.strategies import MovingWindowRateLimiter

from api.errors import Forbidden, RateLimited, Unauthorized
from api.plumbing.connections import network_of
from api.plumbing.guesses import Guesses
from api.plumbing.services import services
from config import ApiKey
from droplets.errors import BadRequest, TooLarge
from droplets.reading.image import sniff_format
from store import Store
from store.errors import StoreUnavailable
from store.usage import UsageRecord, UsageWriter

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)

HOUR = 3600
AUTH_FAILURES = (
    "missing",
    "unknown",
    "disabled",
    "wrong_admin_key",
    "wrong_health_key",
    "too_many_wrong_keys",
)
"""Why a request may be refused for its key; `g.auth_failure` is one of these."""


class HourlyLimit(RateLimitItemPerHour):
    """A limit whose window belongs to the key's name alone, so that a changed limit keeps the history."""

    def key_for(self, *identifiers: bytes | str | float) -> str:
        """Name of the window in the store."""
        return "/".join(("hour", *map(str, identifiers)))


@dataclass
class Usage:
    """What the tracked request in hand has cost so far; views add to it through `usage()`."""

    started: float
    queue_ms: float = 0.0
    masks: int = 0


class Auth:
    """Keys, limiter and usage writer of one app.

    Arguments:
        keys: the entries of API_KEYS.
        admin_key: value of ADMIN_API_KEY; None switches the admin routes off.
        health_key: value of HEALTH_CHECK_KEY, if there is one.
        store: where hits are remembered.
        usage: takes one record a tracked request.
        max_file_bytes: limit of an uploaded file.
    """

    def __init__(
        self,
        keys: Iterable[ApiKey],
        admin_key: str | None,
        health_key: str | None,
        store: Store,
        usage: UsageWriter,
        max_file_bytes: int,
    ) -> None:
        self.keys = tuple(keys)
        self.usage = usage
        self.max_file_bytes = max_file_bytes
        self._admin_key = admin_key
        self._secrets = [_digest_of(secret) for secret in (admin_key, health_key) if secret]
        self._store = store
        self._limiter = MovingWindowRateLimiter(store.storage)
        self._guesses = Guesses(store.guesses)

    def init_app(self, app: Flask) -> None:
        """Finish each of the app's answers with limit headers and a usage record."""
        app.after_request(_add_limit_headers)
        app.after_request(_record_usage)

    def find(self, presented: str) -> ApiKey | None:
        """The entry of a presented key; every digest is compared, in constant time."""
        digest = hashlib.sha256(_header_bytes(presented)).digest()
        found = None
        for key in self.keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def is_a_key(self, presented: str) -> bool:
        """Whether what was presented is a key of any kind."""
        digest = hashlib.sha256(_header_bytes(presented)).digest()
        return self.find(presented) is not None or digest in self._secrets

    def identify(self, presented: str) -> ApiKey:
        """The enabled entry of a presented key; wrong ones are counted against the client's network.

        Raises:
            Unauthorized: there is none.
            RateLimited: too many wrong keys came from there.
        """
        key = self.find(presented)
        if key is None or not key.enabled:
            g.auth_failure = "disabled" if key else "unknown"
            with _slowed():
                self._guesses.wrong("api", _network())
            raise Unauthorized(
                "This API key is disabled; ask the service's operator."
                if key
                else "This API key is not known; check it for typing errors."
            )
        with _slowed():
            self._guesses.welcome(key.name, _network())
        return key

    def hit(self, key: ApiKey) -> dict[str, str]:
        """Count one request of `key`; returns the limit headers of its answer.

        Raises:
            RateLimited: the key's limit lies within the last hour already.
        """
        limit = HourlyLimit(key.limit)
        allowed = self._limiter.hit(limit, key.name)
        headers = self._headers(key, limit)
        if not allowed:
            wait = _seconds_until(float(headers["X-RateLimit-Reset"]))
            raise RateLimited(
                f"{key.limit} requests an hour are used up; the next one is possible in {wait} s.",
                {**headers, "Retry-After": str(wait)},
            )
        return headers

    def take_back(self, key: ApiKey) -> dict[str, str]:
        """Forget the hit of a request that the service could not serve; returns its new limit headers."""
        limit = HourlyLimit(key.limit)
        self._store.storage.take_back(limit.key_for(key.name))
        return self._headers(key, limit)

    def used_last_hour(self, key: ApiKey) -> int:
        """Requests of `key` that lie within the last hour."""
        return key.limit - self._limiter.get_window_stats(HourlyLimit(key.limit), key.name).remaining

    def check_secret(self, secret: str, presented: str | None, purpose: str) -> bool:
        """Compare a presented admin or health key; wrong ones are counted against the client's address.

        Raises:
            RateLimited: too many wrong keys from this address.
        """
        if not presented:
            g.auth_failure = "missing"
            return False
        right = hmac.compare_digest(_digest_of(secret), hashlib.sha256(_header_bytes(presented)).digest())
        with _slowed():
            (self._guesses.right if right else self._guesses.wrong)(purpose, _network())
        if not right:
            g.auth_failure = f"wrong_{purpose}_key"
            log.warning("wrong key", purpose=purpose, address=request.remote_addr)
        return right

    def _headers(self, key: ApiKey, limit: HourlyLimit) -> dict[str, str]:
        reset, remaining = self._limiter.get_window_stats(limit, key.name)
        return {
            "X-RateLimit-Limit": str(key.limit),
            "X-RateLimit-Remaining": str(max(0, remaining)),
            "X-RateLimit-Reset": str(math.ceil(reset)),
        }

    @property
    def admin_on(self) -> bool:
        """Whether there is an admin key, and so admin routes."""
        return self._admin_key is not None

    def require_admin(self, presented: str | None) -> None:
        """Check the presented admin key.

        Raises:
            Forbidden: it is missing or wrong, or the admin routes are off.
            RateLimited: too many wrong keys from this address.
        """
        if self._admin_key is None:
            raise Forbidden("The admin routes are off: set ADMIN_API_KEY and restart the service.")
        if not self.check_secret(self._admin_key, presented, "admin"):
            raise Forbidden("Send the admin key in the X-Admin-Key header.")


def usage() -> Usage:
    """The tracked request's costs, for views to add to."""
    return cast(Usage, g.usage)


def require_api_key(view: Callable[P, R]) -> Callable[P, R]:
    """Let the view run only for a known, enabled key that is within its hourly limit (401, 429)."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        auth = services().auth
        presented = request.headers.get("X-API-Key")
        if not presented:
            g.auth_failure = "missing"
            raise Unauthorized("Send your API key in the X-API-Key header.")
        key = auth.identify(presented)
        g.api_key = key
        structlog.contextvars.bind_contextvars(key_name=key.name)
        g.limit_headers = auth.hit(key)
        if request.method != "POST":
            return view(*args, **kwargs)
        most = int(current_app.config["MAX_CONTENT_LENGTH"])
        length = most if request.content_length is None else min(request.content_length, most)
        with services().uploads.place(key.name, length):
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


def optional_upload(field: str) -> bytes | None:
    """The file in another multipart field, checked as `file` is; None if there is none."""
    return _uploaded(field) if field in request.files else None


def track_usage(view: Callable[P, R]) -> Callable[P, R]:
    """Write a usage record when the request is answered, whatever the answer. Goes outermost."""

    @wraps(view)
    def tracked(*args: P.args, **kwargs: P.kwargs) -> R:
        g.usage = Usage(time.perf_counter())
        return view(*args, **kwargs)

    return tracked


def _uploaded(field: str) -> bytes:
    files = request.files.getlist(field)
    if len(files) != 1:
        raise BadRequest(f"Send one picture in the multipart field '{field}'.")
    limit = services().auth.max_file_bytes
    data = files[0].stream.read(limit + 1)
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
    return response


def _record_usage(response: Response) -> Response:
    spent: Usage | None = g.get("usage")
    if spent is not None:
        key: ApiKey | None = g.get("api_key")
        services().auth.usage.add(
            UsageRecord(
                at=time.time(),
                key_name=key.name if key else "",
                endpoint=request.url_rule.rule if request.url_rule else request.path,
                status=response.status_code,
                processing_ms=(time.perf_counter() - spent.started) * 1000,
                queue_ms=spent.queue_ms,
                masks=spent.masks,
                bytes=min(request.content_length or 0, current_app.config["MAX_CONTENT_LENGTH"]),
            )
        )
    return response


@contextmanager
def _slowed() -> Iterator[None]:
    """Tell in the figures why a request was refused that has to wait."""
    try:
        yield
    except RateLimited:
        g.auth_failure = "too_many_wrong_keys"
        raise


def _network() -> str:
    return network_of(request.remote_addr or "")


def _digest_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _header_bytes(value: str) -> bytes:
    """The bytes that the client sent: WSGI hands headers over as Latin-1."""
    return value.encode("latin-1", "replace")


def _seconds_until(reset: float) -> int:
    """Whole seconds until a time since the epoch, at least 1."""
    return max(1, math.ceil(reset - time.time()))
