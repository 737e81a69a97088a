"""Real Gunicorn with several workers on a real Redis server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.conftest import ADMIN_KEY, KEY, SMALL_KEY
from tests.store.backends import Backend, written
from tests.test_server import Server, serving, wait_until


def instances(server: Server) -> list[dict]:
    answer = requests.get(server.address + "/admin/stats", headers={"X-Admin-Key": ADMIN_KEY}, timeout=30)
    return answer.json()["instances"]


@pytest.mark.server
def test_two_workers_share_redis_and_outlive_its_outage(tmp_path, redis_server):
    settings = {
        "API_KEYS": f"{KEY}:Ada:1000,{SMALL_KEY}:Bob:37",
        "ADMIN_API_KEY": ADMIN_KEY,
        "WORKERS": "2",
        "REDIS_URL": redis_server.url,
    }
    with serving(tmp_path, **settings) as server:
        wait_until(lambda: len(instances(server)) == 2, 60)
        assert len({instance["pid"] for instance in instances(server)}) == 2
        with ThreadPoolExecutor(20) as pool:
            statuses = list(pool.map(lambda _: server.get("/defaults", SMALL_KEY).status_code, range(100)))
        assert (statuses.count(200), statuses.count(429)) == (37, 63)
        redis_server.kill()
        with ThreadPoolExecutor(20) as pool:
            statuses = list(pool.map(lambda _: server.get("/defaults", KEY).status_code, range(40)))
        assert set(statuses) == {503}
        assert server.get("/health").status_code == 200
        redis_server.start()
        wait_until(lambda: {server.get("/defaults", KEY).status_code for _ in range(10)} == {200}, 30)
    opened = Backend(redis_server.url).open()
    assert opened.instances.alive() == []
    records = written(opened.usage)
    assert len([record for record in records if record.status == 503]) >= 40
    assert not list(tmp_path.rglob("*.sqlite3"))
