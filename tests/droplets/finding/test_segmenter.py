"""The loaded model: what is asked when, with an untrained head that sees nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from droplets.errors import ModelUnavailable
from droplets.finding.head import HEAT, Head
from droplets.finding.one_pass import Seen
from droplets.finding.segmenter import Memory, Segmenter
from droplets.finding.stars import Stars
from tests.droplets.finding.answers import Circle
from tests.droplets.finding.test_decode import stars_of
from tests.droplets.sam.conftest import CHECKPOINT

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def segmenter(sam, tmp_path_factory) -> Segmenter:
    torch.manual_seed(0)
    head = Head()
    for tower in head.towers:
        tower[-1].bias.data[HEAT] = -9
    path = tmp_path_factory.mktemp("head") / "blind.safetensors"
    save_file({name: values.half().contiguous() for name, values in head.state_dict().items()}, path)
    return Segmenter(CHECKPOINT, path, "cpu", "test", "fp32")


def test_it_says_what_it_is(segmenter):
    assert (segmenter.device, segmenter.source, segmenter.precision) == ("cpu", "test", "fp32")
    assert segmenter.runtime in ("openvino", "torch")


def test_nothing_is_seen_and_the_decoder_is_not_needed(segmenter, picture):
    memory = Memory()
    assert segmenter.generate(picture, memory, "fast") == []
    assert segmenter.generate(picture, memory, "balanced") == []
    assert memory.embedding is None
    assert sorted(memory.seen) == [False, True]
    assert memory.encoding_s > 0
    assert "_generator" not in vars(segmenter)


def test_what_was_seen_is_remembered(segmenter, picture):
    memory = Memory()
    segmenter.generate(picture, memory, "balanced")
    spent = memory.encoding_s
    segmenter.generate(picture, memory, "balanced")
    assert memory.encoding_s == spent


def test_points_are_answered_by_hand_and_the_embedding_is_kept(segmenter, picture):
    memory = Memory(seen={True: Seen(stars_of([Circle(35, 32, 16)]), Stars.none(), 0.0)})
    points = np.array([[35.0, 32.0]])
    first = segmenter.masks_at(picture, memory, points)
    embedding, spent = memory.embedding, memory.encoding_s
    assert embedding is not None
    again = segmenter.masks_at(picture, memory, points)
    assert [mask.found_by for mask in first] == ["hand"]
    assert [mask.box for mask in first] == [mask.box for mask in again]
    assert memory.embedding is embedding
    assert memory.encoding_s == spent
    assert list(memory.seen) == [True]


def test_thorough_prompts_what_the_head_does_not_see(segmenter, picture):
    memory = Memory(seen={True: Seen(Stars.none(), Stars.none(), 0.0)})
    masks = segmenter.generate(picture, memory, "thorough")
    assert len(masks) > 15  # of 30 droplets
    assert {mask.found_by for mask in masks} == {"prompt"}


def test_a_missing_head_is_refused(tmp_path, sam):
    with pytest.raises(ModelUnavailable, match=r"none\.safetensors is missing"):
        Segmenter(CHECKPOINT, tmp_path / "none.safetensors", "cpu")
