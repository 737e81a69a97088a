"""Keys and hourly limits: who may use the service, and how often."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from flask import g, request
from limits import RateLimitItemPerHour
from limits.strategies import MovingWindowRateLimiter

from api.errors import Forbidden, RateLimited, Unauthorized
from api.plumbing.connections import network_of
from api.plumbing.guesses import Guesses
from config import ApiKey
from store import Store
from store.usage import UsageWriter

log = structlog.get_logger(__name__)

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
        allowed = self._limiter.hit(HourlyLimit(key.limit), key.name)
        headers = self.window(key)
        if not allowed:
            wait = _seconds_until(float(headers["X-RateLimit-Reset"]))
            raise RateLimited(
                f"{key.limit} requests an hour are used up; the next one is possible in {wait} s.",
                {**headers, "Retry-After": str(wait)},
            )
        return headers

    def take(self, key: ApiKey, pictures: int) -> None:
        """Count so many pictures of `key` at once, all or none.

        Raises:
            RateLimited: they do not fit into the last hour's limit.
        """
        if self._limiter.hit(HourlyLimit(key.limit), key.name, cost=pictures):
            return
        headers = self.window(key)
        left, wait = headers["X-RateLimit-Remaining"], _seconds_until(float(headers["X-RateLimit-Reset"]))
        advice = (
            "the limit never has room for so many: split the job"
            if pictures > key.limit
            else f"the next ones are possible in {wait} s"
        )
        raise RateLimited(
            f"The job has {pictures} pictures, and {left} of {key.limit} an hour are left; {advice}.",
            {**headers, "Retry-After": str(wait)},
        )

    def take_back(self, key: ApiKey) -> dict[str, str]:
        """Forget the hit of a request that the service could not serve; returns its new limit headers."""
        self._store.storage.take_back(HourlyLimit(key.limit).key_for(key.name))
        return self.window(key)

    def left(self, key: ApiKey) -> int:
        """Requests that `key` may still make within the hour."""
        return max(0, key.limit - self.used_last_hour(key))

    def window(self, key: ApiKey) -> dict[str, str]:
        """The limit headers of an answer to `key`."""
        reset, remaining = self._limiter.get_window_stats(HourlyLimit(key.limit), key.name)
        return {
            "X-RateLimit-Limit": str(key.limit),
            "X-RateLimit-Remaining": str(max(0, remaining)),
            "X-RateLimit-Reset": str(math.ceil(reset)),
        }

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
