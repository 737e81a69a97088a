"""Keeps a worker running beside the service: `python -m jobs.keeper`, started and ended with it.

The service holds the other end of the keeper's standard input. When that closes, whatever ended the service,
the keeper has the worker finish what it has in hand, and ends.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time

WORKER = [sys.executable, "-m", "jobs"]
AGAIN_AFTER_S = 1.0
"""Seconds until a worker that has ended is started again."""
GRACE_S = 100.0
"""Seconds that a worker may take to finish what it has in hand."""


class Keeper:
    """The keeper as the service sees it: a process that is started and let go."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jobs.keeper"],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the service's to hear
        )

    def close(self) -> None:
        """Have the worker finish what it has in hand, and wait for that."""
        assert self._process.stdin is not None  # noqa: S101  # a pipe
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Start the worker, and start it again whenever it has ended, until the service is gone."""
    gone = threading.Event()
    threading.Thread(target=_await_end, args=(gone,), daemon=True).start()
    while not gone.is_set():
        worker = subprocess.Popen(WORKER, stdin=subprocess.DEVNULL)  # noqa: S603  # as it stands above
        while worker.poll() is None and not gone.wait(0.2):
            pass
        if worker.poll() is None:
            worker.terminate()
            try:
                worker.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                worker.kill()
        gone.wait(AGAIN_AFTER_S)


def _await_end(gone: threading.Event) -> None:
    while sys.stdin.buffer.read(1):
        time.sleep(0.1)
    gone.set()


if __name__ == "__main__":
    main()
