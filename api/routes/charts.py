"""GET /charts/plotly-VERSION.min.js: what draws the charts of the pages, out of the Python package plotly."""

from __future__ import annotations

import gzip
import re
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import NotFound

blueprint = Blueprint("charts", __name__)

PACKAGE = distribution("plotly")
BUNDLE = Path(str(PACKAGE.locate_file("plotly/package_data/plotly.min.js")))
ADDRESS = f"/charts/plotly-{PACKAGE.version}.min.js"
STYLE_OF_MAPS = re.compile(r'getElementById\("([0-9a-f]{64})"\)')


@blueprint.get("/charts/plotly-<version>.min.js")
def plotly(version: str) -> Response:
    """Plotly's JavaScript; its version is part of the address, so browsers may keep it for good."""
    if version != PACKAGE.version:
        raise NotFound
    packed = request.accept_encodings.quality("gzip") > 0
    content = _packed() if packed else BUNDLE.read_bytes()
    response = current_app.response_class(content, mimetype="text/javascript")
    response.headers.update(
        {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
    )
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


@blueprint.app_template_global()
def plotly_address() -> str:
    """Where the pages get Plotly's JavaScript."""
    return ADDRESS


@blueprint.app_template_global()
@cache
def plotly_map_styles() -> list[str]:
    """Ids of the style elements that the bundle adds for its maps, unless these ids are taken."""
    return STYLE_OF_MAPS.findall(BUNDLE.read_text(encoding="utf-8"))


@cache
def _packed() -> bytes:
    return gzip.compress(BUNDLE.read_bytes(), mtime=0)
