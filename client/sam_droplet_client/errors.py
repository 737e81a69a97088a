"""What can go wrong.

Failed
├── Unreachable       no answer came
├── Refused           the service says no: the picture, an option, too large
│   ├── Unauthorized  the key is missing, unknown or disabled
│   ├── NotFound      the key has no such job
│   ├── Conflict      the job is not in a state in which this can be done
│   ├── RateLimited   over the key's hourly limit
│   └── Unavailable   the service cannot answer now
└── JobFailed         a job has failed as a whole
"""

from __future__ import annotations


class Failed(Exception):
    """Root of all. `message` says what to do about it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unreachable(Failed):
    """No answer came: wrong address, no network, or the service is gone."""


class Refused(Failed):
    """The service has answered that it cannot do it.

    Attributes:
        status: of HTTP.
        error: the kind in a few words.
        request_id: for the operator, who finds it in the log.
        retry_after: seconds after which it is worth trying again; None if the service does not say.
    """

    def __init__(
        self, message: str, status: int, error: str, request_id: str | None, retry_after: float | None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.request_id = request_id
        self.retry_after = retry_after


class Unauthorized(Refused):
    """The key is missing, unknown or disabled."""


class NotFound(Refused):
    """The key has no such job, or there is no such route."""


class Conflict(Refused):
    """The job is not in a state in which this can be done, or the key has too many at once."""


class RateLimited(Refused):
    """The key's hourly limit has no room for this."""


class Unavailable(Refused):
    """The service is busy, away, or has a fault."""


class JobFailed(Failed):
    """A job has failed as a whole; single pictures that fail are in its errors instead."""


def refusal(status: int) -> type[Refused]:
    """The exception of an answer's status."""
    if status >= 500:  # noqa: PLR2004  # as HTTP has it
        return Unavailable
    kinds = {401: Unauthorized, 404: NotFound, 409: Conflict, 429: RateLimited}
    return kinds.get(status, Refused)
