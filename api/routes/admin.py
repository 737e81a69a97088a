"""The dashboard and its data, /admin/stats and /admin/health, for the holder of the admin key."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from api.health.levels import hierarchy
from api.plumbing.services import services
from api.routes.web import html_page
from auth_middleware import require_admin_key
from droplets.errors import BadRequest
from store.usage import UsageSum, series, span_seconds, summarise

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

MOST_HOURS = 24 * 366


@blueprint.get("/")
def dashboard() -> Response:
    """The dashboard page; it asks for the admin key and fetches its data with it."""
    return html_page("admin.html", admin_on=services().auth.admin_on)


@blueprint.get("/stats")
@require_admin_key
def stats() -> Response:
    """Use by key and by endpoint over the last `hours` (24), over all workers that share the store."""
    hours = request.args.get("hours", 24, type=_hours)
    auth, store = services().auth, services().store
    auth.usage.flush()
    services().heartbeat.beat()
    end = time.time()
    start = end - 3600 * hours
    sums = store.usage.sums(start, span_seconds(start, end))
    by_key = _grouped(sums, lambda part: part.key_name)
    keys = [
        {
            "name": key.name,
            "hint": key.hint,
            "enabled": key.enabled,
            "limit_per_hour": key.limit,
            "used_last_hour": auth.used_last_hour(key),
            **summarise(by_key[key.name]),
            "endpoints": _summaries(by_key[key.name]),
        }
        for key in auth.keys
    ]
    return jsonify(
        success=True,
        hours=hours,
        keys=keys,
        unauthenticated=summarise(by_key[""]),
        endpoints=_summaries(sums),
        totals=summarise(sums),
        series=series(sums, start, end),
        instances=store.instances.alive(),
    )


@blueprint.get("/health")
@require_admin_key
def health() -> Response:
    """Health at all levels; 200 whatever the status, which is the worst of them."""
    return jsonify(success=True, **hierarchy())


def _hours(text: str) -> int:
    # Longer digits int() may refuse, and the default would be taken.
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MOST_HOURS:
        raise BadRequest(f"hours must be a whole number from 1 to {MOST_HOURS}.")
    return int(text)


def _grouped(sums: Iterable[UsageSum], name: Callable[[UsageSum], str]) -> defaultdict[str, list[UsageSum]]:
    groups: defaultdict[str, list[UsageSum]] = defaultdict(list)
    for part in sums:
        groups[name(part)].append(part)
    return groups


def _summaries(sums: Iterable[UsageSum]) -> dict[str, Any]:
    """A summary an endpoint."""
    by_endpoint = _grouped(sums, lambda part: part.endpoint)
    return {name: summarise(group) for name, group in sorted(by_endpoint.items())}
