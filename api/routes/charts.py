"""GET /charts/plotly-VERSION.min.js: what draws the charts of the pages."""

from __future__ import annotations

import gzip
import re
from functools import cache

import structlog
from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import NotFound

from web.plotly import BUNDLE, VERSION, read

log = structlog.get_logger(__name__)
blueprint = Blueprint("charts", __name__)

ADDRESS = f"/charts/plotly-{VERSION}.min.js"
STYLE_OF_MAPS = re.compile(r'getElementById\("([0-9a-f]{64})"\)')


@blueprint.get("/charts/plotly-<version>.min.js")
def plotly(version: str) -> Response:
    """Plotly's JavaScript; its version is part of the address, so browsers may keep it for good."""
    if version != VERSION or not (content := _content()):
        raise NotFound
    packed = request.accept_encodings.quality("gzip") > 0
    response = current_app.response_class(_packed() if packed else content, mimetype="text/javascript")
    response.headers.update(
        {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
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
    return STYLE_OF_MAPS.findall(_content().decode())


@cache
def _content() -> bytes:
    """The bundle; empty if it is not there, and then the pages say their figures in words."""
    content = read()
    if content is None:
        log.warning(f"{BUNDLE} is missing or another version's: no charts until `python -m web.plotly`")
    return content or b""


@cache
def _packed() -> bytes:
    return gzip.compress(_content(), mtime=0)
