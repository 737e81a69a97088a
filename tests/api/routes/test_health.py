"""Health at its levels, and errors outside the routes."""

from __future__ import annotations

import pytest

from api.plumbing.services import services
from tests.conftest import HEALTH_KEY, KEY, SMALL_KEY


def test_public_health_tells_two_things(client):
    answer = client.get("/health")
    assert answer.json == {"status": "healthy", "model_loaded": False}


@pytest.mark.model
def test_all_levels_with_the_health_key(client):
    body = client.get("/health", headers={"X-Health-Key": HEALTH_KEY}).json
    levels = body["levels"]
    assert list(levels) == ["container", "application", "model", "tunnel", "response_times"]
    assert all(level["status"] in {"healthy", "degraded", "unhealthy"} for level in levels.values())
    assert all(bool(level["reasons"]) == (level["status"] != "healthy") for level in levels.values())
    assert levels["application"]["takes_pictures"]
    store = levels["application"]["store"]
    assert (store["backend"], store["answers"]) == ("sqlite", True)
    assert store["mode"].startswith("refuse: ")
    assert levels["model"]["checkpoint"]["valid"]
    assert levels["model"]["head"]["valid"]
    assert levels["model"]["model_loaded"] is False
    assert "/" not in str(levels["model"]["checkpoint"]) + str(levels["model"]["head"])  # no path


def test_a_wrong_health_key_is_403(client):
    assert client.get("/health", headers={"X-Health-Key": "guess"}).status_code == 403


def test_without_a_configured_key_the_header_does_nothing(make_app):
    client = make_app(health_check_key=None).test_client()
    assert "levels" not in client.get("/health", headers={"X-Health-Key": "None"}).json


@pytest.mark.model
def test_probes(client):
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json == {
        "status": "ready",
        "checks": {"store": True, "checkpoint": True, "head": True, "queue": True},
    }


def test_not_ready_without_a_checkpoint(make_app, tmp_path):
    path = tmp_path / "mobile_sam.pt"
    client = make_app(sam_model_path=path).test_client()
    assert client.get("/health/ready").status_code == 503
    path.write_bytes(b"half a download")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json["checks"] == {"store": True, "checkpoint": False, "head": True, "queue": True}
    assert client.get("/health").status_code == 200


@pytest.mark.model
def test_not_ready_while_draining(app, client):
    services(app).sam.drain()
    assert client.get("/health/ready").json["checks"]["queue"] is False


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/../etc/passwd", 404),
        ("GET", "/segment", 405),
        ("POST", "/health", 405),
        ("PUT", "/segment", 405),
        ("GET", "/health/", 404),
    ],
)
def test_errors_outside_the_routes_are_json_too(client, method, path, status):
    answer = client.open(path, method=method)
    assert answer.status_code == status
    assert answer.json["success"] is False
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    if status == 405:
        assert answer.headers["Allow"]


def test_a_fault_is_a_500_without_a_trace(app):
    @app.get("/fault")
    def fault():
        raise RuntimeError("secret detail")

    answer = app.test_client().get("/fault")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text


def test_other_origins_only_where_they_are_allowed(make_app):
    headers = {"Origin": "https://lab.example"}
    closed = make_app().test_client().get("/health", headers=headers)
    assert "Access-Control-Allow-Origin" not in closed.headers
    app = make_app(allowed_origins="https://lab.example")
    answer = app.test_client().get("/health", headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://lab.example"
    other = app.test_client().get("/health", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_scripts_of_other_origins_may_read_the_headers_that_tell_them_what_to_do(make_app):
    client = make_app(allowed_origins="https://lab.example").test_client()
    headers = {"Origin": "https://lab.example", "X-API-Key": SMALL_KEY}
    answers = [client.get("/defaults", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    exposed = answers[-1].headers["Access-Control-Expose-Headers"].split(", ")
    told = {name for name in dict(answers[-1].headers) if name.startswith(("X-R", "Retry"))}
    assert told == set(exposed)
    closed = make_app().test_client().get("/health", headers=headers)
    assert "Access-Control-Expose-Headers" not in closed.headers


@pytest.mark.parametrize(("hops", "statuses"), [(0, [403, 429]), (1, [403, 403])])
def test_the_clients_address_behind_a_proxy(make_app, hops, statuses):
    """Guesses are counted by address; X-Forwarded-For is believed only as far as it is configured."""
    client = make_app(trusted_proxy_hops=hops).test_client()
    answers = []
    for i in range(11):
        headers = {"X-Admin-Key": "guess", "X-Forwarded-For": f"10.0.0.{i}"}
        answers.append(client.get("/admin/stats", headers=headers).status_code)
    assert [answers[9], answers[10]] == statuses


def test_strict_json_out(app):
    @app.get("/nan")
    def nan():
        return {"value": float("nan")}

    assert app.test_client().get("/nan").status_code == 500
    assert app.test_client().get("/defaults", headers={"X-API-Key": KEY}).status_code == 200
