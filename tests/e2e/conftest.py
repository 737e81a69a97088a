"""An engine, the images and a running stack of three instances, once for all tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.engine import Engine, NoEngine
from tests.e2e.engine import engine as running_engine
from tests.e2e.images import NoImage, available
from tests.e2e.stack import APP, ROOT, Client, Stack

ADMIN_KEY = "e2e-admin-key-0001"
HEALTH_KEY = "e2e-health-key-0002"
LIMITS = {"e2e-key-0001-plain": 100_000, "e2e-key-0002-twenty": 20, "e2e-key-0003-five": 5}
PLAIN, TWENTY, FIVE = LIMITS
SETTINGS = {
    "API_KEYS": ",".join(f"{key}:{key.rpartition('-')[2]}:{limit}" for key, limit in LIMITS.items()),
    "ADMIN_API_KEY": ADMIN_KEY,
    "HEALTH_CHECK_KEY": HEALTH_KEY,
    "SAM_VERSION": "e2e",
    "SAM_CPUS": "1",
    "SAM_CPUS_RESERVED": "0.5",
    "SAM_MEMORY": "3G",
    "SAM_MEMORY_RESERVED": "1G",
}
NEXT_VERSION = "e2e-next"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The Docker engine that runs here, or one for the tests."""
    try:
        with running_engine() as found:
            yield found
    except NoEngine as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def make_stack(engine, tmp_path_factory) -> Iterator[Callable[[], Stack]]:
    """Projects of their own, not started yet; at the end they are taken down, and nothing of them is left."""
    made = []

    def make() -> Stack:
        stack = Stack(engine, f"sam-e2e-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("stack"))
        stack.configure(SETTINGS)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.down()
        assert stack.left() == []
    engine.try_docker("image", "rm", f"sam-droplets:{NEXT_VERSION}")


@pytest.fixture(scope="session")
def services(engine, make_stack) -> list[str]:
    """The services whose images are to be had here."""
    try:
        return available(engine, make_stack().configuration()["services"], APP)
    except NoImage as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def stack(make_stack, services) -> Stack:
    """The running stack."""
    made = make_stack()
    made.services.extend(services)
    made.up()
    return made


@pytest.fixture
def three(stack) -> Stack:
    """The stack with three instances, all of them ready."""
    if not stack.is_up(3):
        stack.up(3)
    return stack


@pytest.fixture
def client(three) -> Client:
    """Client of the load balancer before three instances."""
    return three.client()


@pytest.fixture(scope="session")
def sample() -> bytes:
    """The sample picture."""
    return (ROOT / "examples" / "droplets.png").read_bytes()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """A failed test shows the containers' logs."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and report.when != "teardown" and stack is not None:  # afterwards they are gone
        report.sections.append(("containers", stack.logs()))
    return report
