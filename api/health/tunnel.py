"""What cloudflared's metrics endpoint says of the tunnel."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from urllib.parse import urljoin

import requests
from pydantic import HttpUrl

TIMEOUT_S = 1
KEPT_S = 5


@dataclass(frozen=True)
class TunnelState:
    """How many connections the tunnel holds (None if unknown), and what is wrong (None if nothing)."""

    connections: int | None
    reason: str | None = None


class Tunnel:
    """Asks cloudflared's `/ready`, at most once in 5 s.

    Arguments:
        url: of cloudflared's metrics endpoint; None if there is no tunnel.
    """

    def __init__(self, url: HttpUrl | None) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._state = TunnelState(None)
        self._asked = float("-inf")

    @property
    def configured(self) -> bool:
        """Whether there is a tunnel to ask."""
        return self._url is not None

    def state(self) -> TunnelState:
        """The tunnel's state, not older than 5 s; takes about a second if cloudflared does not answer."""
        with self._lock:
            if time.monotonic() - self._asked >= KEPT_S:
                self._state = self._ask()
                self._asked = time.monotonic()
            return self._state

    def _ask(self) -> TunnelState:
        try:
            with requests.Session() as session:
                session.trust_env = False  # the tunnel is a neighbour; no proxy leads to it
                answer = session.get(
                    urljoin(str(self._url), "/ready"), timeout=TIMEOUT_S, allow_redirects=False
                )
            connections = int(answer.json()["readyConnections"])
        except requests.Timeout:
            return TunnelState(None, f"cloudflared did not answer within {TIMEOUT_S} s.")
        except requests.ConnectionError:
            return TunnelState(None, "cloudflared cannot be reached; is it running?")
        except (requests.RequestException, KeyError, TypeError, ValueError):
            return TunnelState(None, "What answers at TUNNEL_METRICS_URL is not cloudflared's /ready.")
        if answer.status_code != 200 or connections < 1:
            return TunnelState(connections, "The tunnel has no connection: nobody reaches the service by it.")
        return TunnelState(connections)
