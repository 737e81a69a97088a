"""GET /openapi.json and /docs: what the service can do, for programs and for people."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, send_from_directory
from werkzeug.exceptions import NotFound

from api.openapi.document import openapi as document
from api.routes.web import html_page

blueprint = Blueprint("docs", __name__)

SWAGGER_UI = str(files("flask_swagger_ui").joinpath("dist"))
ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js")


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The specification, OpenAPI 3.1."""
    return jsonify(_document())


@blueprint.get("/docs")
def page() -> Response:
    """The specification for people, who can try every route in it."""
    return html_page("docs.html")


@blueprint.get("/docs/assets/<name>")
def asset(name: str) -> Response:
    """A file of Swagger UI."""
    if name not in ASSETS:
        raise NotFound
    return send_from_directory(SWAGGER_UI, name)


def _document() -> dict[str, Any]:
    """Made once: the routes stay as they are."""
    if "openapi" not in current_app.extensions:
        rules = current_app.url_map.iter_rules()
        current_app.extensions["openapi"] = document(rules, current_app.view_functions)
    made: dict[str, Any] = current_app.extensions["openapi"]
    return made
