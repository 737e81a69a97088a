"""Connections as Gunicorn's loop holds them: a slow client costs a few kilobytes of memory, and no thread."""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, cast

from gunicorn.workers.gthread import TConn

HEADER_S = 10.0
"""Seconds for a request's header, from its first byte."""
GRACE_S = 20.0
"""Seconds for a body, and for an answer, beside what their bytes take."""
SLOWEST = 128 * 1024
"""Bytes a second that a body must come with, and an answer be read with, on the whole; 1 Mbit/s."""
LINGER_S = 5.0
"""Seconds in which a client may read its answer to the end before the connection is cut."""
MOST_HEADER_BYTES = 64 * 1024
PIECE = 64 * 1024
IPV6_NETWORK_BITS = 64
"""What one household or machine is given; a client changes the rest as it likes."""


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Whom an address stands for: itself in IPv4, its /64 in IPv6; anything else as it is."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped or ip_network((ip, IPV6_NETWORK_BITS), strict=False))
    return str(ip)


@dataclass
class _Part:
    """Of an open file: what is still to be sent."""

    file: int
    offset: int
    left: int


class ClientSocket(socket.socket):
    """A connection's socket: receiving has a deadline, and what is sent waits for the loop.

    Arguments:
        accepted: the socket, which this one takes over.
    """

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self._unsent: deque[memoryview | _Part] = deque()
        self._deadline = 0.0

    def expect_body(self) -> None:
        """Let the time for a body begin."""
        self._deadline = time.monotonic() + GRACE_S

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Up to `size` bytes; on a thread, TimeoutError once the body has taken too long."""
        given, left = self.gettimeout(), max(0.001, self._deadline - time.monotonic())
        if given is not None and given < left:
            return super().recv(size, flags)
        self.settimeout(left)
        try:
            data = super().recv(size, flags)
        finally:
            self.settimeout(given)
        self._deadline += len(data) / SLOWEST
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:  # noqa: ARG002
        """Keep `data` for the loop to send."""
        self._unsent.append(memoryview(data))

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Keep a part of `file` for the loop to send; it may be closed meanwhile."""
        left = os.fstat(file.fileno()).st_size - offset if count is None else count
        self._unsent.append(_Part(os.dup(file.fileno()), offset, left))
        return left

    def unsent(self) -> int:
        """Bytes that wait."""
        return sum(part.left if isinstance(part, _Part) else part.nbytes for part in self._unsent)

    def send_on(self) -> bool:
        """Send what the client takes now; tells whether that was all.

        Raises:
            OSError: the client has gone.
        """
        while self._unsent:
            part = self._unsent[0]
            try:
                rest = self._send_file(part) if isinstance(part, _Part) else part[self.send(part) :]
            except BlockingIOError:
                return False
            if rest:
                self._unsent[0] = rest
            else:
                self._unsent.popleft()
        return True

    def close(self) -> None:
        """Close it, with the files that it would have sent."""
        for part in self._unsent:
            if isinstance(part, _Part):
                os.close(part.file)
        self._unsent.clear()
        super().close()

    def has_gone(self) -> bool:
        """Whether the client has hung up, or says that it sends no more."""
        try:
            return not super().recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _send_file(self, part: _Part) -> _Part | None:
        sent = os.sendfile(self.fileno(), part.file, part.offset, part.left)
        if sent in (0, part.left):  # 0: the file has become shorter, and the client will miss bytes
            os.close(part.file)
            return None
        return _Part(part.file, part.offset + sent, part.left - sent)


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """One client: what has come of its header, and when it has to be done with what it does.

    Attributes:
        sock: its ClientSocket.
        client: its address.
        network: whom it counts for.
        deadline: `time.monotonic()` at which the loop lets it go; None while a thread serves it.
    """

    sock: ClientSocket

    def __init__(self, cfg: Any, accepted: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, ClientSocket(accepted), client, server)
        self.data_ready = True  # a thread never waits for a header
        self.network = network_of(client[0])
        self.keep = False
        self.deadline: float | None = None
        self._head = bytearray()

    @property
    def idle(self) -> bool:
        """Whether nothing of a request has come yet."""
        return not self._head

    def await_request(self, seconds: float) -> None:
        """Wait for a request; what has been read ahead of it counts."""
        self.sock.setblocking(False)
        self.deadline = time.monotonic() + seconds
        if self.parser is not None:
            self._take(self.parser.unreader.take_buffered())

    def read_header(self) -> bool:
        """Take what has come; tells whether the client is still there."""
        try:
            data = self.sock.recv(PIECE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._take(data)
        return bool(data)

    def has_header(self) -> bool:
        """Whether all of a header is there."""
        return b"\r\n\r\n" in self._head

    def has_too_much(self) -> bool:
        """Whether what has come is no header that the service takes."""
        return len(self._head) > MOST_HEADER_BYTES and not self.has_header()

    def hand_over(self) -> None:
        """Give what has come to the parser. A thread reads on from here."""
        self.init()
        self.parser.unreader.unread(bytes(self._head))
        self._head.clear()
        self.sock.expect_body()

    def send_answer(self) -> None:
        """Wait for the client to read its answer."""
        self.sock.setblocking(False)
        self.deadline = time.monotonic() + GRACE_S + self.sock.unsent() / SLOWEST

    def say_goodbye(self) -> bool:
        """Send the end of the answer, and wait for the client's; tells whether it is still there.

        Closed at once, the kernel would take the answer away from who still sends a body.
        """
        self.sock.setblocking(False)
        self.deadline = time.monotonic() + LINGER_S
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True

    def still_sends(self) -> bool:
        """Throw away what a client sends after its answer; tells whether there may be more."""
        try:
            return bool(self.sock.recv(PIECE))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _take(self, data: bytes) -> None:
        if data and self.idle:
            self.deadline = time.monotonic() + HEADER_S
        self._head += data


def client_socket(environ: dict[str, Any]) -> ClientSocket | None:
    """The socket of a WSGI request that came by this worker; None under another server."""
    return cast("ClientSocket | None", environ.get("gunicorn.socket"))
