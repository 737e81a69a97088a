"""POST /advanced_analysis."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from api.advanced import advanced
from api.answer import analyse, body
from api.requests import sent
from auth_middleware import require_api_key, track_usage

blueprint = Blueprint("analysis", __name__)


@blueprint.post("/advanced_analysis")
@track_usage
@require_api_key
def advanced_analysis() -> Response:
    """Masks, clusters, contents, encapsulation, neighbours and plots, from a JSON body or an upload."""
    done = analyse(sent())
    more = advanced(done.image, done.analysis, done.wanted.options)
    return jsonify({**body(done), **more})
