"""GET /health and its probes: is the container, the application, the model well?"""

from __future__ import annotations

import os
import resource
import time
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from auth_middleware import current_auth
from config import Settings
from droplets.errors import Forbidden, ModelUnavailable, StoreUnavailable
from droplets.sam.checkpoint import CheckpointFile
from sam_service import SamService
from store import Store
from store.usage import summarise

blueprint = Blueprint("health", __name__, url_prefix="/health")

STARTED = time.time()
OUTAGE_MODES = {
    "refuse": "requests that a limit protects get 503 while the store is away",
    "allow": "limits are local to each worker while the store is away",
}


@blueprint.get("")
def health() -> Response:
    """Whether the process answers and the model is loaded; all levels with the key of HEALTH_CHECK_KEY."""
    settings: Settings = current_app.extensions["settings"]
    presented = request.headers.get("X-Health-Key")
    body: dict[str, Any] = {"status": "healthy", "model_loaded": _service().status()["model_loaded"]}
    if presented is not None and settings.health_check_key is not None:
        secret = settings.health_check_key.get_secret_value()
        if not current_auth().check_secret(secret, presented, "health"):
            raise Forbidden("Send the health key in the X-Health-Key header, or none.")
        body |= {"levels": levels()}
    return jsonify(body)


@blueprint.get("/live")
def live() -> Response:
    """200 as long as the process answers."""
    return jsonify(status="alive")


@blueprint.get("/ready")
def ready() -> tuple[Response, int]:
    """200 if a picture would be taken now, else 503 with what is missing."""
    checks = {
        "store": _store().ready,
        "checkpoint": _checkpoint()["valid"],
        "queue": _service().ready,
    }
    well = all(checks.values())
    return jsonify(status="ready" if well else "not ready", checks=checks), 200 if well else 503


def levels() -> dict[str, Any]:
    """Health of container, application and model, and the last hour's response times."""
    try:
        recent = summarise(_store().usage.since(time.time() - 3600))
    except StoreUnavailable:
        recent = None
    service = _service()
    return {
        "container": {
            "uptime_s": round(time.time() - STARTED),
            "pid": os.getpid(),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "load_average": os.getloadavg(),
        },
        "application": {"store": _store_health(), "takes_pictures": service.ready},
        "model": {**service.status(), "checkpoint": _checkpoint()},
        "response_times": recent,
    }


def _store() -> Store:
    store: Store = current_app.extensions["store"]
    return store


def _store_health() -> dict[str, Any]:
    store = _store()
    answers = store.check()
    status = store.status()
    return {
        "backend": status.backend,
        "answers": answers,
        "since": status.since,
        "mode": f"{store.outage}: {OUTAGE_MODES[store.outage]}",
    }


def _service() -> SamService:
    service: SamService = current_app.extensions["sam"]
    return service


def _checkpoint() -> dict[str, Any]:
    checkpoint: CheckpointFile = current_app.extensions["checkpoint"]
    try:
        info = checkpoint.info()
    except ModelUnavailable as error:
        return {"valid": False, "reason": error.message}
    return {"valid": True, "name": info.name, "source": info.source, "sha256": info.sha256}
