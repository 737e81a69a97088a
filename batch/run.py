"""From inputs to a folder with results: the whole story of a run, one line a step."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from batch.controls import controlled
from batch.dmiqe import write_checklist
from batch.engine import MOST_PIXELS, Engine, Model, Outcome, Plan, gathered, plan, process, state
from batch.files import Listing, Pair, find_files, pictures
from batch.folder import OutFolder
from batch.frames import Frames, in_frames
from batch.plate import NO_PLATE, Plate
from batch.recipe import Recipe, make_recipe, read_options_file
from batch.record import Record
from batch.series import Series, series_of
from batch.summary import summary_html
from batch.tables import Failure, read_failures, table_names, write_tables
from batch.tracks import SeriesSummary, track_names, write_tracks
from batch.wells import well_names, write_wells
from config import VERSION
from droplets.errors import BadRequest
from droplets.tracks.linking import check_installed

RUN, SUMMARY = "run.json", "summary.html"


@dataclass(frozen=True)
class Asked:
    """What a run is asked for.

    Attributes:
        inputs: files, folders, patterns, ZIP files.
        out: folder of the results.
        recipe: what is done to every picture.
        pair: how brightfield and fluorescence are called, "{}_bf.png:{}_fl.png"; None for single pictures.
        frames: of files that have several, "all", "0-99" or "0-99:2"; None for the one that the options name.
        tracks: whether droplets are followed through the frames of each file, and through numbered stills.
        frame_interval_s: from one frame to the next; None for what the files tell.
        plate: what the wells are, for digital PCR.
        max_pixels: limit of a picture.
    """

    inputs: tuple[str, ...]
    out: Path
    recipe: Recipe
    pair: str | None = None
    frames: str | None = None
    tracks: bool = False
    frame_interval_s: float | None = None
    plate: Plate = NO_PLATE
    max_pixels: int = MOST_PIXELS


@dataclass(frozen=True)
class Begun:
    """What a run has to do.

    Attributes:
        pictures: number of all.
        todo: number of those that are left.
        left_out: number of files that fit neither pattern of the pair.
        gaps: numbers that are missing among numbered stills, by the name of the series.
    """

    pictures: int
    todo: int
    left_out: int
    gaps: Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """What a run has come to: pictures in the tables, droplets in them, and what failed."""

    pictures: int
    droplets: int
    failures: tuple[Failure, ...]


def segment(
    asked: Asked,
    load: Callable[[], Model],
    workers: int | None,
    *,
    engine: Engine = process,
    begin: Callable[[Begun], None],
    tell: Callable[[Outcome], None],
) -> Result:
    """Analyse all pictures that are not done yet, and write the tables over all.

    Arguments:
        asked: inputs, folder and recipe.
        load: gives the model, the same each time; not called where nothing is left to do.
        workers: pictures that are worked on at once; None for as many as the engine thinks fit.
        engine: does the work: threads of this process, or what else there is.
        begin: hears once what there is to do.
        tell: hears of every picture as it is done.

    Raises:
        BadRequest: inputs or folder cannot be used.
        ModelUnavailable: the model cannot be loaded.
        KeyboardInterrupt: after pictures in hand were finished and the tables written.
        OSError: the folder cannot be written to.
    """
    folder = OutFolder(asked.out)
    listing = listed(asked)
    with folder.held():

        def analyse_controls(first: Plan) -> None:
            engine(first, folder, load, workers, lambda _: None)

        recipe = controlled(asked.recipe, asked.plate, listing, folder, asked.max_pixels, analyse_controls)
        planned = plan(listing, recipe, folder, asked.max_pixels)
        series = series_of(listing, asked.frame_interval_s) if asked.tracks else []
        gaps = {one.source: one.gaps for one in series if one.gaps}
        begin(Begun(len(planned.names), len(planned.todo), len(listing.left_out), gaps))
        failures = list(planned.failures)

        def note(outcome: Outcome) -> None:
            if outcome.failure:
                failures.append(outcome.failure)
            tell(outcome)

        try:
            engine(planned, folder, load, workers, note)
        except KeyboardInterrupt:
            _finish(asked, folder, planned, failures, [])
            raise
        return _finish(asked, folder, planned, failures, series)


def report(out: Path) -> Path:
    """Write summary.html again, of what the last run has left; its path.

    Raises:
        BadRequest: the folder holds no run.
    """
    folder, recipe, run = read_run(out)
    with folder.held():
        _write_summary(folder, recipe, recorded(folder, run), read_failures(folder), run.tracks)
    return out / SUMMARY


@dataclass(frozen=True)
class Run:
    """What run.json tells beside the recipe: inputs, pictures that are done, the tables' state, tracks."""

    inputs: tuple[str, ...]
    pictures: tuple[str, ...]
    state: str
    tracks: tuple[SeriesSummary, ...]


def read_run(out: Path) -> tuple[OutFolder, Recipe, Run]:
    """The folder of a run, its recipe and what is written down of it.

    Raises:
        BadRequest: it holds none.
    """
    try:
        given = read_options_file(out / RUN)
        record = json.loads((out / RUN).read_text(encoding="utf-8"))["record"]
        tracks = tuple(SeriesSummary(**one) for one in record["tracks"])
        run = Run(given.inputs, tuple(record["pictures"]), str(record["state"]), tracks)
    except (BadRequest, OSError, ValueError, LookupError, TypeError):
        raise BadRequest(f"{out} is no folder with the results of a run: it has no {RUN} of one.") from None
    return OutFolder(out), make_recipe(given.groups, given.export or ()), run


def recorded(folder: OutFolder, run: Run) -> list[Record]:
    """The records of a run's pictures, in their order."""
    return [record for name in run.pictures if (record := folder.record(name))]


def listed(asked: Asked) -> Listing:
    """The pictures of a run.

    Raises:
        BadRequest: inputs, pair or frames cannot be used.
    """
    pair = Pair.parse(asked.pair) if asked.pair else None
    frames = Frames.parse(asked.frames) if asked.frames else None
    if asked.frame_interval_s is not None and not asked.frame_interval_s > 0:
        raise BadRequest("--frame-interval-s must be over zero: the seconds from one frame to the next.")
    if asked.tracks:
        check_installed()
    if frames and asked.recipe.wanted.options.frame:
        raise BadRequest("options.frame is for one frame, --frames for several; leave one of them out.")
    own = {name: one.fluorescence for name, one in asked.recipe.each.items()}
    listing = pictures(find_files(asked.inputs, asked.out), pair, own)
    if frames:
        return in_frames(listing, frames, asked.max_pixels)
    if asked.tracks and not series_of(listing, None):
        raise BadRequest(
            "--tracks follows droplets through frames: say which by --frames, such as all, or give pictures "
            "that are numbered one after another, such as frame_0001.png."
        )
    return listing


def _finish(
    asked: Asked, folder: OutFolder, planned: Plan, failures: Sequence[Failure], series: Sequence[Series]
) -> Result:
    """Write the tables, the summary and run.json, unless those that are there tell the same."""
    failures = sorted(failures, key=lambda failure: failure.picture)
    records = gathered(planned, folder)
    now = state(records, failures, [*series, asked.plate])
    files = [*table_names(), *track_names(series), *well_names(records), SUMMARY]
    if _state(folder) != now or not all((folder.path / name).exists() for name in files):
        write_tables(folder, records, failures)
        wells = write_wells(folder, records, asked.plate)
        write_checklist(folder, records, wells)
        selection = asked.recipe.wanted.options.selection
        tracks = write_tracks(folder, series, records, selection, asked.max_pixels)
        _write_summary(folder, asked.recipe, records, failures, tracks)
        _write_run(asked, folder, records, now, tracks)
    return Result(len(records), sum(record.row.droplets for record in records), tuple(failures))


def _state(folder: OutFolder) -> str | None:
    try:
        return read_run(folder.path)[2].state
    except BadRequest:
        return None


def _write_summary(
    folder: OutFolder,
    recipe: Recipe,
    records: Sequence[Record],
    failures: Sequence[Failure],
    tracks: Sequence[SeriesSummary],
) -> None:
    with folder.writing(SUMMARY) as out:
        out.write(summary_html(recipe, records, failures, tracks).encode())


def _write_run(
    asked: Asked, folder: OutFolder, records: Sequence[Record], now: str, tracks: Sequence[SeriesSummary]
) -> None:
    made_with = dict.fromkeys(record.made_with for record in records)
    text = {
        "inputs": [os.path.abspath(name) for name in asked.inputs],  # noqa: PTH100  # of patterns too
        "pair": asked.pair,
        "frames": asked.frames,
        "tracks": asked.tracks,
        "frame_interval_s": asked.frame_interval_s,
        "plate": asked.plate.model_dump(exclude_defaults=True),
        "export": list(asked.recipe.exports),
        **asked.recipe.groups,
        "record": {
            "version": VERSION,
            "python": platform.python_version(),
            "made_with": [asdict(one) for one in made_with],
            "pictures": [record.row.picture for record in records],
            "state": now,
            "tracks": [asdict(one) for one in tracks],
        },
    }
    with folder.writing(RUN) as out:
        out.write(json.dumps(text, indent=2).encode())
