"""GET /health and its probes: is the service well?"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request

from api.health.levels import checkpoint, head, hierarchy, sam_service, store
from auth_middleware import current_auth
from config import Settings
from droplets.errors import Forbidden

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("")
def health() -> Response:
    """Whether the process answers and the model is loaded; all levels with the key of HEALTH_CHECK_KEY."""
    settings: Settings = current_app.extensions["settings"]
    presented = request.headers.get("X-Health-Key")
    body: dict[str, Any] = {"status": "healthy", "model_loaded": sam_service().status()["model_loaded"]}
    if presented is not None and settings.health_check_key is not None:
        secret = settings.health_check_key.get_secret_value()
        if not current_auth().check_secret(secret, presented, "health"):
            raise Forbidden("Send the health key in the X-Health-Key header, or none.")
        body |= hierarchy()
    return jsonify(body)


@blueprint.get("/live")
def live() -> Response:
    """200 as long as the process answers."""
    return jsonify(status="alive")


@blueprint.get("/ready")
def ready() -> tuple[Response, int]:
    """200 if a picture would be taken now, else 503 with what is missing."""
    checks = {
        "store": store().ready,
        "checkpoint": checkpoint()["valid"],
        "head": head()["valid"],
        "queue": sam_service().ready,
    }
    well = all(checks.values())
    return jsonify(status="ready" if well else "not ready", checks=checks), 200 if well else 503
