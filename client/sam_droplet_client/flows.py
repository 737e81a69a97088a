"""What the clients do, without doing it: generators that ask for calls and pauses, and are sent the answers.

So the client that blocks and the one that is awaited have one story, with the same retries.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

import httpx

from sam_droplet_client.errors import JobFailed, Unreachable, refusal
from sam_droplet_client.results import Job, Progress, Result, Results

T = TypeVar("T")
Picture: TypeAlias = "str | Path | bytes"
Pictures: TypeAlias = "str | Path | Sequence[str | Path]"
Tell: TypeAlias = Callable[[Progress], object]

PART = 32 * 2**20
"""Bytes of a file that are sent at once: tunnels take 100 MB."""
TRIED_AGAIN = (429, 502, 503, 504)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
POLL_S = 2.0
SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".tif",
    ".tiff",
    ".bmp",
    ".avi",
    ".mp4",
    ".czi",
    ".nd2",
    ".lif",
    ".zip",
)
"""Files that are taken of a folder."""


@dataclass(frozen=True)
class Call:
    """A request. The answer's body goes into the file `save_to` if that is given."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    content: bytes | None = None
    save_to: Path | None = None

    def request(self, http: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """As httpx sends it."""
        return http.build_request(
            self.method,
            self.path,
            headers=dict(self.headers),
            data=dict(self.data),
            files=dict(self.files) or None,
            content=self.content,
        )


@dataclass(frozen=True)
class Pause:
    """Nothing for so many seconds."""

    seconds: float


Flow: TypeAlias = "Generator[Call | Pause, httpx.Response | None, T]"
"""Asks for calls and pauses; a call is sent its answer, or has httpx's error thrown in."""


@dataclass(frozen=True)
class Patience:
    """How often a request is tried again, and how long at most is waited for it, in seconds."""

    retries: int
    longest_wait_s: float


def silent(_: Progress) -> None:
    """Tells nobody."""


def asked(call: Call, patience: Patience) -> Flow[httpx.Response]:
    """The answer to a call, which is tried again where that may help.

    Raises:
        Refused: by the service.
        Unreachable: no answer came.
    """
    for attempt in range(patience.retries + 1):
        last = attempt == patience.retries
        try:
            answer = yield call
        except httpx.TransportError as error:
            if last:
                raise Unreachable(
                    f"No answer came from the service: {error or type(error).__name__}."
                ) from error
            yield Pause(_backoff(attempt))
            continue
        assert answer is not None  # noqa: S101  # a call is sent its answer
        if answer.is_success:
            return answer
        wait = _retry_after(answer)
        if last or answer.status_code not in TRIED_AGAIN or (wait or 0) > patience.longest_wait_s:
            raise _refused(answer, wait)
        yield Pause(_backoff(attempt) if wait is None else wait)
    raise AssertionError("the last attempt returns or raises")


def segment(
    picture: Picture,
    fluorescence: Picture | None,
    groups: Mapping[str, Mapping[str, Any] | None],
    patience: Patience,
) -> Flow[Result]:
    """One picture, perhaps with its fluorescence.

    Arguments:
        picture: path or content; fluorescence: the same.
        groups: "filters", "preprocessing" and "options".
        patience: for each request.
    """
    files = {"file": _read(picture)}
    if fluorescence is not None:
        files["fluorescence"] = _read(fluorescence)
    answer = yield from asked(Call("POST", "/download_analysis", data=_form(groups), files=files), patience)
    return Result.of(answer.content)


def start_job(
    pictures: Pictures,
    run: Mapping[str, Any],
    groups: Mapping[str, Mapping[str, Any] | None],
    tell: Tell,
    patience: Patience,
) -> Flow[Job]:
    """Send pictures as a job and start it.

    Arguments:
        pictures: a folder, with all below it, or files.
        run: export, pair, frames, tracks, frame_interval_s, plate.
        groups: "filters", "preprocessing" and "options".
        tell: hears of each file that was sent.
        patience: for each request.

    Raises:
        FileNotFoundError: there is no picture.
    """
    named = list(_named(pictures))
    if not named:
        raise FileNotFoundError(f"There is no picture in {pictures}.")
    call = Call(
        "POST",
        "/jobs",
        headers={"Idempotency-Key": uuid.uuid4().hex},
        data=_form({**groups, "run": {**run, "start": False}}),
    )
    job = Job.of((yield from asked(call, patience)).json())
    for i, (name, path) in enumerate(named):
        tell(Progress("sending", i, len(named)))
        yield from _sent(job.id, name, path, patience)
    tell(Progress("sending", len(named), len(named)))
    return Job.of((yield from asked(Call("POST", f"/jobs/{job.id}/start"), patience)).json())


def waited(id_: str, tell: Tell, patience: Patience) -> Flow[Job]:
    """A job when it is done.

    Raises:
        JobFailed: it has failed as a whole.
    """
    told = None
    while True:
        job = Job.of((yield from asked(Call("GET", f"/jobs/{id_}"), patience)).json())
        progress = Progress("analysing", job.done + job.failed, job.pictures, job.seconds_left)
        if progress != told:
            tell(progress)
            told = progress
        if job.state == "failed":
            raise JobFailed(f"The job has failed: {job.message}")
        if job.state == "done":
            return job
        yield Pause(POLL_S)


def fetched(id_: str, folder: str | Path, patience: Patience) -> Flow[Results]:
    """The results of a job that is done, unpacked into a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f".job-{id_}.zip"
    yield from asked(Call("GET", f"/jobs/{id_}/result", save_to=archive), patience)
    return Results.unpacked(archive, folder)


def segment_many(
    pictures: Pictures,
    folder: str | Path,
    run: Mapping[str, Any],
    groups: Mapping[str, Mapping[str, Any] | None],
    tell: Tell,
    patience: Patience,
) -> Flow[Results]:
    """A job from its files to its results, after which it is removed from the service."""
    job = yield from start_job(pictures, run, groups, tell, patience)
    yield from waited(job.id, tell, patience)
    results = yield from fetched(job.id, folder, patience)
    yield from removed(job.id, patience)
    return results


def listed(patience: Patience) -> Flow[list[Job]]:
    """The key's jobs, the newest first."""
    answer = yield from asked(Call("GET", "/jobs"), patience)
    return [Job.of(one) for one in answer.json()["jobs"]]


def one(id_: str, patience: Patience) -> Flow[Job]:
    """How far a job is."""
    return Job.of((yield from asked(Call("GET", f"/jobs/{id_}"), patience)).json())


def removed(id_: str, patience: Patience) -> Flow[None]:
    """Stop a job and remove it."""
    yield from asked(Call("DELETE", f"/jobs/{id_}"), patience)


def _sent(id_: str, name: str, path: Path, patience: Patience) -> Flow[None]:
    total, address = path.stat().st_size, f"/jobs/{id_}/files/{quote(name)}"
    with path.open("rb") as file:
        start = 0
        while part := file.read(PART):
            last = start + len(part) - 1
            headers = {"Content-Range": f"bytes {start}-{last}/{total}"}
            yield from asked(Call("PUT", address, headers=headers, content=part), patience)
            start = last + 1


def _named(pictures: Pictures) -> Iterator[tuple[str, Path]]:
    """Files with the names that they are sent with: their paths in the folder, or in what they share."""
    if isinstance(pictures, str | Path):
        folder = Path(pictures)
        if folder.is_dir():
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(folder)
                hidden = any(part.startswith(".") for part in name.parts)
                if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
                    yield name.as_posix(), path
            return
        pictures = [pictures]
    paths = [Path(os.path.abspath(picture)) for picture in pictures]  # noqa: PTH100  # links keep their names
    if paths:
        root = os.path.commonpath([path.parent for path in paths])
        yield from ((path.relative_to(root).as_posix(), path) for path in paths)


def _form(groups: Mapping[str, Mapping[str, Any] | None]) -> dict[str, str]:
    return {name: json.dumps(group) for name, group in groups.items() if group}


def _read(picture: Picture) -> tuple[str, bytes]:
    if isinstance(picture, bytes):
        return "picture", picture
    return Path(picture).name, Path(picture).read_bytes()


def _backoff(attempt: int) -> float:
    """Twice as long each time, and a little by chance, so that clients do not come back all at once."""
    pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**attempt)
    return float(pause * random.uniform(0.8, 1.2))  # noqa: S311  # no secret


def _retry_after(answer: httpx.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _refused(answer: httpx.Response, wait: float | None) -> Exception:
    try:
        told = answer.json()
        message, error, request_id = str(told["message"]), str(told["error"]), told["request_id"]
    except (ValueError, LookupError, TypeError):
        message, error, request_id = f"The service answered {answer.status_code}.", answer.reason_phrase, None
    return refusal(answer.status_code)(message, answer.status_code, error, request_id, wait)
