"""GET /openapi.json and /docs: what the service can do, for programs and for people."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify

from api.openapi import openapi as document
from api.web import html_page

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The specification, OpenAPI 3.1."""
    response = jsonify(_document())
    response.add_etag()
    return response


@blueprint.get("/docs")
def page() -> Response:
    """The specification for people."""
    return html_page("docs.html")


def _document() -> dict[str, Any]:
    """Made once: the routes stay as they are."""
    if "openapi" not in current_app.extensions:
        rules = current_app.url_map.iter_rules()
        current_app.extensions["openapi"] = document(rules, current_app.view_functions)
    made: dict[str, Any] = current_app.extensions["openapi"]
    return made
