"""Jobs as they come in and go out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from flask import request

from api.schemas.jobs import RunOptions
from api.wire.requests import GROUPS, asked, parse_json
from batch.recipe import EACH
from droplets.errors import BadRequest
from jobs.desk import Range
from jobs.errors import NoSuchJob
from jobs.folder import JobFolder
from jobs.record import State

CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,15})-(\d{1,15})|\*)/(\d{1,15})")
LONGEST_KEY = 255
FOLLOWED_S = 600
"""Seconds after which a stream of events ends; the client may ask for another one."""
SILENT_S = 15
"""Seconds without an event after which a comment keeps the connection open."""


@dataclass(frozen=True, eq=False)
class SentJob:
    """What `POST /jobs` brings.

    Attributes:
        wanted: fields of jobs.record.Job.
        files: names and contents.
        start: whether the job is to begin at once.
        once: the Idempotency-Key.
    """

    wanted: dict[str, Any]
    files: list[tuple[str, IO[bytes]]]
    start: bool
    once: str | None


def sent_job() -> SentJob:
    """Of a multipart form with files in fields `file`.

    Raises:
        BadRequest: a field is unknown, wrong or not strict JSON, or a file has no name.
    """
    groups = {name: parse_json(text, name) for name, text in request.form.items() if text}
    run = RunOptions.parse(groups.pop("run", {}), "run")
    if unknown := [*(groups.keys() - {*GROUPS, EACH}), *(request.files.keys() - {"file"})]:
        raise BadRequest(f"{unknown[0]} is not known; known are: file, run, {', '.join(GROUPS)}, {EACH}.")
    asked({name: group for name, group in groups.items() if name != EACH})
    files = [(file.filename or "", file.stream) for file in request.files.getlist("file")]
    once = request.headers.get("Idempotency-Key")
    if once is not None and not 0 < len(once) <= LONGEST_KEY:
        raise BadRequest(f"Idempotency-Key must have 1 to {LONGEST_KEY} characters.")
    if run.start and not files:
        raise BadRequest("Send pictures in fields called file, or run.start false and the pictures by PUT.")
    wanted = {"groups": groups, **run.model_dump(exclude={"start", "plate", "export"})}
    return SentJob({**wanted, "export": tuple(run.export), "plate": run.plate}, files, run.start, once)


def sent_part() -> Range:
    """Which bytes of a file the body is: all, or what Content-Range says. `bytes */TOTAL` brings none.

    Raises:
        BadRequest: the length is not told, or is not that of the range.
    """
    length, text = request.content_length, request.headers.get("Content-Range")
    if text is None:
        if not length:
            raise BadRequest("Send the file as the body, with its Content-Length.")
        return Range(0, length, length)
    match = CONTENT_RANGE.fullmatch(text)
    if match is None:
        raise BadRequest(
            "Content-Range must read bytes FIRST-LAST/TOTAL, or bytes */TOTAL to ask what is here."
        )
    first, last, total = (int(number) if number else None for number in match.groups())
    assert total is not None  # noqa: S101  # the pattern has it
    if first is None or last is None:
        return Range(0, 0, total)
    if not first <= last < total or last - first + 1 != length:
        raise BadRequest("Content-Range must name as many bytes as the body has, within the file.")
    return Range(first, length, total)


def summary(folder: JobFolder, retention_s: float) -> dict[str, Any]:
    """How far a job is (api.schemas.jobs.JobSummary).

    Arguments:
        folder: of the job.
        retention_s: seconds that it stays after its end.
    """
    return _summary(folder, folder.state(), retention_s)


def info(folder: JobFolder, retention_s: float) -> dict[str, Any]:
    """The same, with what went wrong (api.schemas.jobs.JobInfo but for `success` and `request_id`)."""
    state = folder.state()
    return {**_summary(folder, state, retention_s), "errors": [vars(failure) for failure in state.failures]}


def events(
    folder: JobFolder, retention_s: float, draining: Callable[[], bool], interval_s: float = 1.0
) -> Iterator[str]:
    """Server-sent events: the job whenever it has changed, until it is over or removed, or for ten minutes.

    Arguments:
        folder: of the job.
        retention_s: as for `summary`.
        draining: whether the service is about to stop; the stream ends then.
        interval_s: seconds between two looks.
    """
    ends = time.monotonic() + FOLLOWED_S
    last, told = None, time.monotonic()
    while time.monotonic() < ends and not draining():
        try:
            state = folder.state()
            if state != last:
                yield f"data: {json.dumps(info(folder, retention_s), allow_nan=False)}\n\n"
                last, told = state, time.monotonic()
        except NoSuchJob:
            yield "event: removed\ndata: {}\n\n"
            return
        if state.is_over:
            return
        if time.monotonic() - told > SILENT_S:
            yield ": still here\n\n"
            told = time.monotonic()
        time.sleep(interval_s)


def _summary(folder: JobFolder, state: State, retention_s: float) -> dict[str, Any]:
    job = folder.job()
    rate = _rate(state)
    left = None if state.pictures is None else state.pictures - state.done - state.failed
    return {
        "id": job.id,
        "state": state.stage,
        "created": job.created,
        "started": state.started,
        "finished": state.finished,
        "expires": None if state.finished is None else state.finished + retention_s,
        "pictures": state.pictures,
        "done": state.done,
        "failed": state.failed,
        "pictures_per_minute": None if rate is None else round(60 * rate, 2),
        "seconds_left": round(left / rate, 1) if rate and left is not None and not state.is_over else None,
        "message": state.message,
    }


def _rate(state: State) -> float | None:
    """Pictures a second since the worker at work began; None until it has done one."""
    here = state.done + state.failed - state.done_before
    if state.began is None or here <= 0:
        return None
    return here / max(1e-3, (state.finished or time.time()) - state.began)
