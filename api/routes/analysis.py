"""POST /advanced_analysis and /download_analysis."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath

from flask import Blueprint, Response, current_app, json, jsonify
from werkzeug.utils import secure_filename

from api.wire.advanced import advanced, data_url, drawings
from api.wire.answer import analyse, body
from api.wire.requests import sent
from auth_middleware import require_api_key, track_usage
from droplets.export.bundle import bundle

blueprint = Blueprint("analysis", __name__)

LONGEST_NAME = 100  # file systems take 255 bytes


@blueprint.post("/advanced_analysis")
@track_usage
@require_api_key
def advanced_analysis() -> Response:
    """Masks, clusters, contents, encapsulation, neighbours and plots, from a JSON body or an upload."""
    done = analyse(sent())
    more = advanced(done.image, done.analysis, done.wanted.options)
    drawn = drawings(done.analysis, more) if done.wanted.options.plots else {}
    return jsonify({**body(done), **more, "plots": {name: data_url(png) for name, png in drawn.items()}})


@blueprint.post("/download_analysis")
@track_usage
@require_api_key
def download_analysis() -> Response:
    """The same as a ZIP of CSV, JSON, ImageJ ROIs, GeoJSON, labels, overlay and plots."""
    asked = sent()
    done = analyse(asked)
    more = advanced(done.image, done.analysis, done.wanted.options)
    drawn = drawings(done.analysis, more)
    answer = {**body(done), **more}
    archive = bundle(
        done.image,
        done.analysis,
        name=asked.name,
        summary=answer["summary_statistics"],
        about={
            "Analysed": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "Model": f"{answer['model']['name']}, checkpoint from {answer['model']['checkpoint']}",
            "Request": answer["request_id"],
        },
        extra={
            "analysis.json": json.dumps(answer).encode(),
            **{f"plots/{name}.png": png for name, png in drawn.items()},
        },
    )
    stem = secure_filename(PurePath(asked.name).stem)[:LONGEST_NAME] or "picture"
    headers = {"Content-Disposition": f'attachment; filename="{stem}-analysis.zip"'}
    return current_app.response_class(archive, mimetype="application/zip", headers=headers)
