"""What cloudflared's metrics endpoint says of the tunnel."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

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
            status, body = self._get("/ready")
            connections = int(json.loads(body)["readyConnections"])
        except TimeoutError:
            return TunnelState(None, f"cloudflared did not answer within {TIMEOUT_S} s.")
        except OSError:
            return TunnelState(None, "cloudflared cannot be reached; is it running?")
        except (HTTPException, KeyError, TypeError, ValueError):
            return TunnelState(None, "What answers at TUNNEL_METRICS_URL is not cloudflared's /ready.")
        if status != HTTPStatus.OK or connections < 1:
            return TunnelState(connections, "The tunnel has no connection: nobody reaches the service by it.")
        return TunnelState(connections)

    def _get(self, path: str) -> tuple[int, bytes]:
        """Status and body, straight from the neighbour that the tunnel is: no proxy, no redirect."""
        url = urlsplit(str(self._url))
        connect = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = connect(url.netloc, timeout=TIMEOUT_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
