"""POST /segment, /segment_file and /analyze_image, GET /defaults."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request

from api.plumbing.services import services
from api.schemas.options import Options
from api.wire.answer import analyse, body, decode, place_to_look, table
from api.wire.requests import asked, sent, sent_as_json, sent_with
from auth_middleware import require_api_key, track_usage, validate_file_upload
from droplets.export.figures import rounded
from droplets.figures.picture import picture_statistics
from droplets.objects.filters import Filters
from droplets.parameters import Parameters
from droplets.preprocess import Preprocessing

blueprint = Blueprint("segmentation", __name__)

JSON, CSV = "application/json", "text/csv"


@blueprint.post("/segment")
@track_usage
@require_api_key
def segment() -> Response:
    """Masks of the picture in a JSON body."""
    return jsonify(body(analyse(sent_as_json())))


@blueprint.post("/segment_file")
@track_usage
@require_api_key
@validate_file_upload
def segment_file(upload: bytes) -> Response:
    """Masks of an uploaded picture; with `Accept: text/csv` the table of its droplets."""
    done = analyse(sent_with(upload))
    if request.accept_mimetypes.best_match((JSON, CSV)) == CSV:
        return current_app.response_class(table(done), mimetype=CSV)
    return jsonify(body(done))


@blueprint.post("/analyze_image")
@track_usage
@require_api_key
def analyze_image() -> Response:
    """Figures of the picture as a whole, from a JSON body or an upload; runs no model."""
    received = sent()
    selection = asked(received.groups).options.selection
    with place_to_look():
        image = decode(received.picture, selection)
        figures = picture_statistics(image)
    return jsonify(
        success=True,
        request_id=g.request_id,
        size={"width": image.width, "height": image.height, "bytes": len(received.picture)},
        bit_depth=image.bit_depth,
        format=image.format,
        notes=list(image.notes),
        **rounded(figures),
    )


@blueprint.get("/defaults")
@track_usage
@require_api_key
def defaults() -> Response:
    """Every filter, preprocessing step and option with its default and a line on it; and the limits."""
    settings = services().settings
    return jsonify(
        filters=_described(Filters),
        preprocessing=_described(Preprocessing),
        options=_described(Options),
        limits={"max_file_size_mb": settings.max_file_size_mb, "max_image_pixels": settings.max_image_pixels},
    )


def _described(parameters: type[Parameters]) -> dict[str, Any]:
    return {
        name: {"default": field.default, "description": field.description}
        for name, field in parameters.model_fields.items()
    }
