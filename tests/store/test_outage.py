"""What clients, probes and operators see while the store is away, and that it passes by itself."""

from __future__ import annotations

import sqlite3
import time
from functools import partial

import pytest
from flask import Flask

from api.plumbing.services import services
from store.database import Database
from store.redis import connect
from tests.conftest import ADMIN_KEY, HEALTH_KEY, KEY, SMALL_KEY
from tests.store.backends import BINARY, RedisServer, written


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    monkeypatch.setattr("store.guard.RETRY_S", 0.05)


def get(app: Flask, key: str = KEY, path: str = "/defaults"):
    return app.test_client().get(path, headers={"X-API-Key": key})


def ready(app: Flask):
    return app.test_client().get("/health/ready")


def store_health(app: Flask) -> dict:
    answer = app.test_client().get("/health", headers={"X-Health-Key": HEALTH_KEY})
    return answer.json["levels"]["application"]["store"]


def admin(app: Flask, key: str, path: str = "/admin/health"):
    return app.test_client().get(path, headers={"X-Admin-Key": key})


def wait_until_back(app: Flask) -> None:
    deadline = time.monotonic() + 20
    while not services(app).store.status().up:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def assert_refused(answer) -> None:
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json["error"] == "store unavailable"
    assert "redis" not in answer.text.lower()


@pytest.mark.model
def test_with_refuse_requests_are_503_until_redis_is_back(make_app, redis_server):
    app = make_app(redis_url=redis_server.url)
    assert get(app).status_code == 200
    assert ready(app).status_code == 200
    redis_server.kill()
    assert_refused(get(app))
    assert_refused(get(app))
    assert_refused(admin(app, ADMIN_KEY, "/admin/stats"))
    assert ready(app).status_code == 503
    assert ready(app).json["checks"]["store"] is False
    health = store_health(app)
    assert (health["backend"], health["answers"]) == ("redis", False)
    assert health["since"] <= time.time()
    assert health["mode"].startswith("refuse: ")
    assert services(app).store.status().failures > 0
    redis_server.start()
    wait_until_back(app)
    assert get(app).status_code == 200
    assert ready(app).status_code == 200
    assert store_health(app)["answers"] is True


@pytest.mark.model
def test_with_allow_each_worker_counts_alone_until_redis_is_back(make_app, redis_server, tmp_path):
    log = tmp_path / "sam.log"
    app = make_app(redis_url=redis_server.url, store_outage="allow", log_file=log)
    redis_server.kill()
    answers = [get(app, SMALL_KEY) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert ready(app).status_code == 200
    health = store_health(app)
    assert health["answers"] is False
    assert health["mode"] == "allow: limits are local to each worker while the store is away"
    assert_refused(admin(app, ADMIN_KEY, "/admin/stats"))  # nobody knows the figures now
    redis_server.start()
    wait_until_back(app)
    assert get(app, SMALL_KEY).status_code == 200  # the shared count goes on where it was
    written = log.read_text()
    assert written.count("store does not answer") == written.count("store answers again") == 1


def test_usage_of_the_outage_is_written_after_it(make_app, redis_server):
    app = make_app(redis_url=redis_server.url, store_outage="allow")
    redis_server.kill()
    for _ in range(3):
        get(app)
    redis_server.start()
    wait_until_back(app)
    services(app).auth.usage.flush()
    assert len(written(services(app).store.usage)) == 3


@pytest.mark.model
@pytest.mark.parametrize("outage", ["refuse", "allow"])
def test_admins_see_the_outage_and_guessing_stays_limited(make_app, redis_server, outage):
    app = make_app(redis_url=redis_server.url, store_outage=outage)
    redis_server.kill()
    answer = admin(app, ADMIN_KEY)
    assert answer.status_code == 200
    assert answer.json["levels"]["application"]["store"]["answers"] is False
    assert answer.json["levels"]["response_times"]["requests"] is None
    assert [admin(app, "guess").status_code for _ in range(11)] == [403] * 10 + [429]


def test_a_service_may_start_before_its_redis(make_app, redis_server):
    redis_server.kill()
    app = make_app(redis_url=redis_server.url)
    assert_refused(get(app))
    redis_server.start()
    wait_until_back(app)
    assert get(app).status_code == 200


def test_a_redis_that_hangs_is_noticed(make_app, redis_server):
    app = make_app(redis_url=redis_server.url)
    assert get(app).status_code == 200
    redis_server.freeze()
    assert_refused(get(app))
    assert_refused(get(app))


def test_a_redis_that_is_slow_is_waited_for(make_app, redis_server):
    app = make_app(redis_url=redis_server.url)
    assert get(app).status_code == 200
    client = connect(redis_server.url)
    client.client_pause(400)
    started = time.monotonic()
    assert get(app).headers["X-RateLimit-Remaining"] == "998"
    assert time.monotonic() - started > 0.2
    assert services(app).store.status().failures == 0
    client.close()


@pytest.mark.model
def test_a_redis_that_is_full_is_noticed(make_app, redis_server):
    app = make_app(redis_url=redis_server.url)
    client = connect(redis_server.url)
    client.config_set("maxmemory", 1)
    assert_refused(get(app))
    assert ready(app).status_code == 503
    client.config_set("maxmemory", 0)
    client.close()
    wait_until_back(app)
    assert get(app).status_code == 200


def test_no_file_is_made_where_redis_is_used(make_app, redis_url, tmp_path):
    get(make_app(redis_url=redis_url))
    assert not (tmp_path / "data").exists()


@pytest.mark.model
@pytest.mark.skipif(BINARY is None, reason="neither valkey-server nor redis-server is on PATH")
def test_the_password_stays_secret(make_app, tmp_path):
    log = tmp_path / "sam.log"
    server = RedisServer(password="open-sesame")
    try:
        assert get(make_app(redis_url=server.url)).status_code == 200
        wrong = server.url.replace("open-sesame", "hunter2")
        app = make_app(redis_url=wrong, log_file=log, log_level="DEBUG")
        assert_refused(get(app))
        assert "hunter2" not in admin(app, ADMIN_KEY).text
        assert "store does not answer" in log.read_text()
        assert "hunter2" not in log.read_text()
        assert "hunter2" not in repr(services(app).settings)
    finally:
        server.close()


@pytest.mark.model
@pytest.mark.parametrize(("outage", "status"), [("refuse", 503), ("allow", 200)])
def test_a_locked_sqlite_file_is_an_outage_too(make_app, tmp_path, monkeypatch, outage, status):
    monkeypatch.setattr("store.Database", partial(Database, timeout=0.05))
    app = make_app(store_outage=outage)
    other = sqlite3.connect(tmp_path / "data" / "sam.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert get(app).status_code == status
    assert ready(app).status_code == status
    other.execute("ROLLBACK")
    other.close()
    wait_until_back(app)
    assert get(app).status_code == 200


def test_a_full_disk_is_an_outage_too(make_app):
    app = make_app()
    connection = services(app).store.storage._shared._database.connection()
    connection.execute("PRAGMA max_page_count = 1")  # no page beyond those there are
    statuses = {get(app).status_code for _ in range(300)}
    assert statuses == {200, 503}
