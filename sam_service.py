"""SamService: owns the model. One long-lived inference thread takes pictures from a bounded, fair queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog
import torch

from droplets.errors import ModelUnavailable, ServiceError, Unavailable
from droplets.finding.memories import Memories, fingerprint
from droplets.finding.segmenter import Memory
from droplets.types import Generation, MaskRequest
from store.fair_queue import FairQueue

log = structlog.get_logger(__name__)

LOOK_S = 0.5
"""How often a request that waits looks whether its client has gone."""


class Busy(Unavailable):
    """The inference queue is full, or the request waited longer than REQUEST_TIMEOUT_S."""


class ClientGone(ServiceError):
    """Nobody waits for the answer any more."""

    def __init__(self) -> None:
        super().__init__("The connection was closed before the answer was there.")


@dataclass(frozen=True)
class Asker:
    """Who asks for masks.

    Attributes:
        name: whose share of the queue it is; the API key's name.
        has_gone: whether nobody waits for the answer any more.
    """

    name: str = ""
    has_gone: Callable[[], bool] = lambda: False

    def check_still_there(self) -> None:
        """Tell whether work for this client is worth while.

        Raises:
            ClientGone: it is not.
        """
        if self.has_gone():
            raise ClientGone


ANYBODY = Asker()


class MaskGenerator(Protocol):
    """A loaded model; only the inference thread calls it."""

    device: str
    precision: str
    runtime: str
    source: str
    weights: tuple[str, ...]

    def generate(self, request: MaskRequest, memory: Memory) -> Generation:
        """Masks of a picture, of which `memory` may know something and then knows more."""


@dataclass(frozen=True)
class SamStatus:
    """The model and the queue of a worker.

    Attributes:
        model_loaded: whether the model is in memory.
        load_seconds: that loading it took; None before.
        device, precision, runtime: of the model; None before it is loaded.
        checkpoint_source: where its weights come from; None before it is loaded.
        weights: sha256 of the files that it was loaded from; empty before.
        queue_length: pictures that wait.
        queue_size: pictures that may wait.
        running: whether the model works now.
        draining: whether the worker finishes and is not ready for more.
        remembered_pictures: number of pictures of which something is kept.
        gpu_memory_bytes: that PyTorch holds.
    """

    model_loaded: bool
    load_seconds: float | None
    device: str | None
    precision: str | None
    runtime: str | None
    checkpoint_source: str | None
    weights: tuple[str, ...]
    queue_length: int
    queue_size: int
    running: bool
    draining: bool
    remembered_pictures: int
    gpu_memory_bytes: int


@dataclass(frozen=True, eq=False)
class _Job:
    """One picture in the queue: what to do with it, and where the answer goes."""

    picture: str
    request: MaskRequest
    asker: Asker
    queued: float = field(default_factory=time.perf_counter)
    answer: Future[Generation] = field(default_factory=Future)


class SamService:
    """Masks on demand, from any number of request threads.

    The model is loaded by the inference thread when the first picture comes, so that it is loaded
    once however many requests come first. What was found in the last pictures is kept: the same
    picture with other filters costs no inference.

    Arguments:
        load: loads the model; called on the inference thread, again after it has failed.
        queue_size: pictures that may wait; one more is refused.
        share: of these, pictures of one asker; all, if it is not given.
        timeout_s: seconds after which a request gives up waiting.
        cache_size: pictures that are remembered.
    """

    def __init__(
        self,
        load: Callable[[], MaskGenerator],
        *,
        queue_size: int,
        timeout_s: float,
        cache_size: int,
        share: int | None = None,
    ) -> None:
        self._load = load
        self._timeout = timeout_s
        self._jobs: FairQueue[_Job] = FairQueue(queue_size, share or queue_size)
        self._memories = Memories(cache_size)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._generator: MaskGenerator | None = None
        self._load_seconds: float | None = None
        self._job_seconds = 1.0
        self._running = False
        self._draining = False

    def generate(self, request: MaskRequest, asker: Asker = ANYBODY) -> Generation:
        """Masks of a picture; blocks until the inference thread has answered.

        Arguments:
            request: the picture and what is wanted of it.
            asker: whose share of the queue it takes.

        Raises:
            Busy: the queue is full, or there was no answer within the time limit.
            ClientGone: the asker has gone.
            ModelUnavailable: the checkpoint cannot be loaded.
        """
        asker.check_still_there()
        picture = fingerprint(request.pixels)
        if not request.prompts.size and (known := self._memories.everything(picture, request.quality)):
            return known
        job = _Job(picture, request, asker)
        self._enqueue(job)
        try:
            generation = self._awaited(job)
        finally:
            self._jobs.discard(job, asker.name)  # whoever gives up waits no longer
        asker.check_still_there()
        return generation

    def check_room(self, asker: Asker = ANYBODY) -> None:
        """Tell whether a picture would find room in the queue, before work is spent on it.

        Raises:
            Busy: it would not.
        """
        if self._jobs.room(asker.name) < 1:
            seconds = self._expected_wait()
            most = self._jobs.share if len(self._jobs) < self._jobs.size else self._jobs.size
            whose = " of this key" if most < self._jobs.size else ""
            raise Busy(f"{most} pictures{whose} are waiting already; try again in {seconds} s.", seconds)

    def drain(self) -> None:
        """Report not ready from now on. Requests that have arrived are still answered."""
        self._draining = True

    @property
    def ready(self) -> bool:
        """Whether a picture would be taken now."""
        return not self._draining and len(self._jobs) < self._jobs.size

    def status(self) -> SamStatus:
        """The model and the queue now."""
        generator = self._generator
        return SamStatus(
            model_loaded=generator is not None,
            load_seconds=self._load_seconds,
            device=generator.device if generator else None,
            precision=generator.precision if generator else None,
            runtime=generator.runtime if generator else None,
            checkpoint_source=generator.source if generator else None,
            weights=generator.weights if generator else (),
            queue_length=len(self._jobs),
            queue_size=self._jobs.size,
            running=self._running,
            draining=self._draining,
            remembered_pictures=len(self._memories),
            gpu_memory_bytes=torch.cuda.memory_reserved(),
        )

    def _enqueue(self, job: _Job) -> None:
        with self._lock:
            self.check_room(job.asker)
            self._jobs.put(job, job.asker.name)
            if self._thread is None:  # not in __init__: the process may fork between
                self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
                self._thread.start()

    def _awaited(self, job: _Job) -> Generation:
        """The answer, for as long as there is somebody to give it to."""
        deadline = time.monotonic() + self._timeout
        while (left := deadline - time.monotonic()) > 0:
            if wait([job.answer], min(LOOK_S, left)).done:
                return job.answer.result()
            if job.asker.has_gone():
                job.answer.cancel()
                raise ClientGone
        job.answer.cancel()
        raise Busy(
            f"No answer within {self._timeout:g} s; try again later or with quality 'fast'.",
            self._expected_wait(),
        )

    def _expected_wait(self) -> int:
        return max(1, round(self._job_seconds * (len(self._jobs) + 1)))

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if not job.answer.set_running_or_notify_cancel():
                continue
            self._running = True
            try:
                job.answer.set_result(self._answer(job, self._loaded()))
            except (torch.OutOfMemoryError, MemoryError):
                job.answer.set_exception(Busy("There is too little memory just now; try again."))
            except Exception as error:  # the thread must outlive every job; the request raises it
                job.answer.set_exception(error)
            self._running = False

    def _loaded(self) -> MaskGenerator:
        if self._generator is None:
            started = time.perf_counter()
            try:
                self._generator = self._load()
            except ModelUnavailable as error:
                log.error("model not loaded", reason=error.message)  # noqa: TRY400
                raise
            self._load_seconds = round(time.perf_counter() - started, 3)
            log.info(
                "model loaded",
                seconds=self._load_seconds,
                device=self._generator.device,
                precision=self._generator.precision,
                runtime=self._generator.runtime,
            )
        return self._generator

    def _answer(self, job: _Job, generator: MaskGenerator) -> Generation:
        begun = time.perf_counter()
        memory = self._memories.of(job.picture)
        generation = generator.generate(job.request, memory)
        self._memories.keep(job.picture, memory)
        self._job_seconds = 0.7 * self._job_seconds + 0.3 * (time.perf_counter() - begun)
        waited = 1000 * (begun - job.queued)
        return replace(generation, timing_ms={"queue": waited, **generation.timing_ms})
