"""The levels of health: what makes each worse, and what it says then."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from api.health.container import Memory
from api.health.levels import worst
from api.health.tunnel import TunnelState
from api.plumbing.services import services
from store.usage import UsageRecord
from tests.conftest import ADMIN_KEY

pytestmark = pytest.mark.model  # which checkpoint it is, is told by its tensors

GIB = 2**30


@pytest.fixture(autouse=True)
def roomy(monkeypatch):
    """A machine that has enough of everything, whatever the one that runs the tests has."""
    has(monkeypatch)


def has(monkeypatch, *, used=1, load=0.1, free=50 * GIB):
    monkeypatch.setattr("api.health.levels.memory", lambda: Memory(used, 100, "cgroup v2"))
    monkeypatch.setattr("api.health.levels.free_disk", lambda _: (free, 100 * GIB))
    monkeypatch.setattr("psutil.getloadavg", lambda: (load, load, load))
    monkeypatch.setattr("os.cpu_count", lambda: 4)


def asked(app):
    answer = app.test_client().get("/admin/health", headers={"X-Admin-Key": ADMIN_KEY})
    assert answer.status_code == 200
    return answer.json


def level(app, name):
    found = asked(app)["levels"][name]
    assert bool(found["reasons"]) == (found["status"] != "healthy")
    assert all(reason.endswith(".") for reason in found["reasons"])
    return found


def test_all_is_well(app):
    body = asked(app)
    assert body["status"] == "healthy"
    assert {found["status"] for found in body["levels"].values()} == {"healthy"}


def test_the_worst_level_is_the_whole():
    assert worst(["healthy", "unhealthy", "degraded"]) == "unhealthy"
    assert worst(["degraded", "healthy"]) == "degraded"


@pytest.mark.parametrize(
    ("machine", "status", "word"),
    [
        ({"used": 90}, "healthy", ""),
        ({"used": 91}, "degraded", "91% of the memory"),
        ({"used": 98}, "unhealthy", "98% of the memory"),
        ({"load": 8.1}, "degraded", "load"),
        ({"free": GIB - 1}, "degraded", "1023 MiB"),
        ({"free": 99 * 2**20}, "unhealthy", "99 MiB"),
    ],
)
def test_container(app, monkeypatch, machine, status, word):
    has(monkeypatch, **machine)
    found = level(app, "container")
    assert found["status"] == status
    assert word in " ".join(found["reasons"])
    assert asked(app)["status"] == status


def test_container_tells_both_reasons(app, monkeypatch):
    has(monkeypatch, used=91, free=1)
    found = level(app, "container")
    assert (found["status"], len(found["reasons"])) == ("unhealthy", 2)


def lose_store(app, monkeypatch):
    monkeypatch.setattr(services(app).store._guard, "_answers", lambda: False)


@pytest.mark.parametrize(("outage", "status"), [("refuse", "unhealthy"), ("allow", "degraded")])
def test_a_store_that_does_not_answer_is_told(make_app, monkeypatch, outage, status):
    app = make_app(store_outage=outage)
    lose_store(app, monkeypatch)
    found = level(app, "application")
    assert (found["status"], found["store"]["answers"]) == (status, False)
    assert "store" in found["reasons"][0]


def test_draining_and_a_full_queue_are_degraded(app, monkeypatch):
    services(app).sam.drain()
    found = level(app, "application")
    assert (found["status"], found["draining"]) == ("degraded", True)
    status = services(app).sam.status()
    monkeypatch.setattr(services(app).sam, "status", lambda: replace(status, queue_length=8, draining=False))
    assert "full" in level(app, "application")["reasons"][0]


def test_a_missing_checkpoint_is_unhealthy_and_its_path_is_not_told(make_app, tmp_path):
    found = level(make_app(sam_model_path=tmp_path / "mobile_sam.pt"), "model")
    assert found["status"] == "unhealthy"
    assert str(tmp_path) not in str(found)


def test_a_missing_head_is_unhealthy_and_its_path_is_not_told(make_app, tmp_path):
    found = level(make_app(head_model_path=tmp_path / "none.safetensors"), "model")
    assert found["status"] == "unhealthy"
    assert not found["head"]["valid"]
    assert str(tmp_path) not in str(found)


def test_without_a_tunnel_the_level_says_so(app):
    found = level(app, "tunnel")
    assert (found["status"], found["configured"], found["note"]) == ("healthy", False, "not configured")


@pytest.mark.parametrize(
    ("state", "status"),
    [(TunnelState(4), "healthy"), (TunnelState(0, "The tunnel has no connection."), "unhealthy")],
)
def test_tunnel(make_app, monkeypatch, state, status):
    app = make_app(tunnel_metrics_url="http://cloudflare-tunnel:2000")
    monkeypatch.setattr(services(app).tunnel, "state", lambda: state)
    found = level(app, "tunnel")
    assert (found["status"], found["connections"]) == (status, state.connections)
    assert "cloudflare-tunnel" not in str(found)


@pytest.mark.parametrize(
    ("good", "faults", "ms", "status"),
    [
        (19, 1, 100, "healthy"),
        (38, 4, 100, "degraded"),
        (9, 11, 100, "unhealthy"),
        (0, 19, 100, "healthy"),
        (20, 0, 151_000, "degraded"),
    ],
    ids=["one of twenty failed", "over 5 %", "over half", "too few to tell", "slow"],
)
def test_response_times(app, good, faults, ms, status):
    now = time.time()
    records = [UsageRecord(now, "Ada", "/segment", code, ms) for code in [200] * good + [500] * faults]
    services(app).store.usage.add([*records, UsageRecord(now - 3700, "Ada", "/segment", 500, 9e6)])
    found = level(app, "response_times")
    assert (found["status"], found["requests"], found["server_errors"]) == (status, good + faults, faults)
    assert found["processing_ms"]["p95"] == ms


def test_records_that_cannot_be_read_are_told(app, monkeypatch):
    lose_store(app, monkeypatch)
    assert level(app, "response_times")["status"] == "degraded"
