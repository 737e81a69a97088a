"""Instances come, go and die, and nobody who sends pictures notices."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from tests.e2e.conftest import HEALTH_KEY, NEXT_VERSION, PLAIN, SETTINGS
from tests.e2e.stack import APP, PUBLIC_PORT, Client, load, wait_until

pytestmark = pytest.mark.e2e


def fresh(sample: bytes, *shape: int) -> bytes:
    """A piece of the sample that no instance has seen, of `shape` (height, width) or nearly all of it."""
    pixels = cv2.imdecode(np.frombuffer(sample, np.uint8), cv2.IMREAD_COLOR)
    height, width = shape or (pixels.shape[0] - 16, pixels.shape[1] - 16)
    y, x = np.random.default_rng().integers(0, np.subtract(pixels.shape[:2], (height, width)))
    return cv2.imencode(".png", pixels[y : y + height, x : x + width])[1].tobytes()


def large(sample: bytes) -> bytes:
    """Nearly all of the sample with 16 bits a channel and uncompressed: 1.7 MB."""
    pixels = cv2.imdecode(np.frombuffer(fresh(sample), np.uint8), cv2.IMREAD_COLOR)
    return cv2.imencode(".png", pixels.astype(np.uint16) * 257, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()


def long_work(sample: bytes) -> bytes:
    """A picture that takes an instance some seconds: whoever looks finds it at work."""
    pixels = cv2.imdecode(np.frombuffer(fresh(sample), np.uint8), cv2.IMREAD_COLOR)
    return cv2.imencode(".png", cv2.resize(pixels, None, fx=3, fy=3))[1].tobytes()


def is_busy(instance: Client) -> bool:
    """Whether an instance works on a picture."""
    health = instance.get("/health", **{"X-Health-Key": HEALTH_KEY})
    return health.json()["levels"]["model"]["running"]


def test_an_instance_killed_under_load_costs_no_request(three, client, sample):
    small = load(lambda: client.segment(fresh(sample, 200, 240), PLAIN), 3)
    with small as statuses, load(lambda: client.segment_json(large(sample), PLAIN), 3) as of_large:
        wait_until(lambda: len(statuses) >= 3 and len(of_large) >= 3)
        three.engine.docker("kill", three.containers(APP)[0])
        answered, answered_large = len(statuses), len(of_large)
        wait_until(lambda: len(statuses) >= answered + 6 and len(of_large) >= answered_large + 6)
    assert Counter(statuses + of_large) == {200: len(statuses) + len(of_large)}


def test_instances_are_added_and_taken_away_without_a_failed_request(three, client):
    with load(lambda: client.get("/defaults", PLAIN), 4) as statuses:
        three.up(4)
        three.up(3)
    assert len(statuses) > 50
    assert Counter(statuses) == {200: len(statuses)}


@pytest.fixture
def next_version(three):
    """A version to upgrade to, which the others go on with, as an operator does."""
    three.configure({**SETTINGS, "SAM_VERSION": NEXT_VERSION})
    return NEXT_VERSION


def test_an_upgrade_under_load_costs_no_request(three, client, sample, next_version):
    old = set(three.containers(APP))
    with load(lambda: client.segment(fresh(sample, 200, 240), PLAIN), 2) as statuses:
        done = three.upgrade(SAM_VERSION=next_version)
    assert done.returncode == 0, done.stdout + done.stderr
    assert Counter(statuses) == {200: len(statuses)}
    new = three.containers(APP)
    assert len(new) == 3
    assert not old & set(new)
    assert {three.inspect(container)["Config"]["Image"] for container in new} == {
        f"sam-droplets:{next_version}"
    }


def test_an_upgrade_that_does_not_start_leaves_the_old_instances_alone(three, client, next_version):
    old = set(three.containers(APP))
    with load(lambda: client.get("/defaults", PLAIN), 2) as statuses:
        done = three.upgrade(SAM_VERSION=next_version, MAX_IMAGE_PIXELS="none")
    assert done.returncode == 1
    assert "the old ones go on" in done.stderr
    assert Counter(statuses) == {200: len(statuses)}
    assert set(three.containers(APP)) == old


def test_a_stopped_instance_finishes_its_picture_while_others_take_the_new_ones(three, client, sample):
    instances = {container: three.inside(container, PUBLIC_PORT) for container in three.containers(APP)}
    finished: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.segment, long_work(sample), PLAIN, "balanced")
        running.add_done_callback(lambda _: finished.append(time.monotonic()))
        busy = wait_until(
            lambda: next((name for name, one in instances.items() if is_busy(one)), running.done())
        )
        assert isinstance(busy, str), running.result().text
        asked = time.monotonic()
        three.engine.docker("kill", "--signal", "TERM", busy)
        statuses = Counter(client.get("/defaults", PLAIN).status_code for _ in range(30))
        answer = running.result()
    assert (answer.status_code, statuses) == (200, {200: 30})
    assert asked < finished[0]
    assert three.engine.docker("wait", busy).strip() == "0"


def test_the_memory_limit_ends_what_goes_over_it(three):
    hog = ["python", "-c", "print(len(b'x' * 2**30))"]
    with pytest.raises(subprocess.CalledProcessError) as killed:
        three.compose(
            "run", "--rm", "--no-deps", "-T", APP, *hog, SAM_MEMORY="256M", SAM_MEMORY_RESERVED="128M"
        )
    assert killed.value.returncode == 137
