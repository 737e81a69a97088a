"""A run on a Ray cluster: workers on any number of machines analyse pictures, this process alone writes.

A worker holds one model and has one picture at a time. If it dies, with or without its machine, its picture
goes to another worker and a new worker takes its place: docs/decisions/ray.md.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from batch.engine import Findings, Job, Model, Outcome, Plan, findings, keep
from batch.files import Picture
from batch.folder import OutFolder
from batch.opened import OpenFiles
from batch.recipe import Recipe
from batch.record import Record
from batch.tables import Failure
from config import VERSION
from droplets.errors import BadRequest, Unavailable

WORKER_MEMORY = 1536 * 2**20
"""Bytes that a worker is given room for: about what a process with a model takes (benchmarks/RESULTS.md)."""
MOST_LOST = 4
"""Times that all workers may die in a row while they load the model, or one after another over a picture."""


@dataclass(frozen=True)
class RayEngine:
    """The engine that has a Ray cluster do the work.

    Arguments:
        address: "auto" for the cluster of this machine or of RAY_ADDRESS, "local" for one that is started
            for the run and stopped after it, or ray://HOST:PORT.
        device: of the model; unless it is "cpu", each worker takes a GPU where the cluster has any.
    """

    address: str
    device: str

    def __call__(
        self,
        plan: Plan,
        folder: OutFolder,
        load: Callable[[], Model],
        workers: int | None,
        tell: Callable[[Outcome], None],
        /,
    ) -> None:
        """Analyse what is left to do, as `batch.engine.process` does.

        Arguments:
            plan: of this folder.
            folder: is held; only this process has to reach it.
            load: loads the model; it is called in every worker.
            workers: models in the cluster at once; None for as many as it has cores (or GPUs) and memory for.
            tell: hears of every picture.

        Raises:
            BadRequest: there is no cluster at the address, or no room in it.
            ModelUnavailable: a worker cannot load the model.
            Unavailable: Ray does not start, or workers die before they have loaded it.
        """
        if not plan.todo:
            return
        with _connected(self.address):
            core = "GPU" if self.device != "cpu" and "GPU" in ray.cluster_resources() else "CPU"
            crew = _Crew(plan, folder, load, core, min(workers or _places(core), len(plan.todo)))
            try:
                for found in crew.work():
                    tell(keep(folder, found))
            except BaseException:
                for found in crew.finish():
                    keep(folder, found)
                raise


class Worker:
    """Holds a model, in a process of its own somewhere in the cluster."""

    def __init__(self) -> None:
        self._job: Job | None = None

    def start(self, load: Callable[[], Model], recipe: Recipe, digest: str, max_pixels: int) -> None:
        """Load the model.

        Raises:
            BadRequest: another version of the program is installed here.
            ModelUnavailable: it cannot be loaded.
        """
        if recipe.digest != digest:
            raise BadRequest(f"A machine of the cluster has another version than {VERSION} or another model.")
        self._job = Job(recipe, load(), digest, OpenFiles(max_pixels))

    def findings(self, picture: Picture, before: Record | None) -> Findings:
        """Analyse a picture."""
        assert self._job is not None  # noqa: S101  # started first
        return findings(self._job, picture, before)


@dataclass(frozen=True, eq=False)
class _Turn:
    """What a worker is busy with: a picture, or loading the model where that is None."""

    worker: Any
    picture: Picture | None


class _Crew:
    """The workers of a run and the pictures that are left."""

    def __init__(
        self, plan: Plan, folder: OutFolder, load: Callable[[], Model], core: str, workers: int
    ) -> None:
        self._todo = deque(plan.todo)
        self._folder = folder
        self._workers = workers
        self._busy: dict[Any, _Turn] = {}
        self._lost: Counter[Picture | None] = Counter()
        needs = {"num_cpus": 1, "num_gpus": int(core == "GPU"), "memory": WORKER_MEMORY}
        self._make = ray.remote(Worker).options(**needs)
        self._start = (load, plan.recipe, plan.recipe.digest, plan.max_pixels)

    def work(self) -> Iterator[Findings]:
        """What comes of all pictures, each once, as it comes."""
        for _ in range(self._workers):
            self._hire()
        while self._todo or any(turn.picture for turn in self._busy.values()):
            (done, *_), _ = ray.wait(list(self._busy))
            turn = self._busy.pop(done)
            try:
                found = ray.get(done)
            except RayTaskError as error:
                raise error.cause from None
            except RayError:  # the worker, its machine or what it has found is gone
                found = self._given_up(turn)
                if self._todo:
                    self._hire()
            else:
                self._lost[None] = 0
                self._go_on(turn.worker)
            if found is not None:
                yield found

    def finish(self) -> Iterator[Findings]:
        """What comes of the pictures in hand; those of workers that die now are left for the next run."""
        for done, turn in self._busy.items():
            if turn.picture:
                with suppress(RayError):
                    yield ray.get(done)

    def _hire(self) -> None:
        """One more worker, as soon as the cluster has room for it."""
        worker = self._make.remote()
        self._busy[worker.start.remote(*self._start)] = _Turn(worker, None)

    def _go_on(self, worker: Any) -> None:
        """The next picture; a worker for which there is none ends, as nobody knows it any longer."""
        if self._todo:
            picture = self._todo.popleft()
            done = worker.findings.remote(picture, self._folder.record(picture.name))
            self._busy[done] = _Turn(worker, picture)

    def _given_up(self, turn: _Turn) -> Findings | None:
        """The picture of a worker that has died is the next to do, unless it is what kills them."""
        self._lost[turn.picture] += 1
        if turn.picture is None:
            if self._lost[None] == MOST_LOST * self._workers:
                raise Unavailable(
                    "Workers die before they have loaded the model. Is the project installed on all machines "
                    "of the cluster? Ray's logs there say more."
                )
            return None
        if self._lost[turn.picture] < MOST_LOST:
            self._todo.appendleft(turn.picture)
            return None
        message = f"{MOST_LOST} workers have died over it, one after another; it may need more memory."
        return Findings(turn.picture.name, failure=Failure(turn.picture.name, "WorkerLost", message))


@contextmanager
def _connected(address: str) -> Iterator[None]:
    """This process as a driver of the cluster.

    Raises:
        BadRequest: there is none at the address.
        Unavailable: Ray does not start.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else a local Ray tells its makers of the run
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # asked for with a warning, if not said
    alone = {"include_dashboard": False} if address == "local" else {}
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", **alone)
    except (ConnectionError, ValueError):
        raise BadRequest(
            f"There is no Ray cluster at {address}: `ray start --head` starts one, or say --address local."
        ) from None
    except Exception as error:  # Ray has no kind of its own for a node that is too slow to start
        raise Unavailable(
            "Ray does not start; the machine may be too busy. Try again, or see why by `ray start --head`."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _places(core: str) -> int:
    """Workers for which the cluster has room.

    Raises:
        BadRequest: for none.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    places = sum(
        int(min(node.get(core, 0), node.get("CPU", 0), node.get("memory", 0) // WORKER_MEMORY))
        for node in nodes
    )
    if places == 0:
        raise BadRequest(
            f"No machine of the cluster has a core and {WORKER_MEMORY / 2**30} GiB for a worker; "
            "say --workers if machines are added on demand."
        )
    return places
