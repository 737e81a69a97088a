"""GET /metrics on a port of its own, which only the monitoring's network should reach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, request
from prometheus_client import make_wsgi_app
from werkzeug.wrappers import Response as BaseResponse

from api.plumbing import errors, tracing
from api.plumbing.metrics import Metrics
from api.wire.strict_json import StrictJSONProvider

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def metrics_app(metrics: Metrics) -> Flask:
    """The application that answers on the metrics port: /metrics and nothing else."""
    app = Flask("metrics", static_folder=None)
    app.json = StrictJSONProvider(app)
    tracing.init_app(app)
    errors.init_app(app)

    @app.get("/metrics")
    def exposition() -> BaseResponse:
        """All metrics, in the format that the scraper asks for."""
        return BaseResponse.from_app(make_wsgi_app(metrics.registry()), request.environ, buffered=True)

    @app.errorhandler(404)
    def nothing_else(_: Exception) -> Response:
        return errors.answer(404, "not found", "On this port there is GET /metrics alone.", {})

    return app


class ByPort:
    """WSGI: `internal` for connections that came in on `port`, `public` for all others.

    It must stand outermost: Gunicorn takes SERVER_PORT from the listening socket, but ProxyFix would
    overwrite it with the port in X-Forwarded-Host, which a client can send.
    """

    def __init__(self, public: WSGIApplication, internal: WSGIApplication, port: int) -> None:
        self._public = public
        self._internal = internal
        self._port = str(port)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        application = self._internal if environ["SERVER_PORT"] == self._port else self._public
        return application(environ, start_response)
