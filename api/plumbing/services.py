"""What one app consists of: made by `create_app`, found by every request through `services()`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import Flask, current_app

if TYPE_CHECKING:  # names for the type checker alone: the rooms import this module
    from threading import BoundedSemaphore

    from api.health.tunnel import Tunnel
    from api.plumbing.auth import Auth
    from api.plumbing.metrics import Metrics
    from api.plumbing.uploads import Uploads
    from config import Settings
    from droplets.finding.weights import HeadFile
    from droplets.sam.checkpoint import CheckpointFile
    from jobs.desk import Desk
    from sam_service import SamService
    from store import Store
    from store.instances import Heartbeat


@dataclass(frozen=True, eq=False)
class Services:
    """The parts of an app.

    Attributes:
        settings: of the environment.
        auth: keys, limits and usage.
        store: what all workers share.
        sam: the model and its queue.
        checkpoint: file of MobileSAM's weights.
        head: file of the head's.
        metrics: figures for Prometheus.
        heartbeat: tells the other workers of this one.
        tunnel: cloudflared, as far as it is configured.
        decoding: places for pictures that are decoded at once.
        looking: places for pictures that are looked at without the model at once.
        uploads: places for bodies that are there at once.
        desk: takes jobs; None where they are off.
        following: places for requests that follow a job.
    """

    settings: Settings
    auth: Auth
    store: Store
    sam: SamService
    checkpoint: CheckpointFile
    head: HeadFile
    metrics: Metrics
    heartbeat: Heartbeat
    tunnel: Tunnel
    decoding: BoundedSemaphore
    looking: BoundedSemaphore
    uploads: Uploads
    desk: Desk | None
    following: BoundedSemaphore

    def init_app(self, app: Flask) -> None:
        """Make these the app's services."""
        app.extensions["services"] = self

    def close(self) -> None:
        """Write the last usage records and leave the store."""
        self.auth.usage.close()
        self.heartbeat.close()
        if self.desk is not None:
            self.desk.close()
        self.store.close()


def services(app: Flask = current_app) -> Services:
    """The services of `app`, by default of the one that answers the request in hand."""
    return cast(Services, app.extensions["services"])
