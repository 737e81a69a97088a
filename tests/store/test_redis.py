"""What holds for the Redis server alone."""

from __future__ import annotations

import datetime as dt
import time

import pytest
import time_machine
from redis import Redis

from auth_middleware import HourlyLimit
from store import redis as store_redis
from store.redis import PREFIX, SCRIPTS, connect
from tests.store.backends import Backend
from tests.store.test_instances import instance
from tests.store.test_usage import record


@pytest.fixture
def backend(redis_url) -> Backend:
    return Backend(redis_url)


@pytest.fixture
def client(redis_url) -> Redis:
    client = connect(redis_url)
    yield client
    client.close()


@pytest.mark.parametrize("days", [-1, 1])
def test_a_workers_clock_does_not_matter(backend, days):
    limiter = backend.open().limiter
    assert limiter.hit(HourlyLimit(1), "Ada")
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=days), tick=False):
        assert not limiter.hit(HourlyLimit(1), "Ada")
        reset = limiter.get_window_stats(HourlyLimit(1), "Ada").reset_time
        assert reset - time.time() == pytest.approx(3600, abs=60)  # the wait is told by the worker's clock


def test_every_key_has_the_prefix_and_expires(backend, client):
    opened = backend.open()
    opened.limiter.hit(HourlyLimit(1), "Ada")
    opened.usage.add([record(time.time())])
    opened.instances.beat(instance("a"))
    opened.storage.check()
    keys = list(client.scan_iter())
    assert len(keys) == 5
    for key in keys:
        assert key.startswith(PREFIX.encode())
        assert client.ttl(key) > 0


def test_other_services_keys_are_left_alone(backend, client):
    client.set("another:hits", 1)
    backend.open().limiter.hit(HourlyLimit(1), "Ada")
    assert backend.open().storage.reset() == 1
    assert client.get("another:hits") == b"1"


def test_a_call_that_arrives_twice_counts_once(client):
    acquire = client.register_script((SCRIPTS / "acquire.lua").read_text())
    assert acquire(keys=["hits"], args=[1, 3600, 1, "call"]) == 1
    assert acquire(keys=["hits"], args=[1, 3600, 1, "call"]) == 1
    assert client.zcard("hits") == 1


def test_a_batch_that_arrives_twice_is_written_once(backend):
    usage = backend.open().usage
    usage.add([record(1.0), record(2.0)])
    usage.add([record(1.0), record(2.0), record(3.0)])
    assert [r.at for r in usage.since(0)] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("page", [3, 4, 11, 12])
def test_a_long_history_is_read_page_by_page(backend, monkeypatch, page):
    monkeypatch.setattr(store_redis, "PAGE", page)
    usage = backend.open().usage
    records = [record(float(i // 2), masks=i) for i in range(11)]  # two share each time
    usage.add(records)
    assert sorted(usage.since(0), key=lambda r: r.masks) == records


def test_broken_connections_are_made_again(backend, client):
    limiter = backend.open().limiter
    assert limiter.hit(HourlyLimit(2), "Ada")
    client.client_kill_filter(_type="normal", skipme=True)
    client.script_flush()
    assert limiter.hit(HourlyLimit(2), "Ada")
    assert not limiter.hit(HourlyLimit(2), "Ada")
