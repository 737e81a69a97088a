"""The images of the compose file: the app's is built as compose would, the others come from base_images."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.e2e import pip_settings
from tests.e2e.base_images import provide
from tests.e2e.engine import CACHE, Engine

FREE_BYTES = 20 * 2**30  # an image with a CUDA build of torch takes 6 GB, and its build twice that more
DISK_FULL = "no space left on device"
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
        NoImage: what the app's image is built on is not there, or the disk is too small.
    """
    build(engine, services[app])
    image = services[app]["image"]
    others = {name: service["image"] for name, service in services.items() if service["image"] != image}
    return [app, *(name for name, image in others.items() if provide(engine, image) is None)]


def build(engine: Engine, service: dict[str, Any]) -> None:
    """Build the service's image with this machine's pip settings.

    Raises:
        NoImage: what it is built on is not there, or the disk is too small.
    """
    described = service["build"]
    dockerfile = Path(described["context"]) / described.get("dockerfile", "Dockerfile")
    stages = list(STAGE.finditer(dockerfile.read_text()))
    names = [stage["name"] for stage in stages if stage["name"]]
    kept = {name: f"sam-e2e/{name}" for name in names if engine.own}  # a tag keeps a stage for the next run
    if engine.own:
        _check_disk(engine, kept.values())
    for base in {stage["image"] for stage in stages} - set(names):
        if reason := provide(engine, base):
            raise NoImage(reason)
    arguments = [f"--build-arg={name}={value}" for name, value in described.get("args", {}).items()]
    command = ["build", "--quiet", "--network", "host", "--file", str(dockerfile), *arguments]
    try:
        with pip_settings.served(pip_settings.read_settings().folders):
            for name, tag in kept.items():
                target = ["--target", name, "--tag", tag]
                engine.docker(*command, *target, described["context"], timeout=1200)
            engine.docker(*command, "--tag", service["image"], described["context"], timeout=1200)
    except subprocess.CalledProcessError as error:
        if DISK_FULL in "".join(error.__notes__):
            raise NoImage(f"the image does not fit: {DISK_FULL}") from None
        raise
    finally:
        if engine.own:
            engine.docker("image", "prune", "--force")  # what former runs have built


def _check_disk(engine: Engine, kept: Iterable[str]) -> None:
    """Raise NoImage where a first build would fill the disk; after it the stages are `kept`."""
    free = shutil.disk_usage(CACHE).free
    if free < FREE_BYTES and any(engine.try_docker("image", "inspect", tag).returncode for tag in kept):
        raise NoImage(f"{free >> 30} GiB are free in {CACHE}, the first build takes {FREE_BYTES >> 30}")
