"""Jobs: what a client may ask of one, and what is answered, as schemas."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.requests import Groups
from api.schemas.segmentation import Answer
from batch.exports import EXPORTS
from batch.plate import Plate
from batch.recipe import OwnGroups
from droplets.parameters import Parameters
from droplets.reading.image import FORMATS
from jobs.record import Stage


class RunOptions(Parameters):
    """How the pictures of a job belong together, and what comes of them."""

    export: list[str] = Field(
        ["overlay", "coco"], description=f"Files for each picture, of: {', '.join(EXPORTS)}."
    )
    pair: str | None = Field(
        None,
        description='Names of brightfield and fluorescence for digital PCR, such as "{}_bf.tif:{}_fl.tif".',
    )
    frames: str | None = Field(
        None, description='Frames of stacks and videos, each a picture: "all", "0-99" or "0-99:2".'
    )
    tracks: bool = Field(
        False, description="Follow droplets through the frames of each file, or numbered pictures."
    )
    frame_interval_s: float | None = Field(
        None, gt=0, description="Seconds from frame to frame, in place of what the files tell."
    )
    plate: Plate = Field(
        default_factory=Plate,
        description="What the wells of digital PCR are: their names, replicates, controls, dilution.",
        json_schema_extra={"default": {}},
    )
    start: bool = Field(True, description="False: wait for more files and for `POST /jobs/ID/start`.")


class JobForm(Groups):
    """Pictures to analyse as a job; the groups as JSON in fields of text."""

    file: bytes = Field(
        default_factory=bytes,
        description=f"{FORMATS}, or a ZIP file of such; the field may come many times, or not at all.",
    )
    run: RunOptions = Field(
        default_factory=RunOptions,
        description="How the pictures belong together, and what comes of them.",
        json_schema_extra={"default": {}},
    )
    each: dict[str, OwnGroups] = Field(
        default_factory=dict,
        description="What single pictures have of their own, by the names of their files: fluorescence, and "
        "settings in place of those of all.",
        json_schema_extra={"default": {}},
    )


class JobFailure(Answer):
    """A picture that could not be analysed."""

    picture: str
    error: str
    message: str


class JobSummary(Answer):
    """How far a job is. Times are seconds since the epoch."""

    id: str
    state: Stage = Field(
        description="receiving files, waiting for a worker, running, done, or failed as a whole"
    )
    created: float
    started: float | None
    finished: float | None
    expires: float | None = Field(description="when it is removed; null until it is done or failed")
    pictures: int | None = Field(description="null until the job is started, which counts them")
    done: int
    failed: int
    pictures_per_minute: float | None = Field(description="since the worker at work began")
    seconds_left: float | None
    message: str | None = Field(description="why the job has failed as a whole")


class JobInfo(JobSummary):
    """A job, with what went wrong."""

    success: Literal[True]
    request_id: str
    errors: list[JobFailure] = Field(description="the first hundred; errors.csv has all")


class JobList(Answer):
    """Answer of `GET /jobs`: those of the key, the newest first."""

    success: Literal[True]
    request_id: str
    jobs: list[JobSummary]


class JobCost(Answer):
    """What starting a job would take."""

    success: Literal[True]
    request_id: str
    pictures: int
    left: int = Field(description="pictures and requests that the key has left this hour")
    fits: bool


class FileReceived(Answer):
    """How much of a file has come."""

    success: Literal[True]
    request_id: str
    name: str
    received: int = Field(description="bytes")
    total: int
