"""What the specification says of each route beyond its view: answer, request, key, errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from api.errors import Forbidden, RateLimited, Unauthorized
from api.routes.admin import MOST_HOURS
from api.routes.jobs import TABLES
from api.schemas.advanced import AdvancedAnalysis
from api.schemas.health import AdminHealth, Health, Live, Ready
from api.schemas.jobs import FileReceived, JobCost, JobForm, JobInfo, JobList
from api.schemas.requests import AnalysisBody, AnalysisForm, PictureBody, PictureForm
from api.schemas.segmentation import Answer, Segmentation
from api.schemas.service import Defaults, PictureFigures, Stats
from droplets.errors import (
    BadRequest,
    ServiceError,
    TooLarge,
    Unavailable,
    UndecodableImage,
    UnsupportedImage,
)
from jobs.errors import JobConflict, NoSuchJob

Key = Literal["ApiKey", "AdminKey", "HealthKey"]

JSON, FORM, BYTES = "application/json", "multipart/form-data", "application/octet-stream"


@dataclass(frozen=True)
class Operation:
    """One route.

    Attributes:
        tag: group that it is shown in.
        answer: schema of the JSON answer, or the type of the file that is answered.
        bodies: schema of the request by content type, None for a file as it is; empty for none.
        key: the key it wants; that of health is optional.
        errors: that it may answer.
        query: parameters of the address, as JSON schemas.
        also: schemas of answers with other statuses that are no errors.
        formats: types of a file that is answered instead, to whom asks for it by Accept.
        status: of the answer.
        header: headers of the request beyond the key, each with a line on it.
    """

    tag: str
    answer: type[Answer] | str
    bodies: Mapping[str, type[BaseModel] | None] = field(default_factory=dict)
    key: Key | None = None
    errors: tuple[type[ServiceError], ...] = ()
    query: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    also: Mapping[int, type[Answer]] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    status: int = 200
    header: Mapping[str, str] = field(default_factory=dict)


WITH_KEY = (Unauthorized, RateLimited, Unavailable)
WITH_PICTURE = (BadRequest, TooLarge, UnsupportedImage, UndecodableImage, *WITH_KEY)
ADMIN = (BadRequest, Forbidden, RateLimited, Unavailable)
BODY: dict[str, type[BaseModel]] = {JSON: AnalysisBody}
UPLOAD: dict[str, type[BaseModel]] = {FORM: AnalysisForm}
ANALYSIS = BODY | UPLOAD
PICTURE: dict[str, type[BaseModel]] = {JSON: PictureBody, FORM: PictureForm}
JOBS = (NoSuchJob, Unauthorized, Unavailable)
HOURS = {"type": "integer", "minimum": 1, "maximum": MOST_HOURS, "default": 24}

OPERATIONS: dict[str, Operation] = {
    "segmentation.segment": Operation("Segmentation", Segmentation, BODY, "ApiKey", WITH_PICTURE),
    "segmentation.segment_file": Operation(
        "Segmentation", Segmentation, UPLOAD, "ApiKey", WITH_PICTURE, formats=("text/csv",)
    ),
    "analysis.advanced_analysis": Operation(
        "Segmentation", AdvancedAnalysis, ANALYSIS, "ApiKey", WITH_PICTURE
    ),
    "analysis.download_analysis": Operation(
        "Segmentation", "application/zip", ANALYSIS, "ApiKey", WITH_PICTURE
    ),
    "segmentation.analyze_image": Operation("Segmentation", PictureFigures, PICTURE, "ApiKey", WITH_PICTURE),
    "preview.preview": Operation("Segmentation", "image/png", PICTURE, "ApiKey", WITH_PICTURE),
    "segmentation.defaults": Operation("Segmentation", Defaults, key="ApiKey", errors=WITH_KEY),
    "jobs.create": Operation(
        "Jobs",
        JobInfo,
        {FORM: JobForm},
        "ApiKey",
        (BadRequest, JobConflict, TooLarge, UnsupportedImage, *WITH_KEY),
        status=202,
        header={
            "Idempotency-Key": "A text by which a request that comes again is known; it makes no second job."
        },
    ),
    "jobs.listing": Operation("Jobs", JobList, key="ApiKey", errors=(Unauthorized, Unavailable)),
    "jobs.state": Operation("Jobs", JobInfo, key="ApiKey", errors=JOBS),
    "jobs.remove": Operation("Jobs", JobInfo, key="ApiKey", errors=JOBS),
    "jobs.put_file": Operation(
        "Jobs",
        FileReceived,
        {BYTES: None},
        "ApiKey",
        (BadRequest, JobConflict, TooLarge, UnsupportedImage, *JOBS),
        header={"Content-Range": "bytes FIRST-LAST/TOTAL of a part; bytes */TOTAL asks how much is here."},
    ),
    "jobs.cost": Operation("Jobs", JobCost, key="ApiKey", errors=(BadRequest, TooLarge, *JOBS)),
    "jobs.start": Operation(
        "Jobs", JobInfo, key="ApiKey", errors=(BadRequest, RateLimited, TooLarge, *JOBS), status=202
    ),
    "jobs.events": Operation("Jobs", "text/event-stream", key="ApiKey", errors=JOBS),
    "jobs.result": Operation(
        "Jobs",
        "application/zip",
        key="ApiKey",
        errors=(BadRequest, JobConflict, *JOBS),
        query={"table": {"type": "string", "enum": list(TABLES)}},
    ),
    "health.health": Operation("Health", Health, key="HealthKey", errors=(Forbidden, RateLimited)),
    "health.live": Operation("Health", Live),
    "health.ready": Operation("Health", Ready, also={503: Ready}),
    "admin.stats": Operation("Administration", Stats, key="AdminKey", errors=ADMIN, query={"hours": HOURS}),
    "admin.health": Operation("Administration", AdminHealth, key="AdminKey", errors=ADMIN),
    "admin.dashboard": Operation("Pages", "text/html"),
    "web.page": Operation("Pages", "text/html"),
    "web.static": Operation("Pages", "*/*"),
    "web.sample": Operation("Pages", "image/png"),
    "charts.plotly": Operation("Pages", "text/javascript"),
    "docs.page": Operation("Pages", "text/html"),
    "docs.openapi": Operation("Pages", JSON),
    "docs.asset": Operation("Pages", "*/*"),
}
"""By endpoint."""
