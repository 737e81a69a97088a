"""Batches sized to a GPU's memory, with the GPU's answers and its failures made up."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from droplets.sam.batches import batch_size, each_or_halves, prompt_bytes
from droplets.sam.windows import Group, consecutive

CUDA = torch.device("cuda")
NEAR = prompt_bytes(512, 256)  # window 16, pool 4


class Faulty:
    """Wraps a function of a group: runs out of memory for more than `most` prompts."""

    def __init__(self, work, most):
        self.work, self.most, self.failures = work, most, 0

    def __call__(self, group):
        if len(group.prompts) > self.most:
            self.failures += 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.work(group)


@pytest.fixture
def gpu(monkeypatch):
    """A GPU with as much free memory as the test says, 1 MiB of it held by PyTorch in reserve."""

    def make(free):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free - 2**20, 80 * 2**30))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 * 2**20)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2 * 2**20)

    return make


def test_a_cpu_keeps_its_small_batches():
    assert batch_size(torch.device("cpu"), NEAR, cpu=16) == 16


@pytest.mark.parametrize(("free", "expected"), [(2 * 100 * NEAR, 100), (2**20, 1), (70 * 2**30, 1024)])
def test_a_gpu_decodes_what_fits_into_half_of_the_free_memory(gpu, free, expected):
    gpu(free)
    assert batch_size(CUDA, NEAR, cpu=16) == expected
    assert batch_size(CUDA, NEAR, cpu=16, largest=64) == min(64, expected)


def groups():
    """Seven windows of four prompts, three of one: prompts 0 to 30 in batches of 28 and 3."""
    corners = np.arange(20).reshape(10, 2)
    return [Group(np.arange(28), corners[:7]), Group(np.arange(28, 31), corners[7:])]


def seen(group):
    """The window that each prompt looks through, which halving must not change."""
    share = len(group.prompts) // len(group.corners)
    assert share * len(group.corners) == len(group.prompts)
    return {int(p): group.corners[i // share].tolist() for i, p in enumerate(group.prompts)}


@pytest.mark.parametrize("most", [28, 27, 16])
def test_halves_hold_every_prompt_once(most):
    parts = list(each_or_halves(groups(), Faulty(seen, most)))
    assert sum(map(len, parts)) == 31
    merged = {prompt: corner for part in parts for prompt, corner in part.items()}
    assert merged == {**seen(groups()[0]), **seen(groups()[1])}
    assert list(merged) == list(range(31))


def test_batches_are_halved_once_and_stay_halved(monkeypatch):
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
    work = Faulty(seen, 16)
    sizes = [len(part) for part in each_or_halves(consecutive(70, 32), work)]
    assert (sizes, work.failures, emptied) == ([16, 16, 16, 16, 3, 3], 1, [1])


@pytest.mark.parametrize(("batch", "most"), [(32, 15), (1, 0)])
def test_a_second_failure_is_let_through(batch, most):
    work = Faulty(seen, most)
    with pytest.raises(torch.OutOfMemoryError):
        list(each_or_halves(consecutive(40, batch), work))
    assert work.failures == (2 if batch > 1 else 1)


@pytest.mark.model
@pytest.mark.parametrize(("method", "count"), [("decode", 3), ("decode_near", 6)])
def test_the_masks_are_those_of_whole_batches(decoder, prepared, points, monkeypatch, method, count):
    many = np.concatenate([points[:count], points[:count] + 1])

    def masks():
        found = {}
        for part in getattr(decoder, method)(prepared, many, 0.5, batch=4 if method == "decode" else 8):
            for (row, channel), logits, corner in zip(
                part.kept.tolist(), part.logits, part.corner, strict=True
            ):
                key = int(part.prompt[row]), channel
                assert key not in found
                found[key] = logits, corner.tolist(), part.predicted_iou[row, channel]
        return found

    whole = masks()
    finish, failures = decoder._finish, []

    def fail_once(group, *rest):
        if not failures:
            failures.append(len(group.prompts))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return finish(group, *rest)

    monkeypatch.setattr(decoder, "_finish", fail_once)
    halved = masks()
    assert failures[0] > 1
    assert whole.keys() == halved.keys()
    assert len({prompt for prompt, _ in whole}) > count
    for key, (logits, corner, predicted) in whole.items():
        assert corner == halved[key][1]
        assert torch.allclose(logits, halved[key][0], atol=1e-3)
        assert float(predicted) == pytest.approx(float(halved[key][2]), abs=1e-5)
