"""Workers are known while they beat, over all that share the store."""

from __future__ import annotations

import json
import os
import socket
import threading
from dataclasses import dataclass

from structlog.testing import capture_logs

from config import VERSION
from store.instances import FORGOTTEN_AFTER_S, Heartbeat, Instance


def instance(name: str, started: float = 1.0, **changes) -> Instance:
    values = {"host": "a", "pid": 7, "model_loaded": False, "queue_length": 0, "version": "1"}
    return Instance(id=name, started=started, **{**values, **changes})


def test_instances_come_back_as_told_the_longest_running_first(backend):
    first, second = instance("a", 2.0, model_loaded=True, queue_length=3), instance("b", 1.0, host="b")
    backend.open().instances.beat(first)
    backend.open().instances.beat(second)
    assert backend.open().instances.alive() == [second, first]


def test_what_another_version_says_beyond_this_one_is_left_out():
    text = json.dumps({**json.loads(instance("a").as_json()), "mood": "good"})
    assert Instance.from_json(text) == instance("a")


def test_a_beat_replaces_the_last_one(backend):
    instances = backend.open().instances
    instances.beat(instance("a"))
    instances.beat(instance("a", queue_length=5))
    assert instances.alive() == [instance("a", queue_length=5)]


def test_a_silent_instance_is_forgotten(backend):
    instances = backend.open().instances
    assert instances.alive() == []
    instances.beat(instance("a"))
    backend.pass_time(FORGOTTEN_AFTER_S - 5)
    instances.beat(instance("b", 2.0))
    assert [i.id for i in instances.alive()] == ["a", "b"]
    backend.pass_time(5)
    assert [i.id for i in instances.alive()] == ["b"]
    instances.beat(instance("b"))
    assert [i.id for i in instances.alive()] == ["b"]


def test_who_leaves_is_gone_at_once(backend):
    instances = backend.open().instances
    instances.beat(instance("a"))
    instances.leave("a")
    instances.leave("nobody")
    assert instances.alive() == []


@dataclass(frozen=True)
class Busy:
    model_loaded: bool = True
    queue_length: int = 2


def test_a_worker_beats_from_its_start_to_its_end(backend):
    instances = backend.open().instances
    beaten = threading.Event()

    class Watched:
        def beat(self, instance: Instance) -> None:
            instances.beat(instance)
            beaten.set()

        def leave(self, id_: str) -> None:
            instances.leave(id_)

    heartbeat = Heartbeat(Watched(), Busy)
    assert instances.alive() == []  # no thread before the start
    heartbeat.start()
    assert beaten.wait(10)
    (told,) = instances.alive()
    assert (told.host, told.pid, told.version) == (socket.gethostname(), os.getpid(), VERSION)
    assert (told.model_loaded, told.queue_length) == (True, 2)
    heartbeat.close()
    assert instances.alive() == []
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]


def test_a_fault_is_logged_once_and_the_heart_goes_on(monkeypatch):
    monkeypatch.setattr("store.instances.BEAT_S", 0.01)
    beaten = threading.Event()
    beats = []

    class Faulty:
        def beat(self, instance: Instance) -> None:
            beats.append(instance)
            if len(beats) <= 3:
                raise KeyError("unexpected")
            beaten.set()

        def leave(self, id_: str) -> None:
            pass

    heartbeat = Heartbeat(Faulty(), Busy)
    with capture_logs() as logs:
        heartbeat.start()
        assert beaten.wait(10)
        heartbeat.close()
    assert [(entry["event"], entry["kind"]) for entry in logs] == [("heartbeat failed", "KeyError")]
