"""/admin/stats adds up what all keys and endpoints did; /admin/health shows every level."""

from __future__ import annotations

import os

import pytest
import time_machine

from config import VERSION
from tests.conftest import ADMIN_KEY, KEY, SMALL_KEY

ADMIN = {"X-Admin-Key": ADMIN_KEY}


def stats(client, query=""):
    return client.get(f"/admin/stats{query}", headers=ADMIN)


def test_stats_by_key_and_endpoint(client):
    for _ in range(5):
        client.get("/defaults", headers={"X-API-Key": SMALL_KEY})
    client.get("/defaults", headers={"X-API-Key": KEY})
    client.post("/segment", data=b"{", content_type="application/json", headers={"X-API-Key": KEY})
    client.get("/defaults", headers={"X-API-Key": "nobody"})
    body = stats(client).json
    keys = {entry["name"]: entry for entry in body["keys"]}
    assert list(keys) == ["Ada", "Bob", "Eve"]
    bob = keys["Bob"]
    assert (bob["requests"], bob["errors"], bob["rate_limited"]) == (5, 2, 2)
    assert (bob["used_last_hour"], bob["limit_per_hour"]) == (3, 3)
    assert keys["Ada"]["endpoints"]["/segment"]["errors"] == 1
    assert keys["Ada"]["endpoints"]["/defaults"]["errors"] == 0
    assert keys["Eve"]["enabled"] is False
    assert body["unauthenticated"]["requests"] == 1
    assert body["endpoints"]["/defaults"]["requests"] == 7
    assert body["totals"]["requests"] == 8
    times = body["totals"]["processing_ms"]
    assert 0 < times["p50"] <= times["p95"] <= times["p99"]


def test_stats_show_no_key(client):
    client.get("/defaults", headers={"X-API-Key": KEY})
    text = stats(client).text
    assert KEY not in text
    assert SMALL_KEY not in text
    hints = [key["hint"] for key in stats(client).json["keys"]]
    assert hints[0].startswith("test… ")
    assert len(set(hints)) == len(hints)


def test_stats_cover_the_hours_asked_for(client):
    with time_machine.travel(1_000_000_000, tick=False) as clock:
        client.get("/defaults", headers={"X-API-Key": KEY})
        clock.shift(3 * 3600)
        assert stats(client, "?hours=2").json["totals"]["requests"] == 0
        assert stats(client, "?hours=4").json["totals"]["requests"] == 1
        assert stats(client).json["hours"] == 24
        assert stats(client).json["keys"][0]["used_last_hour"] == 0


def test_stats_over_time(client):
    with time_machine.travel(1_000_000_000, tick=False) as clock:
        client.get("/defaults", headers={"X-API-Key": KEY})
        client.get("/defaults", headers={"X-API-Key": "nobody"})
        clock.shift(3600)
        client.get("/defaults", headers={"X-API-Key": KEY})
        body = stats(client, "?hours=2").json
    assert len(body["series"]) == 61
    assert {span["seconds"] for span in body["series"]} == {120}
    busy = [span for span in body["series"] if span["requests"]]
    assert [(span["requests"], span["errors"]) for span in busy] == [(2, 1), (1, 0)]
    assert busy[0]["start"] <= 1_000_000_000 < busy[0]["start"] + 120
    assert busy[0]["processing_ms"]["p95"] > 0


def test_stats_name_the_instances(client):
    with time_machine.travel(1_000_000_000, tick=False):
        (instance,) = stats(client).json["instances"]
    assert instance["pid"] == os.getpid()
    assert instance["model_loaded"] is False
    assert instance["queue_length"] == 0
    assert instance["version"] == VERSION


@pytest.mark.parametrize("hours", ["0", "-1", "x", "99999", "1.5", "²", "9" * 5000])
def test_bad_hours_are_400(client, hours):
    answer = stats(client, f"?hours={hours}")
    assert answer.status_code == 400
    assert "hours" in answer.json["message"]


@pytest.mark.model
def test_health(client):
    client.get("/defaults", headers={"X-API-Key": KEY})
    stats(client)  # writes the record
    levels = client.get("/admin/health", headers=ADMIN).json["levels"]
    assert levels["response_times"]["requests"] == 1
    assert levels["container"]["worker_memory_bytes"] > 2**20
    assert levels["model"]["queue_size"] == 8
    assert len(levels["model"]["checkpoint"]["sha256"]) == 64


def test_the_page_is_public_and_shows_no_data(client):
    client.get("/defaults", headers={"X-API-Key": KEY})
    answer = client.get("/admin/")
    assert answer.status_code == 200
    assert "Ada" not in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_page_is_found_without_the_slash(client):
    assert client.get("/admin").location == "/admin/"  # whatever host the client claims
