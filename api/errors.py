"""What is wrong with a key or its use.

ServiceError
├── Unauthorized  key missing, unknown or disabled
├── Forbidden     admin route without the admin key
└── RateLimited   over the hourly limit of the key
"""

from __future__ import annotations

from collections.abc import Mapping

from droplets.errors import ServiceError


class Unauthorized(ServiceError):
    """The API key is missing, unknown or disabled."""


class Forbidden(ServiceError):
    """The route is for admins and the admin key is missing, wrong or not configured."""


class RateLimited(ServiceError):
    """The key has used up its requests of the last hour."""

    def __init__(self, message: str, headers: Mapping[str, str]) -> None:
        super().__init__(message)
        self.headers = dict(headers)
