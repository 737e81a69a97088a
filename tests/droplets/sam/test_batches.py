"""Batches sized to a GPU's memory, with the GPU's answers and its failures made up."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from droplets.sam.batches import LARGEST_BATCH, ON_CPU, PROMPT_BYTES, batch_size, in_batches

CUDA = torch.device("cuda")


class Faulty:
    """Gives back the prompts that it gets; runs out of memory for more than `most`."""

    def __init__(self, most):
        self.most, self.failures = most, 0

    def __call__(self, prompts):
        if len(prompts) > self.most:
            self.failures += 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return prompts.tolist()


@pytest.fixture
def gpu(monkeypatch):
    """A GPU with as much free memory as the test says, 1 MiB of it held by PyTorch in reserve."""

    def make(free):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free - 2**20, 80 * 2**30))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 3 * 2**20)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2 * 2**20)

    return make


def test_a_cpu_keeps_its_small_batches():
    assert batch_size(torch.device("cpu")) == ON_CPU


@pytest.mark.parametrize(
    ("free", "expected"), [(2 * 20 * PROMPT_BYTES, 20), (2**20, 1), (70 * 2**30, LARGEST_BATCH)]
)
def test_a_gpu_decodes_what_fits_into_half_of_the_free_memory(gpu, free, expected):
    gpu(free)
    assert batch_size(CUDA) == expected


@pytest.mark.parametrize("most", [28, 27, 14])
def test_every_prompt_is_in_one_batch(most):
    parts = list(in_batches(31, 28, Faulty(most)))
    assert [prompt for part in parts for prompt in part] == list(range(31))


def test_batches_are_halved_once_and_stay_halved(monkeypatch):
    emptied = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
    work = Faulty(16)
    sizes = [len(part) for part in in_batches(70, 32, work)]
    assert (sizes, work.failures, emptied) == ([16, 16, 16, 16, 6], 1, [1])


@pytest.mark.parametrize(("batch", "most", "failures"), [(32, 15, 2), (1, 0, 1)])
def test_a_second_failure_is_let_through(batch, most, failures):
    work = Faulty(most)
    with pytest.raises(torch.OutOfMemoryError):
        list(in_batches(40, batch, work))
    assert work.failures == failures


@pytest.mark.model
def test_the_masks_are_those_of_whole_batches(decoder, prepared, points, monkeypatch):
    monkeypatch.setattr("droplets.sam.decoder.batch_size", lambda device: 4)
    many = np.concatenate([points[:3], points[:3] + 1])

    def masks():
        found = {}
        for part in decoder.decode(prepared, many, 0.5):
            for (row, channel), logits in zip(part.kept.tolist(), part.logits, strict=True):
                key = int(part.prompt[row]), channel
                assert key not in found
                found[key] = logits, part.predicted_iou[row, channel]
        return found

    whole = masks()
    finish, failures = decoder._finish, []

    def fail_once(image, prompts, *rest):
        if not failures:
            failures.append(len(prompts))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return finish(image, prompts, *rest)

    monkeypatch.setattr(decoder, "_finish", fail_once)
    halved = masks()
    assert failures == [4]
    assert whole.keys() == halved.keys()
    assert len({prompt for prompt, _ in whole}) > 3
    for key, (logits, predicted) in whole.items():
        assert torch.allclose(logits, halved[key][0], atol=1e-3)
        assert float(predicted) == pytest.approx(float(halved[key][1]), abs=1e-5)
