"""A run: what is left to do is analysed side by side, and every result is kept as soon as it is there."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Protocol

from batch.exports import exported
from batch.files import Listing, Picture
from batch.folder import DROPLETS, RECORD, OutFolder
from batch.opened import OpenFile, OpenFiles
from batch.recipe import Recipe
from batch.record import MadeWith, Record, Row, Stamp, dye_figures, make_row, to_json
from batch.tables import Failure
from config import cores
from droplets.errors import ServiceError
from droplets.export.table import csv_table
from droplets.options import Options
from droplets.pipeline import analyze
from droplets.types import Generation, Image, MaskRequest

MOST_PIXELS = 500_000_000
"""Of a picture: over ten times what the service takes, since the pictures are the user's own."""
MOST_WORKERS = 3
"""More have nothing to do: the model is asked by one at a time, and measuring takes about as long as that."""


class Model(Protocol):
    """A loaded model; threads may share it."""

    made_with: MadeWith

    def generate(self, request: MaskRequest, /) -> Generation:
        """Masks of a picture."""


@dataclass(frozen=True)
class Plan:
    """What a run comes to.

    Attributes:
        recipe: what is done to every picture.
        names: of all pictures, in their order.
        todo: those that have to be analysed.
        max_pixels: limit of a picture.
        failures: what is known to fail before any picture is read.
    """

    recipe: Recipe
    names: tuple[str, ...]
    todo: tuple[Picture, ...]
    max_pixels: int = MOST_PIXELS
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A picture that has been looked at: its row, or why there is none."""

    name: str
    row: Row | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Job:
    """What every picture of a run is analysed with; the digest is the recipe's."""

    recipe: Recipe
    model: Model
    digest: str
    files: OpenFiles


@dataclass(frozen=True)
class Findings:
    """What has come of a picture, before anything is written.

    Attributes:
        name: of the picture.
        row: of the table of pictures; None where it could not be analysed.
        files: content by name.
        same: only its files' times have changed, so that the files it has stay, but for those in `files`.
        failure: why there is no row.
    """

    name: str
    row: Row | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    same: bool = False
    failure: Failure | None = None


class Engine(Protocol):
    """Has every picture analysed that is left to do, and keeps what comes of it: `process` or another."""

    def __call__(
        self,
        plan: Plan,
        folder: OutFolder,
        load: Callable[[], Model],
        workers: int | None,
        tell: Callable[[Outcome], None],
        /,
    ) -> None:
        """Arguments as of `process`."""


def plan(listing: Listing, recipe: Recipe, folder: OutFolder, max_pixels: int = MOST_PIXELS) -> Plan:
    """Which pictures are left to do: new ones, with another recipe, or of files of another size or time."""
    digest = recipe.digest
    todo = [
        picture for picture in listing.pictures if not _is_done(picture, folder.record(picture.name), digest)
    ]
    alone = tuple(
        Failure(file.name, "Unpaired", "The other picture of its pair is missing.") for file in listing.alone
    )
    return Plan(recipe, tuple(picture.name for picture in listing.pictures), tuple(todo), max_pixels, alone)


def process(
    plan: Plan,
    folder: OutFolder,
    load: Callable[[], Model],
    workers: int | None,
    tell: Callable[[Outcome], None],
) -> None:
    """Analyse what is left to do; when it is stopped, pictures that have begun are finished first.

    Arguments:
        plan: of this folder.
        folder: is held.
        load: loads the model; not called if there is nothing to do.
        workers: pictures that are worked on at once; None for as many as suit this machine.
        tell: hears of every picture, on the calling thread.

    Raises:
        ModelUnavailable: the model cannot be loaded.
        OSError: the folder cannot be written to.
    """
    if not plan.todo:
        return
    workers = workers or usual_workers()
    job = Job(plan.recipe, load(), plan.recipe.digest, OpenFiles(plan.max_pixels))

    def work(picture: Picture) -> Outcome:
        return keep(folder, findings(job, picture, folder.record(picture.name)))

    with ThreadPoolExecutor(workers, "batch") as pool:
        try:
            # No more in hand than are worked on and one that waits: memory does not grow with their number.
            for future in _side_by_side(pool, plan.todo, work, workers + 1):
                tell(future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def findings(job: Job, picture: Picture, before: Record | None) -> Findings:
    """Analyse a picture, wherever that may be; nothing is written.

    Arguments:
        job: recipe and model.
        picture: its files are read.
        before: the record that the picture has.
    """
    try:
        return _found(job, picture, before)
    except ServiceError as error:
        failure = Failure(picture.name, type(error).__name__, error.message)
    except Exception as error:  # whatever is wrong with one picture, the others go on
        failure = Failure(picture.name, type(error).__name__, f"Unexpected: {error}. Please report it.")
    return Findings(picture.name, failure=failure)


def keep(folder: OutFolder, found: Findings) -> Outcome:
    """Write what has come of a picture. One that cannot be analysed keeps nothing from before."""
    if found.failure:
        folder.forget(found.name)
    else:
        files = {**folder.files(found.name), **found.files} if found.same else found.files
        folder.put(found.name, files)
    return Outcome(found.name, found.row, found.failure)


def gathered(plan: Plan, folder: OutFolder) -> list[Record]:
    """The records of all pictures that are done, in their order."""
    digest = plan.recipe.digest
    records = (folder.record(name) for name in plan.names)
    return [record for record in records if record and record.recipe == digest]


def state(records: Iterable[Record], failures: Iterable[Failure], series: Iterable[object]) -> str:
    """Digest of all that the tables are made of."""
    digest = hashlib.sha256(repr(list(series)).encode())
    for record in records:
        digest.update(repr((record.row.picture, record.recipe, record.stamps)).encode())
    for failure in failures:
        digest.update(repr(failure).encode())
    return digest.hexdigest()


def usual_workers() -> int:
    """The model itself computes on all cores: on two of them a second picture at once only disturbs it."""
    return min(MOST_WORKERS, max(1, cores() // 2))


def _side_by_side(
    pool: ThreadPoolExecutor, items: Sequence[Picture], work: Callable[[Picture], Outcome], most: int
) -> Iterator[Future[Outcome]]:
    """As they come, with at most so many in hand; of several at once, first those that began first."""
    running: list[Future[Outcome]] = []
    waiting = deque(items)
    while waiting or running:
        while waiting and len(running) < most:
            running.append(pool.submit(work, waiting.popleft()))
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        yield from (future for future in running if future in done)
        running = [future for future in running if future not in done]


def _is_done(picture: Picture, record: Record | None, digest: str) -> bool:
    return (
        record is not None
        and record.recipe == digest
        and [(stamp.size, stamp.modified) for stamp in record.stamps]
        == [(file.size, file.modified) for file in picture.files]
    )


def _found(job: Job, picture: Picture, before: Record | None) -> Findings:
    """The files of a picture and its row: those that are there, if only its files' times have changed."""
    started = time.perf_counter()
    opened = [job.files.of(file) for file in picture.files]
    stamps = tuple(
        Stamp(file.size, file.modified, one.sha256) for file, one in zip(picture.files, opened, strict=True)
    )
    if before and before.recipe == job.digest and _hashes(before.stamps) == _hashes(stamps):
        record = to_json(replace(before, stamps=stamps))
        return Findings(picture.name, before.row, {RECORD: record}, same=True)
    wanted = job.recipe.of(picture.file.name)
    image, light = _decoded(opened, wanted.options, picture)
    analysis = analyze(image, job.model.generate, wanted, light)
    files = {
        DROPLETS: csv_table(analysis).encode(),
        **exported(image, analysis, picture.name, job.recipe.exports),
    }
    row, diameters = make_row(image, analysis, picture, time.perf_counter() - started)
    made = Record(row, diameters, job.digest, stamps, job.model.made_with, dye_figures(analysis.ddpcr))
    return Findings(picture.name, row, {**files, RECORD: to_json(made)})


def _decoded(opened: Sequence[OpenFile], options: Options, picture: Picture) -> tuple[Image, list[Image]]:
    """The picture, and its fluorescence: of files of its own, or other channels of the same."""
    image = opened[0].image(picture.plane(options.selection))
    if len(opened) == 1 and options.fluorescence_channel is None:
        return image, []
    return image, [
        one.image(picture.plane(selection))
        for one in opened[1:] or opened
        for selection in options.fluorescence_selections
    ]


def _hashes(stamps: Sequence[Stamp]) -> list[str]:
    return [stamp.sha256 for stamp in stamps]
