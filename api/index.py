"""GET /: what there is."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

blueprint = Blueprint("index", __name__)


@blueprint.get("/")
def index() -> Response:
    """The service's routes with a line on each."""
    routes = [
        {
            "route": rule.rule,
            "methods": sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}),
            "purpose": (current_app.view_functions[rule.endpoint].__doc__ or "").partition("\n")[0],
        }
        for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule)
    ]
    return jsonify(service="SAM Droplet Segmentation", routes=routes)
