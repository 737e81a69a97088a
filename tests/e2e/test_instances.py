"""Instances come, go and die, and nobody who sends pictures notices."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from tests.e2e.conftest import HEALTH_KEY, PLAIN
from tests.e2e.stack import APP, PUBLIC_PORT, Stack, load, wait_until

pytestmark = pytest.mark.e2e


def fresh(sample: bytes, *shape: int) -> bytes:
    """A piece of the sample that no instance has seen, of `shape` (height, width) or nearly all of it."""
    pixels = cv2.imdecode(np.frombuffer(sample, np.uint8), cv2.IMREAD_COLOR)
    height, width = shape or (pixels.shape[0] - 16, pixels.shape[1] - 16)
    y, x = np.random.default_rng().integers(0, np.subtract(pixels.shape[:2], (height, width)))
    return cv2.imencode(".png", pixels[y : y + height, x : x + width])[1].tobytes()


def busy_instance(stack: Stack) -> str | None:
    """The container of an instance that works on a picture."""
    for container in stack.containers(APP):
        health = stack.inside(container, PUBLIC_PORT).get("/health", **{"X-Health-Key": HEALTH_KEY})
        if health.json()["levels"]["model"]["running"]:
            return container
    return None


def test_an_instance_killed_under_load_costs_no_request(three, client, sample):
    wait_until(lambda: three.balanced() == 3)
    with load(lambda: client.segment(fresh(sample, 200, 240), PLAIN), 6) as statuses:
        wait_until(lambda: len(statuses) >= 6)
        three.engine.docker("kill", three.containers(APP)[0])
        answered = len(statuses)
        wait_until(lambda: len(statuses) >= answered + 12)
    assert Counter(statuses) == {200: len(statuses)}


def test_instances_are_added_and_taken_away_without_a_failed_request(three, client):
    with load(lambda: client.get("/defaults", PLAIN), 4) as statuses:
        three.up(5)
        wait_until(lambda: three.balanced() == 5)
        three.up(3)
        wait_until(lambda: three.balanced() == 3)
    assert len(statuses) > 50
    assert Counter(statuses) == {200: len(statuses)}


def test_a_stopped_instance_finishes_its_picture_while_others_take_the_new_ones(three, client, sample):
    wait_until(lambda: three.balanced() == 3)
    finished: list[float] = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(client.segment, fresh(sample), PLAIN, "balanced")
        running.add_done_callback(lambda _: finished.append(time.monotonic()))
        wait_until(lambda: busy_instance(three) or running.done())
        busy = busy_instance(three)
        assert busy is not None, running.result().text
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
