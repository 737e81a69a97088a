"""Many pictures as a job: POST /jobs, then /jobs/ID with its files, start, cost, events and result."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, Response, current_app, g, jsonify, request, send_file

from api.plumbing.services import services
from api.wire import jobs as wire
from api.wire.jobs import sent_job, sent_part
from auth_middleware import recognise_api_key, track_usage
from batch.dmiqe import CHECKLIST
from batch.run import SUMMARY
from batch.tracks import EVENTS, TRACK_SUMMARY, TRACKS
from batch.wells import SAMPLES, WELLS
from droplets.errors import BadRequest
from jobs.archive import zipped
from jobs.desk import Desk, results
from jobs.errors import NoSuchJob
from jobs.folder import DAY, JobFolder
from sam_service import Busy

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")

TABLES = (
    "droplets.csv",
    "pictures.csv",
    "errors.csv",
    "droplets.parquet",
    TRACKS,
    TRACK_SUMMARY,
    EVENTS,
    WELLS,
    SAMPLES,
    CHECKLIST,
    SUMMARY,
)
"""Files of the results that can be had alone."""


@blueprint.post("")
@track_usage
@recognise_api_key
def create() -> tuple[Response, int]:
    """Take pictures as a job, which a worker analyses; answers at once."""
    sent = sent_job()
    folder, is_new = _desk().create(_owner(), sent.wanted, sent.files, sent.once)
    if sent.start:
        try:
            _start(folder)
        except Exception:
            if is_new:  # or what was refused would count among the key's jobs
                _desk().folders.remove(folder)
            raise
    return _answer(folder), 202


@blueprint.get("")
@track_usage
@recognise_api_key
def listing() -> Response:
    """The key's jobs, the newest first."""
    jobs = []
    for folder in _desk().folders.of(_owner()):
        with suppress(NoSuchJob):  # it may be removed meanwhile
            jobs.append(wire.summary(folder, _retention()))
    return jsonify(success=True, request_id=g.request_id, jobs=jobs)


@blueprint.get("/<job>")
@track_usage
@recognise_api_key
def state(job: str) -> Response:
    """How far a job is: pictures done, rate, time left, and what went wrong."""
    return _answer(_found(job))


@blueprint.delete("/<job>")
@track_usage
@recognise_api_key
def remove(job: str) -> Response:
    """Stop a job and remove it with all its pictures and results; answers what it was."""
    folder = _found(job)
    answer = _answer(folder)
    _desk().folders.remove(folder)
    return answer


@blueprint.put("/<job>/files/<path:name>")
@track_usage
@recognise_api_key
def put_file(job: str, name: str) -> Response:
    """Add a file to a job that is not started: the body is the file, or the part that Content-Range names."""
    part = sent_part()
    received = _desk().receive(_found(job), name, request.stream, part)
    return jsonify(success=True, request_id=g.request_id, **vars(received))


@blueprint.get("/<job>/cost")
@track_usage
@recognise_api_key
def cost(job: str) -> Response:
    """How many pictures a job would count against the hourly limit, and what is left of that."""
    pictures, left = _desk().cost(_found(job)), services().auth.left(g.api_key)
    return jsonify(success=True, request_id=g.request_id, pictures=pictures, left=left, fits=pictures <= left)


@blueprint.post("/<job>/start")
@track_usage
@recognise_api_key
def start(job: str) -> tuple[Response, int]:
    """Count the pictures of a job against the hourly limit and hand it to a worker."""
    folder = _found(job)
    _start(folder)
    return _answer(folder), 202


@blueprint.get("/<job>/events")
@track_usage
@recognise_api_key
def events(job: str) -> Response:
    """The job as server-sent events, one whenever it has changed, until it is over."""
    folder, following = _found(job), services().following
    if not following.acquire(blocking=False):
        raise Busy("Too many clients follow jobs; ask GET /jobs/ID from time to time instead.")
    sam = services().sam
    stream = wire.events(folder, _retention(), lambda: sam.status().draining)
    response = current_app.response_class(stream, mimetype="text/event-stream")
    response.call_on_close(following.release)
    response.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    return response


@blueprint.get("/<job>/result")
@track_usage
@recognise_api_key
def result(job: str) -> Response:
    """The results as a ZIP file, as the command line writes them; or one table by `?table=droplets.csv`."""
    folder = results(_found(job))
    table = request.args.get("table")
    if table is None:
        headers = {"Content-Disposition": f'attachment; filename="job-{job}.zip"'}
        return current_app.response_class(zipped(folder), mimetype="application/zip", headers=headers)
    if table not in TABLES:
        raise BadRequest(f"table must be one of: {', '.join(TABLES)}.")
    if not (folder / table).is_file():
        raise NoSuchJob(f"The results of this job have no {table}.")
    return send_file((folder / table).absolute(), as_attachment=table == SUMMARY, max_age=0)


def _desk() -> Desk:
    desk = services().desk
    assert desk is not None  # noqa: S101  # else these routes are not there
    return desk


def _owner() -> str:
    return str(g.api_key.name)


def _found(job: str) -> JobFolder:
    return _desk().folders.find(_owner(), job)


def _retention() -> float:
    return services().settings.job_retention_days * DAY


def _start(folder: JobFolder) -> None:
    auth, key = services().auth, g.api_key
    _desk().start(folder, key.name, lambda pictures: auth.take(key, pictures))


def _answer(folder: JobFolder) -> Response:
    return jsonify(success=True, request_id=g.request_id, **wire.info(folder, _retention()))
