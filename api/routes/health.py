"""GET /health and its probes: is the service well?"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from api.errors import Forbidden
from api.health.levels import checkpoint, head, hierarchy
from api.plumbing.services import services

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("")
def health() -> Response:
    """Whether the process answers and the model is loaded; all levels with the key of HEALTH_CHECK_KEY."""
    health_key = services().settings.health_check_key
    presented = request.headers.get("X-Health-Key")
    body: dict[str, Any] = {"status": "healthy", "model_loaded": services().sam.status().model_loaded}
    if presented is not None and health_key is not None:
        secret = health_key.get_secret_value()
        if not services().auth.check_secret(secret, presented, "health"):
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
    loaded = services().sam.status().model_loaded  # and needs its files no more
    checks = {
        "store": services().store.ready,
        "checkpoint": loaded or checkpoint()["valid"],
        "head": loaded or head()["valid"],
        "queue": services().sam.ready,
    }
    well = all(checks.values())
    return jsonify(status="ready" if well else "not ready", checks=checks), 200 if well else 503
