"""Queue, cache and the one inference thread, with a generator that waits where a test tells it to."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from droplets.errors import ModelUnavailable
from droplets.sam.checkpoint import CheckpointFile, known_checkpoints, read_tensors, verify
from droplets.types import Generation, Mask, MaskRequest
from sam_service import Asker, Busy, ClientGone, SamService
from tests.conftest import ROOT

POINT = np.array([[2.0, 3.0]])


class Generator:
    """Stands in for the model where a test has to hold it still."""

    device = "cpu"
    precision = "fp32"
    runtime = "torch"
    source = "test"
    weights = ()

    def __init__(self):
        self.go = threading.Event()
        self.go.set()
        self.began = threading.Event()
        self.calls = []
        self.memories = []
        self.threads = set()

    def generate(self, request, memory):
        self.threads.add(threading.current_thread())
        self.memories.append(memory)
        if request.quality not in memory.masks:
            self.calls.append(request.quality)
            memory.masks[request.quality] = [Mask(0, 0, np.ones((2, 2), bool))]
            self.began.set()
            assert self.go.wait(10)
        at_points = [Mask(int(x), int(y), np.ones((1, 1), bool)) for x, y in request.prompts]
        everything = memory.masks[request.quality]
        return Generation(at_points or everything, {"encode": 250.0, "generate": 1.0})


@pytest.fixture
def generator() -> Generator:
    return Generator()


@pytest.fixture
def make_service(generator):
    def make(load=lambda: generator, queue_size=8, timeout_s=10, cache_size=4) -> SamService:
        return SamService(load, queue_size=queue_size, timeout_s=timeout_s, cache_size=cache_size)

    yield make
    generator.go.set()


def picture(value: int) -> np.ndarray:
    return np.full((8, 8, 3), value, np.uint8)


def everything(value: int) -> MaskRequest:
    return MaskRequest(picture(value), "balanced")


def test_ten_first_requests_load_one_model(make_service, generator):
    loads = []

    def load():
        loads.append(threading.current_thread())
        time.sleep(0.05)
        return generator

    service = make_service(load, queue_size=10)
    assert not service.status().model_loaded
    assert not loads  # nothing is loaded before it is needed
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda i: service.generate(everything(i)), range(10)))
    assert len(answers) == 10
    assert len(loads) == 1
    assert generator.threads == set(loads)  # one thread for loading and inference
    assert service.status().model_loaded
    assert service.status().load_seconds >= 0.05
    assert service.status().runtime == "torch"


def test_a_full_queue_is_refused_at_once(make_service, generator):
    service = make_service(queue_size=2)
    generator.go.clear()
    with ThreadPoolExecutor(3) as pool:
        running = pool.submit(service.generate, everything(0))
        assert generator.began.wait(5)
        waiting = [pool.submit(service.generate, everything(i)) for i in (1, 2)]
        deadline = time.monotonic() + 5
        while service.status().queue_length < 2 and time.monotonic() < deadline:
            time.sleep(0.005)
        assert not service.ready
        with pytest.raises(Busy) as refusal:
            service.generate(everything(3))
        assert refusal.value.retry_after >= 1
        generator.go.set()
        for answer in (running, *waiting):
            assert len(answer.result(5).masks) == 1
    assert service.ready


def until(condition) -> None:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def test_one_key_cannot_fill_the_queue_and_keys_take_turns(generator):
    service = SamService(lambda: generator, queue_size=6, share=3, timeout_s=10, cache_size=9)
    generator.go.clear()
    order, work = [], generator.generate
    generator.generate = lambda request, memory: (
        order.append(request.pixels[0, 0, 0]) or work(request, memory)
    )

    def ask(name, value):
        service.generate(everything(value), Asker(name))

    with ThreadPoolExecutor(8) as pool:
        pool.submit(ask, "Ada", 0)
        assert generator.began.wait(5)
        for value in (1, 2, 3):
            pool.submit(ask, "Ada", value)
        until(lambda: service.status().queue_length == 3)
        with pytest.raises(Busy, match="3 pictures of this key"):
            service.check_room(Asker("Ada"))
        assert service.ready
        pool.submit(ask, "Bob", 4)
        until(lambda: service.status().queue_length == 4)
        generator.go.set()
    assert order[0] == 0
    assert order[2] == 4  # Bob's is not behind all of Ada's, who came before


def test_who_has_gone_costs_no_inference_and_no_place(make_service, generator):
    service = make_service()
    gone = threading.Event()
    generator.go.clear()
    with ThreadPoolExecutor(3) as pool:
        pool.submit(service.generate, everything(0))
        assert generator.began.wait(5)
        left = pool.submit(service.generate, everything(1), Asker("Ada", gone.is_set))
        until(lambda: service.status().queue_length == 1)
        gone.set()
        assert isinstance(left.exception(5), ClientGone)
        assert service.status().queue_length == 0
        generator.go.set()
    with pytest.raises(ClientGone):
        service.generate(everything(2), Asker("Ada", gone.is_set))
    assert len(generator.calls) == 1


def test_who_waits_too_long_is_told_and_costs_no_inference(make_service, generator):
    service = make_service(timeout_s=0.1)
    generator.go.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(service.generate, everything(0))
        assert generator.began.wait(5)
        with pytest.raises(Busy, match="No answer within"):
            service.generate(everything(1))
        assert isinstance(first.exception(5), Busy)
    generator.go.set()
    service.generate(everything(2))
    assert len(generator.calls) == 2  # pictures 0 and 2


def test_the_same_picture_costs_one_inference(make_service, generator):
    service = make_service()
    first = service.generate(everything(0))
    again = service.generate(everything(0))
    assert again.masks is first.masks
    assert again.timing_ms == {"queue": 0.0, "encode": 0.0, "generate": 0.0}
    assert generator.calls == ["balanced"]


def test_the_wait_is_told_beside_the_times_of_the_model(make_service):
    timing = make_service().generate(everything(0)).timing_ms
    assert list(timing) == ["queue", "encode", "generate"]
    assert (timing["encode"], timing["generate"]) == (250, 1)


def test_another_quality_or_points_find_what_is_known_of_the_picture(make_service, generator):
    service = make_service()
    service.generate(everything(0))
    service.generate(MaskRequest(picture(0), "fast"))
    at_point = service.generate(MaskRequest(picture(0), "balanced", POINT))
    assert generator.calls == ["balanced", "fast"]
    assert len(generator.memories) == 3
    assert len(set(map(id, generator.memories))) == 1
    assert at_point.masks[0].box == (2, 3, 1, 1)


@pytest.mark.parametrize("points", [{"points": POINT}, {"add": POINT}, {"points": POINT, "add": POINT}])
def test_points_are_one_job_of_the_model_also_where_everything_is_known(make_service, generator, points):
    service = make_service()
    service.generate(everything(0))
    service.generate(MaskRequest(picture(0), "balanced", **points))
    assert len(generator.memories) == 2


def test_pictures_of_the_same_bytes_but_another_shape_differ(make_service, generator):
    service = make_service()
    service.generate(MaskRequest(np.zeros((4, 16, 3), np.uint8), "balanced"))
    service.generate(MaskRequest(np.zeros((16, 4, 3), np.uint8), "balanced"))
    assert len(generator.calls) == 2


def test_the_least_recently_used_picture_is_forgotten(make_service, generator):
    service = make_service(cache_size=2)
    for value in (0, 1, 0, 2):  # 1 is the one not used for longest
        service.generate(everything(value))
    service.generate(everything(0))
    assert len(generator.calls) == 3
    service.generate(everything(1))
    assert len(generator.calls) == 4


def test_no_memory_at_all(make_service, generator):
    service = make_service(cache_size=0)
    for _ in range(2):
        assert len(service.generate(everything(0)).masks) == 1
    assert len(generator.calls) == 2


def test_twins_that_wait_together_cost_one_inference(make_service, generator):
    service = make_service()
    generator.go.clear()
    with ThreadPoolExecutor(3) as pool:
        twins = [pool.submit(service.generate, everything(0)) for _ in range(3)]
        generator.go.set()
        assert all(len(twin.result(5).masks) == 1 for twin in twins)
    assert generator.calls == ["balanced"]


def test_draining_reports_not_ready_and_still_answers(make_service, generator):
    service = make_service()
    generator.go.clear()
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(service.generate, everything(0))
        assert generator.began.wait(5)
        service.drain()
        assert not service.ready
        arrived = pool.submit(service.generate, everything(1))
        generator.go.set()
        assert len(running.result(5).masks) == len(arrived.result(5).masks) == 1


def test_a_model_that_fails_to_load_is_tried_again(make_service, generator):
    attempts = []

    def load():
        attempts.append(1)
        if len(attempts) == 1:
            raise ModelUnavailable("not there yet")
        return generator

    service = make_service(load)
    with pytest.raises(ModelUnavailable):
        service.generate(everything(0))
    assert len(service.generate(everything(0)).masks) == 1


def test_the_thread_outlives_a_fault(make_service, generator, monkeypatch):
    service = make_service()
    with monkeypatch.context() as patch:
        patch.setattr(generator, "generate", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            service.generate(everything(0))
    assert len(service.generate(everything(0)).masks) == 1
    assert not service.status().running


@pytest.mark.parametrize("fault", [MemoryError(), torch.OutOfMemoryError()])
def test_too_little_memory_is_busy(make_service, generator, monkeypatch, fault):
    def full(*_):
        raise fault

    service = make_service()
    monkeypatch.setattr(generator, "generate", full)
    with pytest.raises(Busy, match="memory"):
        service.generate(everything(0))


def test_large_masks_are_not_hoarded(make_service, generator, monkeypatch):
    monkeypatch.setattr("droplets.finding.memories.MASK_BYTES", 6)  # a mask of the test generator takes 4
    service = make_service()
    for value in (0, 1, 2):
        service.generate(everything(value))
    assert service.status().remembered_pictures < 3


class TestCheckpointFile:
    def test_a_wrong_file_is_read_once(self, tmp_path, monkeypatch):
        path = tmp_path / "mobile_sam.pt"
        path.write_bytes(b"half a download")
        reads = []
        monkeypatch.setattr(
            "droplets.sam.checkpoint.verify", lambda *a, **k: reads.append(1) or verify(*a, **k)
        )
        checkpoint = CheckpointFile(path, known_checkpoints(ROOT / "model" / "manifest.json"))
        for _ in range(3):
            with pytest.raises(ModelUnavailable):
                checkpoint.info()
        assert len(reads) == 1
        path.write_bytes(b"another half download")
        with pytest.raises(ModelUnavailable):
            checkpoint.info()
        assert len(reads) == 2

    @pytest.mark.model
    def test_a_checkpoint_of_another_training_if_it_is_wanted(self, tmp_path):
        tensors = read_tensors(ROOT / "model" / "mobile_sam.pt")
        tensors["mask_decoder.iou_token.weight"] += 1
        path = tmp_path / "own.pt"
        torch.save(tensors, path)
        with pytest.raises(ModelUnavailable, match="none of the known"):
            CheckpointFile(path, ()).info()
        info = CheckpointFile(path, (), accept_unknown=True).info()
        assert (info.source, info.verified) == ("unknown", False)
