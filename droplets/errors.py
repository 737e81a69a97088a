"""Every error that this project raises on purpose, each with the HTTP status it becomes.

ServiceError                      500
├── BadRequest                    400  malformed body, unknown field, wrong type
├── Unauthorized                  401  key missing, unknown or disabled
├── Forbidden                     403  admin route without the admin key
├── TooLarge                      413  file over the size limit
├── UnsupportedImage              415  not an image type that is taken
├── UndecodableImage              422  damaged, or a kind of pixels that cannot be read
│   └── TooManyPixels             422  over the pixel limit
├── RateLimited                   429  over the hourly limit of the key
└── Unavailable                   503  cannot be served now, may be later
    ├── Busy                      503  the inference queue is full, or the wait was too long
    ├── StoreUnavailable          503  the store of limits and usage does not answer
    └── ModelUnavailable          503  the checkpoint is missing, damaged or cannot be loaded

The tree stands in the lowest room, so that every other one may raise from it. It knows no
Flask: the one handler in api/plumbing/errors.py turns it into JSON.
"""

from __future__ import annotations

from collections.abc import Mapping


class ServiceError(Exception):
    """Root of the tree. `message` tells the client what to do about it and is safe to show.

    Arguments:
        message: one sentence for the client; never a path, a key or a trace.
        headers: HTTP headers that the answer carries (Retry-After and the like).
    """

    status = 500
    error = "internal error"

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})


class BadRequest(ServiceError):
    """The request is malformed: body, field name, type or value."""

    status = 400
    error = "bad request"


class Unauthorized(ServiceError):
    """The API key is missing, unknown or disabled."""

    status = 401
    error = "unauthorized"


class Forbidden(ServiceError):
    """The route is for admins and the admin key is missing, wrong or not configured."""

    status = 403
    error = "forbidden"


class TooLarge(ServiceError):
    """The upload is over MAX_FILE_SIZE_MB."""

    status = 413
    error = "file too large"


class UnsupportedImage(ServiceError):
    """The bytes are not PNG, JPEG, WebP, TIFF or BMP."""

    status = 415
    error = "unsupported image type"


class UndecodableImage(ServiceError):
    """The header says an image type that is taken, but its pixels cannot be read."""

    status = 422
    error = "image cannot be decoded"


class TooManyPixels(UndecodableImage):
    """The picture is over MAX_IMAGE_PIXELS; found from its header, before pixels are decoded."""

    error = "image too large"


class RateLimited(ServiceError):
    """The key has used up its requests of the last hour."""

    status = 429
    error = "rate limit exceeded"


class Unavailable(ServiceError):
    """The service cannot answer now; `retry_after` seconds go into Retry-After."""

    status = 503
    error = "unavailable"

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message, {"Retry-After": str(retry_after)})


class Busy(Unavailable):
    """The inference queue is full, or the request waited longer than REQUEST_TIMEOUT_S."""

    error = "busy"


class StoreUnavailable(Unavailable):
    """The store of limits and usage does not answer."""

    error = "store unavailable"

    def __init__(self) -> None:
        super().__init__("The service's store cannot be reached just now; try again in a moment.")


class ModelUnavailable(Unavailable):
    """The MobileSAM checkpoint is missing, damaged or does not load."""

    error = "model unavailable"
