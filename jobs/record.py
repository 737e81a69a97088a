"""What is written down of a job: what was asked, once, and how far it is, by one writer at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from batch.plate import NO_PLATE, Plate
from batch.tables import Failure

Stage = Literal["receiving", "waiting", "running", "done", "failed"]


@dataclass(frozen=True)
class Job:
    """What a job is asked for; written as job.json.

    Attributes:
        id: 32 hexadecimal digits.
        created: seconds since the epoch.
        groups: "filters", "preprocessing", "options" and "each", as they were sent; they have been checked.
        export: files a picture, of batch.exports.EXPORTS.
        pair, frames, tracks, frame_interval_s, plate: as of batch.run.Asked.
    """

    id: str
    created: float
    groups: Mapping[str, Mapping[str, Any]]
    export: tuple[str, ...]
    pair: str | None = None
    frames: str | None = None
    tracks: bool = False
    frame_interval_s: float | None = None
    plate: Plate = NO_PLATE


@dataclass(frozen=True)
class State:
    """How far a job is; written as state.json. Times are seconds since the epoch.

    Attributes:
        stage: "receiving" files, "waiting" for a worker, "running", "done", or "failed" as a whole.
        pictures: that were counted at the start.
        done, failed: of these.
        failures: the first of those failed.
        started: when it was; None before.
        finished: when it was done or failed.
        began, done_before: when the worker at work began, and how many were done or failed by then.
        attempts: workers that have begun in a row and ended without a single picture.
        message: why it failed as a whole.
    """

    stage: Stage
    pictures: int | None = None
    done: int = 0
    failed: int = 0
    failures: tuple[Failure, ...] = ()
    started: float | None = None
    finished: float | None = None
    began: float | None = None
    done_before: int = 0
    attempts: int = 0
    message: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.stage in ("done", "failed")


JOB, STATE = TypeAdapter(Job), TypeAdapter(State)
"""Both as JSON."""
