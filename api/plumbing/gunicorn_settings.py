"""Gunicorn's configuration: everything comes from Settings.

    gunicorn 'app:create_app()'

Each worker loads its own model after the fork. SIGTERM and Ctrl-C drain: running requests finish.
"""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from mmap import mmap
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from api.plumbing.handover import Handover
from api.plumbing.logs import logging_config
from api.plumbing.services import services
from api.plumbing.worker import MOST_CONNECTIONS
from config import load_settings
from jobs.keeper import Keeper

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.gthread import ThreadWorker

settings = load_settings()
if settings.metrics_port is not None and settings.prometheus_multiproc_dir is None:
    folder = Path(mkdtemp(prefix="sam-metrics-"))  # a reload and the workers find it in the environment
    settings = settings.model_copy(update={"prometheus_multiproc_dir": folder})
settings.apply_to_process()
metrics_folder = settings.prometheus_multiproc_dir if settings.metrics_port is not None else None

bind = settings.addresses
worker_class = "api.plumbing.worker.Worker"
workers = settings.workers
threads = settings.threads
worker_connections = MOST_CONNECTIONS
timeout = (
    120  # a worker whose main loop stands still that long is replaced; inference has a thread of its own
)
graceful_timeout = max(1, int(min(settings.request_timeout_s, 120)))
keepalive = 5
preload_app = False
control_socket_disable = True
handover = Handover()
logconfig_dict = logging_config(settings)


IN_FLIGHT_BYTES = 512
"""For what a usage record tells of a request in hand."""
left_behind: list[tuple[mmap, float]] = []
"""Memory of dead workers, with what they had in hand, and when they were found dead."""
keepers: list[Keeper] = []
"""Of the worker of jobs, once this master has started it."""


def on_starting(server: Arbiter) -> None:
    """Ctrl-C drains like SIGTERM; counters start from zero, unless a running master made this one.

    Whoever stops ends a reload. The worker of jobs is a process of its own, which ends with this one.
    """
    server.handle_int = server.handle_term
    queue_signal, begin_stop = server.signal, server.stop

    def hear(number: int, frame: Any) -> None:  # Gunicorn heeds a signal only when its reload is over
        if number in {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}:
            handover.end()
        queue_signal(number, frame)

    def stop(graceful: bool = True) -> None:  # also when a new worker cannot start
        handover.end()
        begin_stop(graceful)

    server.signal, server.stop = hear, stop
    if not server.master_pid:
        _forget_metrics()
    if settings.jobs == "beside":
        keepers.append(Keeper())


def on_reload(server: Arbiter) -> None:
    """Let the workers go on that are there, until new ones are ready."""
    handover.begin(server.worker_age)


def pre_exec(server: Arbiter) -> None:
    """Hand the metrics over to the new master (USR2), while the workers of both count."""
    if metrics_folder is not None:
        server.cfg.env_orig["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder)


def pre_fork(_server: Arbiter, worker: ThreadWorker) -> None:
    """Give the worker memory for what it has in hand: that of a dead one, if there is one."""
    new = mmap(-1, threads * IN_FLIGHT_BYTES), time.time()
    worker.in_flight, worker.in_flight_since = left_behind.pop() if left_behind else new


def post_fork(_server: Arbiter, _worker: ThreadWorker) -> None:
    """Allocate the worker's metrics."""
    if metrics_folder is not None:
        from api.plumbing.metrics import reserve  # noqa: PLC0415  # its library reads the environment

        reserve(metrics_folder)


def post_worker_init(worker: ThreadWorker) -> None:
    """Let the master decide on Ctrl-C, which the terminal sends to the workers too; start the gauges.

    What a dead worker had in hand is recorded by the one that takes its place.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    begin_exit = worker.handle_exit

    def drain() -> None:
        services(worker.wsgi).sam.drain()
        begin_exit(signal.SIGTERM, None)

    def terminate(_number: int, _frame: Any) -> None:
        if not handover.wait(worker.age, workers, drain):
            drain()

    signal.signal(signal.SIGTERM, terminate)
    services(worker.wsgi).metrics.keep_gauges_fresh()
    services(worker.wsgi).heartbeat.start()
    services(worker.wsgi).auth.usage.take_over(worker.in_flight, threads, worker.in_flight_since)
    handover.ready(worker.age)


def worker_exit(_server: Arbiter, worker: ThreadWorker) -> None:
    """Write the last usage records and leave the store."""
    if hasattr(worker, "wsgi"):  # not if the start failed
        services(worker.wsgi).close()


def child_exit(_server: Arbiter, worker: ThreadWorker) -> None:
    """Keep what a dead worker had in hand for the next one; take its gauges out of the sums."""
    left_behind.append((worker.in_flight, time.time()))
    if metrics_folder is not None:
        from prometheus_client import multiprocess  # noqa: PLC0415  # reads the environment when imported

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Arbiter) -> None:
    """End the worker of jobs; leave no metrics behind, unless another master goes on."""
    for keeper in keepers:
        keeper.close()
    if metrics_folder is not None and not server.reexec_pid and not server.master_pid:
        _forget_metrics()
        with suppress(OSError):  # a folder that holds something else, or is a mount, stays
            metrics_folder.rmdir()


def _forget_metrics() -> None:
    if metrics_folder is not None:
        for file in metrics_folder.glob("*.db"):
            file.unlink(missing_ok=True)
