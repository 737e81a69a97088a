"""Rate limits hold over instances and restarts, and a store that is away is said loudly."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.e2e.conftest import FIVE, PLAIN, TWENTY
from tests.e2e.stack import APP, METRICS_PORT, PUBLIC_PORT, REDIS, Client, wait_until

pytestmark = pytest.mark.e2e


def test_a_limit_is_exact_over_three_instances(three, client):
    with ThreadPoolExecutor(30) as pool:
        statuses = Counter(pool.map(lambda _: client.get("/defaults", TWENTY).status_code, range(60)))
    assert statuses == {200: 20, 429: 40}


def test_a_restart_forgets_no_request(three):
    client = three.client()
    while (answer := client.get("/defaults", FIVE)).status_code == 200:
        pass
    assert answer.status_code == 429
    three.compose("restart", REDIS, APP)
    three.up(3)
    assert three.client().get("/defaults", FIVE).status_code == 429


def test_without_the_store_requests_are_refused_until_it_is_back(three, client):
    three.compose("kill", REDIS)
    try:
        wait_until(lambda: client.get("/defaults", PLAIN).status_code == 503)
        answer = client.get("/defaults", PLAIN)
        assert answer.json()["success"] is False
        assert int(answer.headers["Retry-After"]) > 0
        assert client.get("/health").status_code == 200
        assert client.get("/health/ready").status_code == 503
        for container in three.containers(APP):
            metrics = three.inside(container, METRICS_PORT)
            wait_until(lambda metrics=metrics: "sam_store_up 0" in metrics.get("/metrics").text)
    finally:
        three.compose("start", REDIS)
    wait_until(lambda: client.get("/defaults", PLAIN).status_code == 200)


def test_without_the_store_requests_pass_if_the_operator_wants_it(three):
    permissive = three.compose("run", "--detach", "--no-deps", "--env=STORE_OUTAGE=allow", APP).strip()
    try:
        client = three.inside(permissive, PUBLIC_PORT)
        wait_until(lambda: is_ready(client))
        three.compose("kill", REDIS)
        assert Counter(client.get("/defaults", PLAIN).status_code for _ in range(5)) == {200: 5}
    finally:
        three.compose("start", REDIS)
        three.engine.docker("rm", "--force", permissive)


def is_ready(instance: Client) -> bool:
    """Whether an instance answers, and takes pictures."""
    try:
        return instance.get("/health/ready").ok
    except requests.ConnectionError:
        return False
