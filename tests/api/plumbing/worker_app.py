"""A small application for the worker under test, and a worker whose loop stands still."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from api.plumbing.worker import Worker

LARGE = 20_000_000
STILL_S = 1.5


class Still(Worker):
    """Its loop stands still after each look, as on a machine that is far over its load."""

    def murder_keepalived(self, force: bool = False) -> None:
        time.sleep(STILL_S)
        super().murder_keepalived(force)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The worker's number; at /large many bytes; at /torn an answer that breaks off."""
    body = str(os.getpid()).encode()
    if environ["PATH_INFO"] == "/large":
        body = bytes(LARGE)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return torn() if environ["PATH_INFO"] == "/torn" else [body]


def torn() -> Iterator[bytes]:
    yield b"1"
    raise OverflowError
