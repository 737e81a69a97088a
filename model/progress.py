"""Tells the user how far a download is."""

from __future__ import annotations

import sys
import time

_BAR_WIDTH = 30
_LINE_EVERY_S = 10.0


class Progress:
    """A bar on a terminal, elsewhere (a log) a line every ten seconds; both on stderr.

    Arguments:
        name: what is being downloaded.
        total: its size in bytes.
    """

    def __init__(self, name: str, total: int) -> None:
        self._name = name
        self._total = total
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic() + (0.0 if self._terminal else _LINE_EVERY_S)

    def show(self, done: int) -> None:
        """Report that `done` bytes are here; cheap, call it as often as wanted."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (0.1 if self._terminal else _LINE_EVERY_S)
        self._write(done)

    def close(self, done: int) -> None:
        """Report the last state and leave the bar's line."""
        if self._terminal:
            self._write(done)
            print(file=sys.stderr)

    def _write(self, done: int) -> None:
        share = min(done / self._total, 1.0)
        text = f"{self._name} {share:4.0%} of {self._total / 1e6:.1f} MB"
        if self._terminal:
            bar = "#" * round(share * _BAR_WIDTH)
            print(f"\r[{bar:<{_BAR_WIDTH}}] {text}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)
