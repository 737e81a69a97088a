"""One `docker compose` project of the service, through the real compose file."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests

from tests.e2e.engine import Engine

ROOT = Path(__file__).parent.parent.parent
APP, BALANCER, REDIS, PROMETHEUS = "sam-app", "load-balancer", "redis", "prometheus"
PUBLIC_PORT, METRICS_PORT, BALANCER_METRICS_PORT = 9487, 9464, 8404
Found = TypeVar("Found")


@dataclass(frozen=True)
class Client:
    """Asks the service through a port that is published on this machine.

    Attributes:
        address: http://host:port.
    """

    address: str

    def get(self, path: str, key: str | None = None, **headers: str) -> requests.Response:
        """Answer to a GET."""
        if key:
            headers["X-API-Key"] = key
        return requests.get(self.address + path, headers=headers, timeout=60)

    def segment(self, picture: bytes, key: str, quality: str = "fast") -> requests.Response:
        """Answer to a POST of /segment_file."""
        return requests.post(
            f"{self.address}/segment_file",
            files={"file": picture},
            data={"options": json.dumps({"quality": quality})},
            headers={"X-API-Key": key},
            timeout=300,
        )

    def segment_json(self, picture: bytes, key: str, quality: str = "fast") -> requests.Response:
        """Answer to a POST of /segment."""
        return requests.post(
            f"{self.address}/segment",
            json={"image": base64.b64encode(picture).decode(), "options": {"quality": quality}},
            headers={"X-API-Key": key},
            timeout=300,
        )


@dataclass(frozen=True)
class Stack:
    """A compose project.

    Attributes:
        engine: runs it.
        project: its name, which no other project has.
        folder: for .env and the override file.
        services: those whose images are to be had.
    """

    engine: Engine
    project: str
    folder: Path
    services: list[str] = field(default_factory=list)

    def configure(self, settings: dict[str, str]) -> None:
        """Write .env, and an override file with free ports and the place where the checkpoint really lies.

        Unless the environment says otherwise, torch comes from where this machine's pip finds it.
        """
        lines = [f"{name}={value}\n" for name, value in {"TORCH_BACKEND": "", **settings}.items()]
        (self.folder / ".env").write_text("".join(lines))
        changes = self.folder / "changes.yml"
        changes.write_text("{}")
        seed = (ROOT / "model" / "mobile_sam.pt").resolve().parent
        lines = ["services:", "  model:", f'    volumes: ["{seed}:/seed:ro"]']
        for name, service in self.configuration()["services"].items():
            if ports := [f'"127.0.0.1::{port["target"]}"' for port in service.get("ports", [])]:
                lines += [f"  {name}:", f"    ports: !override [{', '.join(ports)}]"]
        changes.write_text("\n".join(lines))

    @property
    def options(self) -> list[str]:
        """What tells `docker compose` which project with which files is meant."""
        options = ["--project-name", self.project, "--project-directory", str(ROOT), "--profile", "*"]
        options += ["--env-file", str(self.folder / ".env")]
        for file in (ROOT / "docker-compose.yml", self.folder / "changes.yml"):
            options += ["--file", str(file)]
        return options

    def compose(self, *arguments: str, timeout: float = 400, **changes: str) -> str:
        """What `docker compose ...` prints; `changes` are variables that win over .env."""
        engine = Engine({**self.engine.environment, **changes}, self.engine.own)
        return engine.docker("compose", *self.options, *arguments, timeout=timeout)

    def upgrade(self, **changes: str) -> subprocess.CompletedProcess[str]:
        """scripts/upgrade.sh, whatever its exit status; `changes` are variables that win over .env."""
        return subprocess.run(
            [str(ROOT / "scripts" / "upgrade.sh"), *self.options],
            env={**self.engine.environment, **changes},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def configuration(self) -> dict[str, Any]:
        """What compose makes of the files and .env."""
        return json.loads(self.compose("config", "--format", "json"))

    def up(self, instances: int = 3, **changes: str) -> None:
        """Start what is not running, and wait until all of it is healthy and the load balancer knows it.

        The load balancer is healthy with one instance, and finds another one some seconds after that is.
        """
        scale = ["--scale", f"{APP}={instances}", "--wait", "--wait-timeout", "300"]
        self.compose("up", "--detach", "--pull", "never", "--no-build", *scale, *self.services, **changes)
        wait_until(lambda: self.balanced() == instances)

    def is_up(self, instances: int) -> bool:
        """Whether everything runs and is healthy, with so many instances that the load balancer knows."""
        label = f"label=com.docker.compose.project={self.project}"
        columns = '{{.Label "com.docker.compose.service"}} {{.Status}}'
        listed = self.engine.docker("ps", "--filter", label, "--format", columns).splitlines()
        running = Counter(
            line.split()[0] for line in listed if "unhealthy" not in line and "health:" not in line
        )
        wanted = {**dict.fromkeys(self.services, 1), APP: instances}
        return running == wanted and self.balanced() == instances

    def down(self) -> None:
        """Remove all there is of the project, volumes too."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def left(self) -> list[str]:
        """Ids of all containers, networks and volumes of the project."""
        label = f"--filter=label=com.docker.compose.project={self.project}"
        kinds = (["ps", "--all", "--quiet"], ["network", "ls", "--quiet"], ["volume", "ls", "--quiet"])
        return [name for kind in kinds for name in self.engine.docker(*kind, label).split()]

    def containers(self, service: str) -> list[str]:
        """Ids of the service's running containers."""
        return self.compose("ps", "--quiet", "--status", "running", service).split()

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine knows of a container."""
        return json.loads(self.engine.docker("inspect", container))[0]

    def execute(self, container: str, *command: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command in a container."""
        done = self.engine.try_docker("exec", container, *command, timeout=timeout)
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def client(self) -> Client:
        """Client of the load balancer's published port, as long as that container runs."""
        return Client(f"http://{self.compose('port', BALANCER, str(PUBLIC_PORT)).strip()}")

    def inside(self, container: str, port: int) -> Client:
        """Client of a port that is not published; the host reaches it by the container's own address."""
        networks = self.inspect(container)["NetworkSettings"]["Networks"].values()
        return Client(f"http://{next(network['IPAddress'] for network in networks)}:{port}")

    def balanced(self) -> int:
        """How many instances the load balancer has found ready."""
        answer = self.inside(self.containers(BALANCER)[0], BALANCER_METRICS_PORT).get("/metrics")
        wanted = 'haproxy_server_status{proxy="ready",server="'
        lines = [
            line for line in answer.text.splitlines() if line.startswith(wanted) and 'state="UP"' in line
        ]
        return sum(line.endswith(" 1") for line in lines)

    def logs(self, lines: int = 60) -> str:
        """The last lines of each container's log."""
        return self.compose("logs", "--no-color", "--tail", str(lines))


def wait_until(condition: Callable[[], Found], seconds: float = 400) -> Found:
    """What the condition gives once it holds; an AssertionError if it never does."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
    return found


@contextmanager
def load(request: Callable[[], requests.Response], clients: int) -> Iterator[list[int | str]]:
    """`clients` threads repeat the request; the list grows by each answer's status, or by what failed."""
    statuses: list[int | str] = []
    stop = threading.Event()

    def repeat() -> None:
        while not stop.is_set():
            try:
                statuses.append(request().status_code)
            except requests.RequestException as error:
                statuses.append(type(error).__name__)

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(repeat) for _ in range(clients)]
        try:
            yield statuses
        finally:
            stop.set()
        for future in running:
            future.result()
