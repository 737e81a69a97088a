"""What Prometheus reads: counted as requests are answered, gauges refreshed every few seconds."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path

import psutil
import structlog
from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from api.plumbing.auth import AUTH_FAILURES
from sam_service import SamService
from store import Store

log = structlog.get_logger(__name__)

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
"""Upper edges of the histograms' buckets: from a health probe to a large picture that had to wait."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REFRESH_S = 2.0
KINDS = ("counter", "histogram", "gauge_livesum", "gauge_livemax", "gauge_livemin")
"""As prometheus-client names the files of a process."""
FILE_BYTES = 256 * 1024
"""Of each; the figures of all routes, statuses and keys take a fraction."""


def reserve(folder: Path) -> None:
    """Allocate this process's files, before anything is counted.

    The library maps files that have a length but no room: the first write into one on a full disk would
    end the process (SIGBUS), and the next one too.

    Raises:
        OSError: there is no room for them.
    """
    for kind in KINDS:
        with (folder / f"{kind}_{os.getpid()}.db").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, FILE_BYTES)


class Metrics:
    """The figures of one app, in a registry of its own.

    Without a folder they are this process's. With one, prometheus-client keeps the figures of every
    worker in files there, and whichever worker is asked answers for all: counters and histograms are
    added up and outlive their worker, gauges are joined as their `multiprocess_mode` says. Nobody can ask
    another worker for its gauges, so each keeps its own fresh on a thread.

    Arguments:
        service: tells the model's and the queue's state.
        key_names: of the configured keys.
        store: tells whether it can be written.
        folder: what all workers share (PROMETHEUS_MULTIPROC_DIR).
    """

    def __init__(
        self, service: SamService, key_names: Iterable[str], store: Store, folder: Path | None = None
    ) -> None:
        self._service = service
        self._key_names = tuple(key_names)
        self._store = store
        self._failures_counted = 0
        self._folder = folder
        self._registry = CollectorRegistry()
        self._add_request_figures()
        self._add_inference_figures()
        self._add_gauges()

    def _add_request_figures(self) -> None:
        self._requests = self._counter("sam_requests", "Answers.", ("endpoint", "method", "status"))
        self._request_seconds = self._histogram(
            "sam_request_seconds", "Time from a request's arrival to its answer.", ("endpoint",)
        )
        self._rate_limited = self._counter(
            "sam_rate_limited", "Requests refused because the key's hourly limit was used up.", ("key_name",)
        )
        self._auth_failures = self._counter(
            "sam_auth_failures", "Requests refused for their key.", ("reason",)
        )
        for name in self._key_names:  # series that begin at 0 show their first increase
            self._rate_limited.labels(name)
        for reason in AUTH_FAILURES:
            self._auth_failures.labels(reason)

    def _add_inference_figures(self) -> None:
        self._stage_seconds = self._histogram("sam_stage_seconds", "Time of a stage that ran.", ("stage",))
        self._queue_wait = self._histogram("sam_queue_wait_seconds", "Wait for the inference thread.")
        self._inference = self._histogram("sam_inference_seconds", "Encoding and mask generation.")
        self._masks = self._counter("sam_masks", "Masks answered.")

    def _add_gauges(self) -> None:
        self._queue_depth = self._gauge("sam_queue_depth", "Pictures that wait.", "livesum")
        self._model_loaded = self._gauge("sam_model_loaded", "Workers with a loaded model.", "livesum")
        self._load_seconds = self._gauge(
            "sam_model_load_seconds", "Time that loading the model took, 0 before.", "livemax"
        )
        self._memory = self._gauge("sam_memory_bytes", "Resident memory of the workers.", "livesum")
        self._gpu_memory = self._gauge("sam_gpu_memory_bytes", "GPU memory that PyTorch holds.", "livesum")
        self._draining = self._gauge("sam_draining", "Workers that finish and take nothing new.", "livesum")
        self._store_up = self._gauge("sam_store_up", "1 if every worker can write to the store.", "livemin")
        self._store_up.set(1)  # no alarm from a worker that has not looked yet
        self._store_failures = self._counter("sam_store_failures", "Calls of the store that failed.")

    def _counter(self, name: str, meaning: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(name, meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, labels: Iterable[str] = ()) -> Histogram:
        return Histogram(name, meaning, labels, buckets=SECONDS, registry=self._registry)

    def _gauge(self, name: str, meaning: str, mode: str) -> Gauge:
        return Gauge(name, meaning, registry=self._registry, multiprocess_mode=mode)  # type: ignore[arg-type]

    def init_app(self, app: Flask) -> None:
        """Count each of the app's answers."""
        app.after_request(self._count)

    def add_segmentation(self, timing_ms: Mapping[str, float], masks: int) -> None:
        """Take note of a finished segmentation.

        Arguments:
            timing_ms: milliseconds of each stage and in total; 0 where a stage had nothing to do.
            masks: number of masks found.
        """
        for stage, milliseconds in timing_ms.items():
            if milliseconds and stage != "total":
                self._stage_seconds.labels(stage).observe(milliseconds / 1000)
        if timing_ms["queue"]:  # else the picture was remembered and met no model
            self._queue_wait.observe(timing_ms["queue"] / 1000)
            self._inference.observe((timing_ms["encode"] + timing_ms["generate"]) / 1000)
        self._masks.inc(masks)

    def keep_gauges_fresh(self) -> None:
        """Refresh this process's gauges for as long as it lives. Call it after the fork."""
        threading.Thread(target=self._keep_fresh, name="metrics", daemon=True).start()

    def refresh_gauges(self) -> None:
        """Set this process's gauges to what holds now."""
        status = self._service.status()
        self._queue_depth.set(status.queue_length)
        self._model_loaded.set(status.model_loaded)
        self._load_seconds.set(status.load_seconds or 0)
        self._gpu_memory.set(status.gpu_memory_bytes)
        self._draining.set(status.draining)
        self._memory.set(psutil.Process().memory_info().rss)
        self._store_up.set(self._store.check())
        failures = self._store.status().failures
        self._store_failures.inc(failures - self._failures_counted)
        self._failures_counted = failures

    def registry(self) -> CollectorRegistry:
        """The figures of all workers, or of this process if there is no shared folder."""
        if self._folder is None:
            self.refresh_gauges()
            return self._registry
        shared = CollectorRegistry()
        MultiProcessCollector(shared, str(self._folder))  # type: ignore[no-untyped-call]
        return shared

    def _count(self, response: Response) -> Response:
        endpoint = request.url_rule.rule if request.url_rule else "unmatched"
        method = request.method if request.method in METHODS else "other"
        self._requests.labels(endpoint, method, response.status_code).inc()
        self._request_seconds.labels(endpoint).observe(time.perf_counter() - g.started)
        if "auth_failure" in g:
            self._auth_failures.labels(g.auth_failure).inc()
        elif response.status_code == HTTPStatus.TOO_MANY_REQUESTS and "api_key" in g:
            self._rate_limited.labels(g.api_key.name).inc()
        return response

    def _keep_fresh(self) -> None:
        while True:
            try:
                self.refresh_gauges()
            except Exception as error:  # the thread must outlive whatever a store raises
                log.warning("metrics not refreshed", error=type(error).__name__)
            time.sleep(REFRESH_S)
