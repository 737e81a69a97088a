"""create_app: wires the rooms together, holds no logic."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from threading import BoundedSemaphore

from flask import Flask
from flask_cors import CORS
from werkzeug.middleware.proxy_fix import ProxyFix

import auth_middleware
from api.health.tunnel import Tunnel
from api.plumbing import errors, headers, tracing
from api.plumbing.auth import Auth
from api.plumbing.logs import configure_logging
from api.plumbing.metrics import Metrics
from api.plumbing.services import Services
from api.plumbing.uploads import BODIES_ON_DISK, THREADS_FOR_OTHERS, Uploads
from api.routes import admin, analysis, charts, docs, health, jobs, preview, segmentation, web
from api.routes.metrics_port import ByPort, metrics_app
from api.wire.strict_json import StrictJSONProvider
from config import Settings, load_settings
from droplets.finding.loading import load_generator
from droplets.finding.weights import HeadFile, known_head
from droplets.sam.checkpoint import CheckpointFile, known_checkpoints
from jobs.desk import Desk
from sam_service import SamService
from store import open_store
from store.instances import Heartbeat
from store.usage import UsageWriter

EXPOSED_HEADERS = [
    "X-Request-ID",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
]
PICTURES_DECODED_AT_ONCE = 2  # a 50-megapixel picture takes over a gigabyte while it is decoded
PICTURES_LOOKED_AT_ONCE = 2  # each is held three times over
FOLLOWERS = 2  # each keeps a request thread for minutes
MANIFEST = Path(__file__).parent / "model" / "manifest.json"


def create_app(settings: Settings | None = None) -> Flask:
    """The service as a WSGI application.

    Arguments:
        settings: read from the environment if they are not given.
    """
    settings = settings or load_settings()
    configure_logging(settings)
    app = _flask(settings)
    store = open_store(settings)
    usage = UsageWriter(store.usage, settings.usage_retention_days)
    admin_key, health_key = (
        secret.get_secret_value() if secret else None
        for secret in (settings.admin_api_key, settings.health_check_key)
    )
    auth = Auth(settings.api_keys, admin_key, health_key, store, usage, settings.max_file_bytes)
    checkpoint, head = _files(settings)
    sam = _model(settings, checkpoint, head)
    metrics = Metrics(sam, (key.name for key in auth.keys), store, settings.prometheus_multiproc_dir)
    services = Services(
        settings=settings,
        auth=auth,
        store=store,
        sam=sam,
        checkpoint=checkpoint,
        head=head,
        metrics=metrics,
        heartbeat=Heartbeat(store.instances, sam.status),
        tunnel=Tunnel(settings.tunnel_metrics_url),
        decoding=BoundedSemaphore(PICTURES_DECODED_AT_ONCE),
        looking=BoundedSemaphore(PICTURES_LOOKED_AT_ONCE),
        uploads=_uploads(settings, app.config["MAX_CONTENT_LENGTH"]),
        desk=Desk(settings) if settings.jobs != "off" else None,
        following=BoundedSemaphore(FOLLOWERS),
    )
    for part in (services, headers, tracing, errors, auth_middleware, metrics):
        part.init_app(app)
    for room in (web, charts, docs, health, preview, segmentation, analysis, admin):
        app.register_blueprint(room.blueprint)
    if services.desk is not None:
        app.register_blueprint(jobs.blueprint)
    if settings.allowed_origins:
        CORS(app, origins=list(settings.allowed_origins), expose_headers=EXPOSED_HEADERS)
    if hops := settings.trusted_proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    if settings.metrics_port is not None:  # outermost: what ProxyFix believes must not open it
        app.wsgi_app = ByPort(app.wsgi_app, metrics_app(metrics), settings.metrics_port)  # type: ignore[method-assign]
    return app


def _flask(settings: Settings) -> Flask:
    app = Flask(__name__, static_folder=None, template_folder="web/templates")
    app.json = StrictJSONProvider(app)
    app.config["MAX_CONTENT_LENGTH"] = (
        2 * (settings.max_file_bytes * 4 // 3) + 2**20
    )  # two pictures in base64 and the fields around them
    app.config["MAX_FORM_MEMORY_SIZE"] = 2**20
    return app


def _uploads(settings: Settings, largest: int) -> Uploads:
    places = settings.threads - THREADS_FOR_OTHERS
    return Uploads(places, settings.share_of(places), BODIES_ON_DISK * largest)


def _files(settings: Settings) -> tuple[CheckpointFile, HeadFile]:
    unknown = settings.sam_model_accept_unknown
    return (
        CheckpointFile(settings.sam_model_path, known_checkpoints(MANIFEST), accept_unknown=unknown),
        HeadFile(settings.head_model_path, known_head(MANIFEST), accept_unknown=unknown),
    )


def _model(settings: Settings, checkpoint: CheckpointFile, head: HeadFile) -> SamService:
    device, threads = settings.device, settings.torch_threads
    return SamService(
        partial(load_generator, checkpoint, head, device, threads, precision=settings.precision),
        queue_size=settings.queue_size,
        timeout_s=settings.request_timeout_s,
        cache_size=settings.cache_size,
        share=settings.share_of(settings.queue_size),
    )
