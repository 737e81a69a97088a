"""The images of the compose file: the app's is built as compose would, the others come from base_images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.e2e import pip_settings
from tests.e2e.base_images import provide
from tests.e2e.engine import Engine

STAGE = re.compile(
    r"^FROM\s+(?:--\S+\s+)?(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?", re.MULTILINE | re.IGNORECASE
)


class NoImage(Exception):
    """An image cannot be had; the message says why."""


def available(engine: Engine, services: dict[str, Any], app: str) -> list[str]:
    """Names of the services that can be started, `app` first.

    Arguments:
        services: as `docker compose config` describes them.
        app: the service whose image is built from the Dockerfile.

    Raises:
        NoImage: what the app's image is built on is not there.
    """
    build(engine, services[app])
    image = services[app]["image"]
    others = {name: service["image"] for name, service in services.items() if service["image"] != image}
    return [app, *(name for name, image in others.items() if provide(engine, image) is None)]


def build(engine: Engine, service: dict[str, Any]) -> None:
    """Build the service's image with this machine's pip settings.

    Raises:
        NoImage: what it is built on is not there.
    """
    described = service["build"]
    dockerfile = Path(described["context"]) / described.get("dockerfile", "Dockerfile")
    stages = list(STAGE.finditer(dockerfile.read_text()))
    names = [stage["name"] for stage in stages if stage["name"]]
    for base in {stage["image"] for stage in stages} - set(names):
        if reason := provide(engine, base):
            raise NoImage(reason)
    arguments = [f"--build-arg={name}={value}" for name, value in described.get("args", {}).items()]
    command = ["build", "--quiet", "--network", "host", "--file", str(dockerfile), *arguments]
    with pip_settings.served(pip_settings.read_settings().folders):
        for name in names if engine.own else []:  # a tag keeps a stage for the next run
            tagged = ["--target", name, "--tag", f"sam-e2e/{name}"]
            engine.docker(*command, *tagged, described["context"], timeout=1200)
        engine.docker(*command, "--tag", service["image"], described["context"], timeout=1200)
    if engine.own:
        engine.docker("image", "prune", "--force")  # what former runs have built
