"""Exceptions that a thread which must go on has caught: each kind is logged once."""

from __future__ import annotations

import structlog

log = structlog.get_logger(__name__)


class Faults:
    """Kinds of exceptions that were logged."""

    def __init__(self) -> None:
        self._kinds: set[str] = set()

    def log(self, event: str, error: Exception) -> None:
        """Log `event` with the traceback of the exception in hand, unless its kind was logged before."""
        if (kind := type(error).__name__) not in self._kinds:
            self._kinds.add(kind)
            log.exception(event, kind=kind)
