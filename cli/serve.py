"""sam-droplet serve: page and API, on Gunicorn where that runs, else on Waitress."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Annotated, Literal

import typer

from config import Settings, load_settings
from jobs.keeper import Keeper

APP = "app:create_app()"
SETTINGS = "python:api.plumbing.gunicorn_settings"


def serve(
    server: Annotated[
        Literal["auto", "gunicorn", "waitress"],
        typer.Option(help="auto: Gunicorn, but Waitress on Windows, where Gunicorn does not run."),
    ] = "auto",
) -> None:
    """Serve page and API on http://127.0.0.1:9487; settings come from the environment or `.env`."""
    settings = load_settings()  # first, so that what is wrong with them is said in one line
    if server == "waitress" or (server == "auto" and find_spec("fcntl") is None):
        _serve_by_waitress(settings)
    else:
        # In place of this process, so that signals reach Gunicorn.
        os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "--config", SETTINGS, APP])  # noqa: S606


def _serve_by_waitress(settings: Settings) -> None:
    """One process with one model, until Ctrl-C."""
    settings.apply_to_process()
    import waitress  # noqa: PLC0415

    from api.plumbing.services import services  # noqa: PLC0415
    from app import create_app  # noqa: PLC0415  # after the libraries' variables are set

    app = create_app(settings)
    keeper = Keeper() if settings.jobs == "beside" else None
    services(app).heartbeat.start()
    services(app).metrics.keep_gauges_fresh()
    try:
        waitress.serve(app, listen=" ".join(settings.addresses), threads=settings.threads, ident=None)
    finally:
        services(app).close()
        if keeper is not None:
            keeper.close()
