"""Prometheus scrapes every instance, and the dashboards' queries find data."""

from __future__ import annotations

import json
import re

import pytest
import requests

from tests.e2e.conftest import FIVE, PLAIN
from tests.e2e.stack import PROMETHEUS, ROOT, wait_until

pytestmark = pytest.mark.e2e

PORT = 9090
DASHBOARDS = sorted((ROOT / "monitoring").glob("grafana/**/*.json"))
VARIABLES = {"__rate_interval": "1m", "__interval": "15s", "__range": "5m"}


@pytest.fixture
def prometheus(three):
    """Address of Prometheus."""
    if PROMETHEUS not in three.services:
        pytest.skip("docker-compose.yml's Prometheus is not to be had")
    return three.inside(three.containers(PROMETHEUS)[0], PORT).address


def ask(prometheus: str, path: str, **parameters: str) -> dict:
    answer = requests.get(f"{prometheus}/api/v1/{path}", params=parameters, timeout=30)
    assert answer.ok, answer.text
    return answer.json()["data"]


def queries() -> list[str]:
    """Every panel's expressions, with Grafana's variables filled in."""
    found = []
    for file in DASHBOARDS:
        panels = json.loads(file.read_text())["panels"]
        panels += [inner for panel in panels for inner in panel.get("panels", [])]
        found += [target["expr"] for panel in panels for target in panel.get("targets", [])]
    return [re.sub(r"\$\{?(\w+)(:\w+)?\}?", lambda m: VARIABLES.get(m[1], ".*"), query) for query in found]


def test_every_target_is_up(three, prometheus):
    def down() -> list[str]:
        targets = ask(prometheus, "targets")["activeTargets"]
        expected = [target for target in targets if target["labels"]["job"] in three.services]
        return [target["scrapeUrl"] for target in expected if target["health"] != "up"]

    def instances() -> int:
        return len(ask(prometheus, "query", query='up{job="sam-app"} == 1')["result"])

    wait_until(lambda: instances() == 3)
    wait_until(lambda: not down())


def test_alert_rules_are_loaded_and_sound(prometheus):
    rules = [rule for group in ask(prometheus, "rules")["groups"] for rule in group["rules"]]
    assert rules
    assert [rule["name"] for rule in rules if rule["health"] == "err"] == []


def test_every_query_of_the_dashboards_returns_data(client, prometheus, sample):
    """After a picture, a request over the limit and a refused key; figures of a GPU need one."""
    assert queries()
    assert client.segment(sample, PLAIN).status_code == 200
    assert client.get("/defaults", "not-a-key").status_code == 401
    while client.get("/defaults", FIVE).status_code != 429:
        pass

    def silent() -> list[str]:
        asked = [query for query in queries() if "_gpu_" not in query]
        return [query for query in asked if not ask(prometheus, "query", query=query)["result"]]

    wait_until(lambda: not silent())
