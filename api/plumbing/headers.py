"""Headers that every answer has: what browsers and proxies may do with it."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, request

from api.plumbing.errors import answer

A_YEAR = 365 * 86_400
REDIRECTS = range(301, 309)


def init_app(app: Flask) -> None:
    """Finish each of the app's answers."""
    app.after_request(_finish)


def _finish(response: Response) -> Response:
    if response.status_code in REDIRECTS and response.location:
        response = _redirect(response)
    response.headers.setdefault("Cache-Control", "no-store")  # pages and files have rules of their own
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={A_YEAR}"
    return response


def _redirect(response: Response) -> Response:
    """The same in JSON, to a place on this service: the framework's names the host that the client claims."""
    parts = urlsplit(response.location or "")
    place = "/" + parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
    return answer(response.status_code, "moved", f"This is at {place}.", {"Location": place})
