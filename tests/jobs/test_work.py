"""The worker's part with what needs no pictures: poison, stopping, sweeping, cleaning; over both queues."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from batch.record import MadeWith
from droplets.errors import ModelUnavailable
from jobs.folder import DAY, JobFolders
from jobs.record import Job
from jobs.tasks import Tasks
from jobs.work import MOST_ATTEMPTS, Work
from tests.conftest import png
from tests.store.backends import BINARY, RedisServer

ID = "0123456789abcdef" * 2


@pytest.fixture
def redis_url():
    if BINARY is None:
        pytest.skip("neither valkey-server nor redis-server is on PATH (Debian: redis-server)")
    server = RedisServer()
    yield server.url
    server.close()


@pytest.fixture(params=["sqlite", "redis"])
def tasks(request, make_settings):
    changes = {"redis_url": request.getfixturevalue("redis_url")} if request.param == "redis" else {}
    tasks = Tasks(make_settings(**changes))
    yield tasks
    tasks.close()


@pytest.fixture
def folders(tmp_path):
    return JobFolders(tmp_path / "jobs")


def started(folders, id_=ID):
    folder = folders.begin(Job(id_, time.time(), {}, ()))
    (folder.pictures / "0.png").write_bytes(b"damaged")
    (folder.pictures / "a.png").write_bytes(png(np.zeros((8, 8), np.uint8)))
    folder = folders.publish(folder, "Ada")
    folder.write(replace(folder.state(), stage="waiting", pictures=2, started=time.time()))
    return folder


def work(folders, tasks, load):
    return Work(folders, tasks, load, 1, 10**6, stopping=lambda: False)


class Deadly:
    """A model that ends the worker with every picture; as little is done after it as after SIGKILL."""

    made_with = MadeWith("0", "none", "cpu", "fp32", "none")

    def generate(self, request):
        raise SystemExit


def away():
    raise ModelUnavailable("The model is away.")


def test_the_queue_keeps_the_order_and_holds_nothing_but_names(tasks):
    for name in ("a/1", "b/2", "a/1"):
        tasks.put(name)
    assert tasks.waiting() == ["a/1", "b/2", "a/1"]


def test_a_job_that_was_lost_with_the_queue_is_found_by_the_next_sweep_once(folders, tasks):
    folder = started(folders)
    worker = work(folders, tasks, away)
    with folder.working():
        worker.sweep(DAY)
    assert tasks.waiting() == []
    worker.sweep(DAY)
    worker.sweep(DAY)
    assert tasks.waiting() == [folders.name("Ada", ID)]


def test_a_job_waits_for_the_model_but_not_for_ever_for_its_worker(folders, tasks):
    folder = started(folders)
    name = folders.name("Ada", ID)
    for _ in range(MOST_ATTEMPTS + 1):
        with pytest.raises(ModelUnavailable):
            work(folders, tasks, away).do(name)
    assert folder.state().stage == "running"

    for attempt in range(MOST_ATTEMPTS):
        with pytest.raises(SystemExit):
            work(folders, tasks, Deadly).do(name)
        assert folder.state().attempts == attempt + 1
        assert [failure.picture for failure in folder.state().failures] == ["0.png"]
    work(folders, tasks, Deadly).do(name)
    state = folder.state()
    assert state.stage == "failed"
    assert "died" in state.message
    assert not folder.pictures.exists()


def test_a_job_that_was_removed_is_no_error_and_what_is_old_goes(folders, tasks):
    folder = started(folders)
    folders.remove(folder)
    work(folders, tasks, away).do(folders.name("Ada", ID))
    work(folders, tasks, away).do("../../etc")
    old, young = started(folders), started(folders, ID[::-1])
    for each, age in ((old, 8), (young, 6)):
        each.write(replace(each.state(), stage="done", finished=time.time() - age * DAY))
    (folders.path / ("f" * 32) / ("e" * 32) / "results").mkdir(parents=True)
    work(folders, tasks, away).sweep(7 * DAY)
    assert [folder.path.name for _, folder in folders.all()] == [ID[::-1]]
    assert not (folders.path / ("f" * 32) / ("e" * 32)).exists()
