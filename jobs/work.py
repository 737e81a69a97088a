"""A worker's part: a job is a run of `batch/`, which goes on where a worker that was killed has stopped."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Literal

import structlog

from batch.engine import Model, Outcome
from batch.recipe import make_recipe
from batch.run import Asked, Begun, segment
from droplets.errors import ModelUnavailable, ServiceError
from jobs.errors import JobConflict, NoSuchJob
from jobs.folder import JobFolder, JobFolders
from jobs.record import Job
from jobs.tasks import Tasks

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 5
"""Workers that may die in a row at a job without finishing a picture of it."""
MOST_TOLD = 100
"""Failures that the state of a job tells; errors.csv has all."""


class Stopped(Exception):
    """The worker has been told to stop; what is left to do is another one's."""


def asked(folder: JobFolder, job: Job, max_pixels: int) -> Asked:
    """The run of a job.

    Arguments:
        folder: of the job.
        job: what was asked.
        max_pixels: limit of a picture.

    Raises:
        BadRequest: names the first option that is wrong.
    """
    return Asked(
        inputs=folder.inputs,
        out=folder.results,
        recipe=make_recipe(job.groups, job.export),
        pair=job.pair,
        frames=job.frames,
        tracks=job.tracks,
        frame_interval_s=job.frame_interval_s,
        plate=job.plate,
        max_pixels=max_pixels,
    )


class Work:
    """What a worker does with the names in the queue.

    Arguments:
        folders: of all jobs.
        tasks: the queue.
        load: loads the model; called for the first picture.
        workers: pictures that are worked on at once.
        max_pixels: limit of a picture.
        stopping: whether the worker has been told to stop.
    """

    def __init__(
        self,
        folders: JobFolders,
        tasks: Tasks,
        load: Callable[[], Model],
        workers: int,
        max_pixels: int,
        stopping: Callable[[], bool],
    ) -> None:
        self._folders = folders
        self._tasks = tasks
        self._load = load
        self._workers = workers
        self._max_pixels = max_pixels
        self._stopping = stopping

    @cached_property
    def _model(self) -> Model:
        return self._load()

    def do(self, name: str) -> None:
        """Work on the job of this name until it is over, removed, or the worker is told to stop."""
        try:
            folder = self._folders.named(name)
            with folder.working():
                self._do(folder, name)
        except NoSuchJob:
            log.info("the job was removed", job=name)
        except JobConflict:
            log.info("another worker is at the job", job=name)

    def sweep(self, retention_s: float) -> None:
        """Put started jobs that nobody has in hand into the queue, and take old ones away."""
        self._folders.clean(retention_s)
        waiting = set(self._tasks.waiting())
        for name, folder in self._folders.all():
            with suppress(NoSuchJob):
                lost = folder.state().stage in ("waiting", "running") and name not in waiting
                if lost and not folder.is_worked_on:
                    self._tasks.put(name)

    def _do(self, folder: JobFolder, name: str) -> None:
        state = folder.state()
        if state.stage not in ("waiting", "running"):
            return
        if state.attempts >= MOST_ATTEMPTS:
            _end(folder, "failed", f"Its worker died {MOST_ATTEMPTS} times without finishing a picture.")
            return
        folder.write(replace(state, attempts=state.attempts + 1))
        try:
            self._run(folder)
        except Stopped:
            folder.write(replace(folder.state(), attempts=0))
            self._tasks.put(name)
        except ModelUnavailable:  # no fault of the job's: the next sweep tries again
            folder.write(replace(folder.state(), attempts=state.attempts))
            raise
        except ServiceError as error:
            _end(folder, "failed", error.message)
        except OSError:
            folder.state()  # it was removed, or the disk is at fault
            raise
        else:
            _end(folder, "done")

    def _run(self, folder: JobFolder) -> None:
        state = folder.state()

        def begin(begun: Begun) -> None:
            nonlocal state
            before = begun.pictures - begun.todo
            state = replace(
                state,
                stage="running",
                pictures=begun.pictures,
                done=before,
                failed=0,
                failures=(),
                began=time.time(),
                done_before=before,
            )
            folder.write(state)

        def tell(outcome: Outcome) -> None:
            nonlocal state
            if outcome.failure is None:
                state = replace(state, done=state.done + 1, attempts=0)
            else:
                failures = (*state.failures, outcome.failure)[:MOST_TOLD]
                # Counts as no progress: the next worker looks at it again.
                state = replace(state, failed=state.failed + 1, failures=failures)
            folder.write(state)
            if self._stopping():
                raise Stopped

        result = segment(
            asked(folder, folder.job(), self._max_pixels),
            lambda: self._model,
            self._workers,
            begin=begin,
            tell=tell,
        )
        folder.write(replace(state, failed=len(result.failures), failures=result.failures[:MOST_TOLD]))


def _end(folder: JobFolder, stage: Literal["done", "failed"], message: str | None = None) -> None:
    """The pictures that were sent go; the results stay."""
    folder.write(replace(folder.state(), stage=stage, finished=time.time(), message=message))
    shutil.rmtree(folder.pictures, ignore_errors=True)
