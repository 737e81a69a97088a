"""A host beyond the machine, played by a network namespace: what a container without limits can reach."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.tools import PATH

ENVIRONMENT = {**os.environ, "PATH": PATH}
NAME = "sam-e2e-outside"
HERE, THERE, PORT = "203.0.113.1", "203.0.113.2", 8080  # addresses kept for documentation
LISTEN = f"import socket; server = socket.create_server({(THERE, PORT)})\nwhile True: server.accept()"
LINK = ("sam-e2e-here", "sam-e2e-there")


def can_be_made() -> bool:
    """Whether this machine has what it takes (Debian package iproute2; root)."""
    return shutil.which("ip", path=PATH) is not None


@contextmanager
def host() -> Iterator[tuple[str, int]]:
    """Address and port of a listener that is reached by forwarding alone."""
    _ip("netns", "add", NAME)
    try:
        _ip("link", "add", LINK[0], "type", "veth", "peer", "name", LINK[1], "netns", NAME)
        _ip("address", "add", f"{HERE}/30", "dev", LINK[0])
        _ip("link", "set", LINK[0], "up")
        _ip("-n", NAME, "address", "add", f"{THERE}/30", "dev", LINK[1])
        _ip("-n", NAME, "link", "set", LINK[1], "up")
        _ip("-n", NAME, "route", "add", "default", "via", HERE)
        process = subprocess.Popen(
            ["ip", "netns", "exec", NAME, sys.executable, "-c", LISTEN], env=ENVIRONMENT
        )
        try:
            yield THERE, PORT
        finally:
            process.terminate()
            process.wait(30)
    finally:
        _ip("netns", "delete", NAME)  # the link goes with it


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], env=ENVIRONMENT, check=True, capture_output=True)
