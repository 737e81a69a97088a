"""POST /segment, /segment_file and /analyze_image, GET /defaults."""

from __future__ import annotations

import time
from threading import BoundedSemaphore
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request

from api.requests import analysis_options, fluorescence_from_json, groups_from_form, picture_from_json
from api.serialise import rounded, segmentation
from auth_middleware import optional_upload, require_api_key, track_usage, usage, validate_file_upload
from config import Settings
from droplets.errors import Busy
from droplets.filters import Filters
from droplets.image import decode_image
from droplets.parameters import Parameters
from droplets.picture_statistics import picture_statistics
from droplets.pipeline import AnalysisOptions, Options, analyze
from droplets.preprocess import Preprocessing
from droplets.types import Image
from sam_service import SamService

blueprint = Blueprint("segmentation", __name__)


@blueprint.post("/segment")
@track_usage
@require_api_key
def segment() -> Response:
    """Masks of the picture in a JSON body."""
    data, groups = picture_from_json()
    fluorescence = fluorescence_from_json(groups)
    return _segment(data, analysis_options(groups), fluorescence)


@blueprint.post("/segment_file")
@track_usage
@require_api_key
@validate_file_upload
def segment_file(upload: bytes) -> Response:
    """Masks of an uploaded picture."""
    return _segment(upload, analysis_options(groups_from_form()), optional_upload("fluorescence"))


@blueprint.post("/analyze_image")
@track_usage
@require_api_key
def analyze_image() -> Response:
    """Figures of the picture as a whole, from a JSON body or an upload; runs no model."""
    data = picture_from_json()[0] if request.is_json else _uploaded()
    image = _decode(data)
    return jsonify(
        success=True,
        request_id=g.request_id,
        size={"width": image.width, "height": image.height, "bytes": len(data)},
        bit_depth=image.bit_depth,
        format=image.format,
        notes=list(image.notes),
        **rounded(picture_statistics(image)),
    )


@blueprint.get("/defaults")
@track_usage
@require_api_key
def defaults() -> Response:
    """Every filter, preprocessing step and option with its default and a line on it; and the limits."""
    settings: Settings = current_app.extensions["settings"]
    return jsonify(
        filters=_described(Filters),
        preprocessing=_described(Preprocessing),
        options=_described(Options),
        limits={"max_file_size_mb": settings.max_file_size_mb, "max_image_pixels": settings.max_image_pixels},
    )


@validate_file_upload
def _uploaded(upload: bytes) -> bytes:
    return upload


def _decode(data: bytes) -> Image:
    settings: Settings = current_app.extensions["settings"]
    decoding: BoundedSemaphore = current_app.extensions["decoding"]
    if not decoding.acquire(timeout=settings.request_timeout_s):
        raise Busy("Too many pictures are being read; try again in a moment.")
    try:
        return decode_image(data, max_pixels=settings.max_image_pixels)
    finally:
        decoding.release()


def _segment(data: bytes, wanted: AnalysisOptions, fluorescence: bytes | None) -> Response:
    service: SamService = current_app.extensions["sam"]
    service.check_room()
    started = time.perf_counter()
    image = _decode(data)
    second = None if fluorescence is None else _decode(fluorescence)
    decoded = time.perf_counter()
    analysis = analyze(image, service.generate, wanted, second)
    analysed = time.perf_counter()
    body = segmentation(image, analysis, wanted)
    done = time.perf_counter()
    timing = {
        "decode": decoded - started,
        "serialise": done - analysed,
        "total": done - started,
    }
    status = service.status()
    usage().masks = len(analysis.droplets)
    usage().queue_ms = analysis.timing_ms["queue"]
    return jsonify(
        **body,
        request_id=g.request_id,
        timing_ms=rounded({**analysis.timing_ms, **{stage: 1000 * s for stage, s in timing.items()}}),
        model={
            "name": "MobileSAM vit_t",
            "checkpoint": status["checkpoint_source"],
            "device": status["device"],
            "precision": status["precision"],
        },
    )


def _described(parameters: type[Parameters]) -> dict[str, Any]:
    return {
        name: {"default": field.default, "description": field.description}
        for name, field in parameters.model_fields.items()
    }
