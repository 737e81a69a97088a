"""Leaves the machine's packet filter and forwarding as they were before dockerd came."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.tools import PATH

FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
DOCKERS = re.compile(r"DOCKER|\b(docker0|docker_gwbridge|br-[0-9a-f]{12})\b")
POLICY = re.compile(r":(?P<chain>\S+) (?P<policy>ACCEPT|DROP) ")


@contextmanager
def kept() -> Iterator[None]:
    """Chains and rules that dockerd adds are gone afterwards; those of others stay, also new ones."""
    before = policies(_run("iptables-save"))
    forwarding = FORWARDING.read_text()
    try:
        yield
    finally:
        _run("iptables-restore", without_docker(_run("iptables-save"), before))
        FORWARDING.write_text(forwarding)


def policies(saved: str) -> dict[tuple[str, str], str]:
    """Policy of each built-in chain, by (table, chain)."""
    found = {}
    table = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif match := POLICY.match(line):
            found[table, match["chain"]] = match["policy"]
    return found


def without_docker(saved: str, before: dict[tuple[str, str], str]) -> str:
    """What iptables-save printed, less Docker's chains and rules and with the policies of `before`."""
    kept_lines = []
    table = ""
    for line in saved.splitlines():
        if DOCKERS.search(line):
            continue
        if line.startswith("*"):
            table = line[1:]
        if match := POLICY.match(line):
            policy = before.get((table, match["chain"]), "ACCEPT")
            line = f":{match['chain']} {policy} [0:0]"  # noqa: PLW2901
        kept_lines.append(line)
    return "\n".join(kept_lines) + "\n"


def _run(command: str, text: str | None = None) -> str:
    done = subprocess.run(
        [command], input=text, env={**os.environ, "PATH": PATH}, capture_output=True, text=True, check=True
    )
    return done.stdout
