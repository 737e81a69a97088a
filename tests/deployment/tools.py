"""Programs that the deployment's tests call."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from scripts.tools import PATH

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
COMPOSE_FILES = ("docker-compose.yml", "docker-compose.gpu.yml")
PROFILES = ("tunnel", "monitoring")
KEYS = "not-a-real-key-0001:Ada:10"


def run(
    command: Sequence[str], folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished command; the environment holds PATH and what is given."""
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": f"{BIN}:{PATH}", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def compose(file: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`docker compose` with all profiles, without an engine, and with no `.env` but the given variables."""
    profiles = [f"--profile={profile}" for profile in PROFILES]
    command = ["docker-compose", "--env-file", "/dev/null", "-f", file, *profiles, *arguments]
    return run(command, environment=environment)


def compose_config(file: str, **environment: str) -> dict[str, Any]:
    """The whole of a compose file as the engine would get it."""
    done = compose(file, "config", **{"API_KEYS": KEYS, **environment})
    assert done.returncode == 0, done.stderr
    config: dict[str, Any] = yaml.safe_load(done.stdout)
    return config


def debian_tool(name: str) -> str | None:
    """Where a program of Debian lies, None if it is not installed."""
    return shutil.which(name, path=PATH)
