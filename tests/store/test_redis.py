"""What holds for the Redis server alone."""

from __future__ import annotations

import datetime as dt
import time

import pytest
import time_machine
from redis import Redis

from api.plumbing.auth import HourlyLimit
from store import redis as store_redis
from store.redis import PREFIX, SCRIPTS, USAGE, connect
from tests.store.backends import Backend, written
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
    assert [r.at for r in written(usage)] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("page", [1, 3, 4, 11, 12])
def test_a_long_history_is_added_up_page_by_page(backend, monkeypatch, page):
    monkeypatch.setattr(store_redis, "PAGE", page)
    usage = backend.open().usage
    usage.add([record(float(i // 4), masks=2**i) for i in range(11)])  # four share each time
    sums = usage.sums(1.0, 60)
    assert sum(part.masks for part in sums) == 2**11 - 2**4
    assert sum(part.requests for part in sums) == 7


def test_what_is_forgotten_between_two_pages_is_not_needed_to_go_on(backend, client):
    usage = backend.open().usage
    usage.add([record(float(i), masks=2**i) for i in range(4)])
    add_up = client.register_script((SCRIPTS / "usage.lua").read_text())
    last, _ = add_up(keys=[USAGE], args=["0", 60, 2, ""])
    usage.forget_before(2.0)
    last, ((*_, masks, _bytes, _processing, _queue),) = add_up(keys=[USAGE], args=["0", 60, 2, last])
    assert masks == 2**2 + 2**3
    assert add_up(keys=[USAGE], args=["0", 60, 2, last]) == [None, []]


def test_broken_connections_are_made_again(backend, client):
    limiter = backend.open().limiter
    assert limiter.hit(HourlyLimit(2), "Ada")
    client.client_kill_filter(_type="normal", skipme=True)
    client.script_flush()
    assert limiter.hit(HourlyLimit(2), "Ada")
    assert not limiter.hit(HourlyLimit(2), "Ada")
