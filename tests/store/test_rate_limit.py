"""The moving window is exact over threads, processes and restarts. One body for every storage."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits.strategies import MovingWindowRateLimiter

from api.plumbing.auth import HourlyLimit
from tests.store.backends import Backend

DAY = 86_400


def hit_many(backend: Backend, limit: int, times: int, threads: int = 10) -> int:
    """Number allowed of `times` hits from many threads; runs in a process of its own."""
    limiter = backend.open().limiter
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda _: limiter.hit(HourlyLimit(limit), "Ada"), range(times)))


@pytest.fixture
def limiter(backend) -> MovingWindowRateLimiter:
    return backend.open().limiter


def test_exactly_n_of_200_over_4_processes(backend):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        allowed = pool.starmap(hit_many, [(backend, 73, 50)] * 4)
    assert sum(allowed) == 73


def test_exactly_5_of_100_threads(backend):
    assert hit_many(backend, 5, 100, threads=100) == 5


def test_old_hits_of_any_key_are_forgotten(backend, limiter):
    for i in range(5):
        limiter.hit(HourlyLimit(9), f"address {i}")
    backend.pass_time(3600)
    limiter.hit(HourlyLimit(9), "Ada")
    assert [limiter.storage.get(HourlyLimit(9).key_for(f"address {i}")) for i in range(5)] == [0] * 5


def test_a_hit_can_be_taken_back(backend, limiter):
    limit = HourlyLimit(2)
    storage, key = limiter.storage, limit.key_for("Ada")
    storage.take_back(key)  # of nobody
    assert limiter.hit(limit, "Ada")
    backend.pass_time(60)
    assert limiter.hit(limit, "Ada")
    storage.take_back(key)
    assert storage.get(key) == 1
    assert limiter.hit(limit, "Ada")
    assert not limiter.hit(limit, "Ada")


def test_window_slides(backend, limiter):
    limit = HourlyLimit(2)
    assert limiter.hit(limit, "Ada")
    backend.pass_time(1800)
    assert limiter.hit(limit, "Ada")
    assert not limiter.hit(limit, "Ada")
    backend.pass_time(1740)
    assert not limiter.hit(limit, "Ada")
    backend.pass_time(60)  # the first hit is an hour old
    assert limiter.hit(limit, "Ada")
    assert not limiter.hit(limit, "Ada")
    backend.pass_time(1800)  # the second one is
    assert limiter.hit(limit, "Ada")


def test_a_refused_hit_costs_nothing(backend, limiter):
    limit = HourlyLimit(1)
    assert limiter.hit(limit, "Ada")
    for _ in range(10):
        backend.pass_time(300)
        assert not limiter.hit(limit, "Ada")
    backend.pass_time(600)
    assert limiter.hit(limit, "Ada")


def test_restart_remembers(backend):
    assert backend.open().limiter.hit(HourlyLimit(1), "Ada")
    assert not backend.open().limiter.hit(HourlyLimit(1), "Ada")


def test_a_changed_limit_keeps_the_history(limiter):
    for _ in range(3):
        assert limiter.hit(HourlyLimit(3), "Ada")
    assert limiter.hit(HourlyLimit(4), "Ada")
    assert not limiter.hit(HourlyLimit(4), "Ada")
    assert not limiter.hit(HourlyLimit(2), "Ada")
    assert limiter.get_window_stats(HourlyLimit(2), "Ada").remaining == -2


def test_keys_do_not_share_a_window(limiter):
    assert limiter.hit(HourlyLimit(1), "Ada")
    assert limiter.hit(HourlyLimit(1), "Bob")


def test_stats_tell_remaining_and_reset(backend, limiter):
    assert limiter.get_window_stats(HourlyLimit(5), "Ada").remaining == 5
    limiter.hit(HourlyLimit(5), "Ada")
    backend.pass_time(600)
    limiter.hit(HourlyLimit(5), "Ada")
    reset, remaining = limiter.get_window_stats(HourlyLimit(5), "Ada")
    assert remaining == 3
    assert reset - time.time() == pytest.approx(3000, abs=60)


def test_a_clock_set_back_locks_nobody_out_for_longer_than_a_window(backend, limiter):
    assert limiter.hit(HourlyLimit(1), "Ada")
    backend.pass_time(-DAY)
    reset, remaining = limiter.get_window_stats(HourlyLimit(1), "Ada")
    assert remaining == 0
    assert reset - time.time() == pytest.approx(3600, abs=60)
    assert not limiter.hit(HourlyLimit(1), "Ada")  # the hit ahead counts as made now
    backend.pass_time(3600)
    assert limiter.hit(HourlyLimit(1), "Ada")


def test_a_clock_set_forward_costs_nobody_a_hit(backend, limiter):
    assert limiter.hit(HourlyLimit(1), "Ada")
    backend.pass_time(DAY)
    assert limiter.hit(HourlyLimit(1), "Ada")


def test_several_hits_at_once_pass_together_or_not_at_all(limiter):
    assert not limiter.hit(HourlyLimit(3), "Ada", cost=4)
    assert limiter.hit(HourlyLimit(3), "Ada", cost=2)
    assert not limiter.hit(HourlyLimit(3), "Ada", cost=2)
    assert limiter.hit(HourlyLimit(3), "Ada")


def test_storage_forgets_on_request(limiter):
    storage = limiter.storage
    key = HourlyLimit(1).key_for("Ada")
    assert storage.incr(key, 3600, 2) == storage.get(key) == 2
    assert storage.get_expiry(key) == pytest.approx(time.time(), abs=60)
    storage.clear(key)
    assert storage.get(key) == storage.get_expiry(key) == 0
    storage.incr(key, 3600, 3)
    assert storage.reset() == 3
    assert storage.get(key) == 0
    assert storage.check()
