"""The worker of jobs, a process of its own: `python -m jobs`. Wires the rooms together, holds no logic.

SIGTERM and Ctrl-C let it finish the pictures in hand; another worker does what is left.
"""

from __future__ import annotations

import os
import threading
from functools import partial

import structlog

from api.plumbing.logs import configure_logging
from batch.engine import Model, usual_workers
from config import Settings, load_settings
from jobs.folder import DAY, JobFolders
from jobs.tasks import Tasks
from jobs.work import Work

log = structlog.get_logger(__name__)

SWEEP_S = 15
"""Seconds from one look for jobs that nobody has in hand to the next."""
NICENESS = 10
"""Of the process: whoever waits for an answer comes before those who have sent a job."""


def main() -> None:
    """Work on jobs until told to stop."""
    settings = load_settings(with_keys=False)
    settings.apply_to_process()
    configure_logging(settings)
    if hasattr(os, "nice"):  # not on Windows
        os.nice(NICENESS)
    tasks = Tasks(settings)
    consumer = tasks.consumer()
    over: threading.Event = consumer.stop_flag
    work = Work(
        JobFolders(settings.job_folder),
        tasks,
        partial(_load, settings),
        usual_workers(),
        settings.max_image_pixels,
        over.is_set,
    )
    tasks.hand_to(work.do)
    threading.Thread(target=_sweep, args=(work, settings, over), name="sweep", daemon=True).start()
    consumer.run()
    tasks.close()


def _load(settings: Settings) -> Model:
    from batch.model import SharedModel  # noqa: PLC0415  # loads torch, which a worker without jobs does not need

    return SharedModel(
        settings.sam_model_path,
        settings.device,
        settings.torch_threads,
        head=settings.head_model_path,
        precision=settings.precision,
        accept_unknown=settings.sam_model_accept_unknown,
    )


def _sweep(work: Work, settings: Settings, over: threading.Event) -> None:
    while True:
        try:
            work.sweep(settings.job_retention_days * DAY)
        except Exception:  # the queue or the disk is away; the next one may find them
            log.exception("looking for jobs failed")
        if over.wait(SWEEP_S):
            return


if __name__ == "__main__":
    main()
