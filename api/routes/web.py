"""What browsers get: GET /, the static files under /static/, and the headers of every HTML page."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, current_app, render_template, request, send_file
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from api.plumbing.services import services

blueprint = Blueprint("web", __name__)

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "web" / "static"
SAMPLE = ROOT / "examples" / "droplets.png"
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
NOTHING_OF_THE_DEVICE = (
    "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=()"
)


def html_page(template: str, **values: object) -> Response:
    """A page from web/templates, which may load and reach nothing but this service.

    Arguments:
        template: file name in web/templates.
        values: what the template is filled with.
    """
    response = current_app.make_response(render_template(template, **values))
    response.headers.update(
        {
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": NOTHING_OF_THE_DEVICE,
            "Cache-Control": "no-cache",
        }
    )
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.get("/")
def page() -> Response:
    """The page for people."""
    settings = services().settings
    return html_page(
        "page.html", max_file_mb=f"{settings.max_file_size_mb:g}", jobs=services().desk is not None
    )


@blueprint.get("/static/<path:name>")
def static(name: str) -> Response:
    """A file of the pages."""
    path = safe_join(str(STATIC), name)
    if path is None or not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises if the name is too long
        raise NotFound
    return _served(Path(path))


@blueprint.get("/sample.png")
def sample() -> Response:
    """The sample picture."""
    return _served(SAMPLE)


def _served(path: Path) -> Response:
    """A file that browsers keep and ask for again by its content's hash."""
    return send_file(path, etag=_content_hash(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=256)
def _content_hash(path: Path, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]
