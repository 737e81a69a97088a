"""Downloads one file over HTTP, with retries, a time limit and a check of what arrived."""

from __future__ import annotations

import hashlib
import socket
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from model.progress import Progress

_CHUNK = 1 << 16


class SourceUnavailable(Exception):
    """A source cannot give its file; the message is the reason, one line for the user."""


class _WorthRetrying(Exception):
    """This attempt failed, the next one may not."""


@dataclass(frozen=True)
class Limits:
    """How long to try.

    Attributes:
        attempts: tries in all.
        back_off_s: seconds before the second try; doubled before each further one.
        stall_s: seconds without a connection or a single byte.
        attempt_s: seconds for one whole try.
    """

    attempts: int = 3
    back_off_s: float = 1.0
    stall_s: float = 10.0
    attempt_s: float = 600.0


def download(address: str, to: Path, size: int, sha256: str, limits: Limits) -> None:
    """Put the file at `address` into `to`, which is complete and right when this returns.

    Arguments:
        address: HTTP or HTTPS address; proxies are taken from the environment.
        to: file to write; removed again if the download fails.
        size: bytes expected.
        sha256: hexadecimal hash expected.
        limits: how long to try.

    Raises:
        SourceUnavailable: no connection, an error answer, too slow, or other bytes than expected.
    """
    try:
        _with_retries(address, to, size, limits)
        _check(to, size, sha256)
    except SourceUnavailable:
        to.unlink(missing_ok=True)
        raise


def _with_retries(address: str, to: Path, size: int, limits: Limits) -> None:
    for attempt in range(1, limits.attempts + 1):
        try:
            _attempt(address, to, size, limits)
            break
        except _WorthRetrying as error:
            if attempt == limits.attempts:
                raise SourceUnavailable(f"{error} ({attempt} attempts)") from error
            pause = limits.back_off_s * 2 ** (attempt - 1)
            print(f"{error}; trying again in {pause:g} s", file=sys.stderr)
            time.sleep(pause)


def _attempt(address: str, to: Path, size: int, limits: Limits) -> None:
    deadline = time.monotonic() + limits.attempt_s
    request = Request(address)  # noqa: S310 - the manifest's address
    try:
        with urlopen(request, timeout=limits.stall_s) as answer:  # noqa: S310
            _save(answer, to, size, deadline)
    except HTTPError as error:
        reason = f"the server answered {error.code} {error.reason}"
        kind = (
            _WorthRetrying
            if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code == HTTPStatus.TOO_MANY_REQUESTS
            else SourceUnavailable
        )
        raise kind(reason) from error
    except URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise SourceUnavailable(f"no connection within {limits.stall_s:g} s") from error
        raise _WorthRetrying(_reason(error.reason)) from error
    except (OSError, HTTPException) as error:
        raise _WorthRetrying(_reason(error)) from error


def _save(answer: HTTPResponse, to: Path, size: int, deadline: float) -> None:
    done = 0
    progress = Progress(to.name, size)
    try:
        with to.open("wb") as file:
            # read1 returns what is there, so that a trickle of bytes cannot outlast the deadline.
            while chunk := answer.read1(_CHUNK):
                done += file.write(chunk)
                progress.show(done)
                if done > size:
                    raise SourceUnavailable(f"more than the {size:,} bytes expected")
                if time.monotonic() > deadline:
                    raise _WorthRetrying(f"too slow: {done:,} of {size:,} bytes in the time allowed")
    finally:
        progress.close(done)
    if done < size:
        raise _WorthRetrying(f"the transfer broke off after {done:,} of {size:,} bytes")


def _check(path: Path, size: int, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise SourceUnavailable(f"wrong file: expected {size:,} bytes with sha256 {sha256}, found {found}")


def _reason(error: object) -> str:
    match error:
        case socket.gaierror():
            return "the host name cannot be resolved"
        case ConnectionRefusedError():
            return "the connection was refused"
        case TimeoutError():
            return "the server stopped sending"
        case _:
            return "the connection failed"
