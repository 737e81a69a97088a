"""What is wrong with a request, a picture or the model, as those who read, check and look say it.

ServiceError
├── BadRequest            unknown field, wrong type or value, what does not lie in the picture
├── TooLarge              more bytes than are taken
├── UnsupportedImage      not an image type that is taken
├── UndecodableImage      damaged, or a kind of pixels that cannot be read
│   └── TooManyPixels     over the pixel limit
└── Unavailable           cannot be done now, may be later
    └── ModelUnavailable  the checkpoint is missing, damaged or cannot be loaded

The root stands in the lowest room, so that every other one may derive its own: store/errors.py,
sam_service.py, api/errors.py. What HTTP makes of each says api/plumbing/errors.py.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Root of every error that is raised on purpose. `message` tells what to do about it and is safe to show.

    Arguments:
        message: one sentence for the client; never a path, a key or a trace.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequest(ServiceError):
    """The request is malformed: body, field name, type or value."""


class TooLarge(ServiceError):
    """The upload is over MAX_FILE_SIZE_MB."""


class UnsupportedImage(ServiceError):
    """The bytes are of no format that is taken."""


class UndecodableImage(ServiceError):
    """The header says an image type that is taken, but its pixels cannot be read."""


class TooManyPixels(UndecodableImage):
    """The picture is over MAX_IMAGE_PIXELS; found from its header, before pixels are decoded."""


class Unavailable(ServiceError):
    """The service cannot answer now; `retry_after` seconds go into Retry-After."""

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelUnavailable(Unavailable):
    """The MobileSAM checkpoint is missing, damaged or does not load."""
