"""A store that fails is left alone until it answers again, and each turn is logged once."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from store.errors import StoreUnavailable
from store.guard import Guard


class Store:
    def __init__(self) -> None:
        self.away = False
        self.calls = 0
        self.asked = threading.Event()

    def call(self) -> str:
        self.calls += 1
        if self.away:
            raise OSError("connection refused")
        return "answer"

    def answers(self) -> bool:
        self.asked.set()
        return not self.away


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def guard(store) -> Guard:
    guard = Guard("sqlite", OSError, store.answers)
    yield guard
    guard.close()


def wait_until_up(guard: Guard) -> None:
    for thread in threading.enumerate():
        if thread.name == "store-return":
            thread.join(20)
    assert guard.status().up


def test_a_store_that_answers_is_passed_through(guard, store):
    since = guard.status().since
    assert guard.run(store.call) == "answer"
    assert guard.check()
    assert (guard.status().up, guard.status().failures, guard.status().since) == (True, 0, since)


def test_a_store_that_failed_is_not_asked_by_those_who_come_next(guard, store, monkeypatch):
    monkeypatch.setattr("store.guard.RETRY_S", 3600)
    store.away = True
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            guard.run(store.call)
    assert store.calls == 1
    assert not guard.check()
    assert (guard.status().up, guard.status().failures) == (False, 1)


def test_each_turn_is_logged_once(guard, store, monkeypatch):
    monkeypatch.setattr("store.guard.RETRY_S", 0.01)
    store.away = True
    with capture_logs() as logs:
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                guard.run(store.call)
        away_since = guard.status().since
        store.asked.clear()
        assert store.asked.wait(10)  # by the thread, in vain
        assert guard.status().since == away_since
        store.away = False
        wait_until_up(guard)
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("store does not answer", "error"),
        ("store answers again", "warning"),
    ]
    assert guard.status().failures > 1
    assert guard.status().since > away_since
    assert guard.run(store.call) == "answer"


def test_other_errors_are_the_callers_own(guard):
    def fault() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        guard.run(fault)
    assert guard.status().up


def test_a_fault_in_asking_is_logged_once_and_the_store_is_awaited_still(guard, store, monkeypatch):
    monkeypatch.setattr("store.guard.RETRY_S", 0.01)
    asked = []

    def fault() -> bool:
        asked.append(1)
        if len(asked) < 4:
            raise KeyError("unexpected")
        return True

    monkeypatch.setattr(guard, "_answers", fault)
    with capture_logs() as logs:
        assert not guard.check()
        wait_until_up(guard)
    assert len(asked) == 4
    assert [entry["kind"] for entry in logs if entry["event"] == "asking the store failed"] == ["KeyError"]
