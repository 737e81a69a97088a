"""The loaded model: what is asked when, with an untrained head that sees nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from droplets.errors import ModelUnavailable
from droplets.finding.head import HEAT, Head
from droplets.finding.one_pass import Seen
from droplets.finding.segmenter import EFFORTS, Memory, Segmenter
from droplets.finding.stars import Stars
from droplets.types import InnerHeat, MaskRequest
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


def seen(stars):
    """As if the network had seen these, and nothing in them."""
    return Seen(stars, Stars.none(), InnerHeat.unseen(128, 64, 0.25), 0.0)


def test_nothing_is_seen_and_the_decoder_is_not_needed(segmenter, picture):
    memory = Memory()
    assert segmenter.generate(MaskRequest(picture, "fast"), memory).masks == []
    assert segmenter.generate(MaskRequest(picture, "balanced"), memory).masks == []
    assert memory.embedding is None
    assert sorted(memory.seen) == [False, True]
    assert memory.encoding_s > 0
    assert "_generator" not in vars(segmenter)


def test_what_was_seen_is_remembered(segmenter, picture):
    memory = Memory()
    first = segmenter.generate(MaskRequest(picture, "balanced"), memory)
    again = segmenter.generate(MaskRequest(picture, "balanced"), memory)
    assert again.masks is first.masks
    assert first.timing_ms["encode"] == 1000 * memory.encoding_s
    assert again.timing_ms["encode"] == 0


def test_points_are_answered_by_hand_and_the_embedding_is_kept(segmenter, picture):
    memory = Memory(seen={True: seen(stars_of([Circle(35, 32, 16)]))})
    request = MaskRequest(picture, "balanced", np.array([[35.0, 32.0]]))
    first = segmenter.generate(request, memory).masks
    embedding, spent = memory.embedding, memory.encoding_s
    assert embedding is not None
    again = segmenter.generate(request, memory).masks
    assert [mask.found_by for mask in first] == ["hand"]
    assert [mask.box for mask in first] == [mask.box for mask in again]
    assert memory.embedding is embedding
    assert memory.encoding_s == spent
    assert list(memory.seen) == [True]


def test_around_points_is_what_the_one_pass_sees_at_the_quality(segmenter, picture):
    few, many = stars_of([Circle(35, 32, 16)]), stars_of([Circle(35, 32, 16), Circle(101, 32, 16)])
    memory = Memory(seen={False: seen(few), True: seen(many)})
    around = {
        quality: segmenter.generate(
            MaskRequest(picture, quality, np.array([[35.0, 32.0]])), memory
        ).everything
        for quality in EFFORTS
    }
    assert {quality: len(masks) for quality, masks in around.items()} == {
        "fast": 1,
        "balanced": 2,
        "thorough": 2,
    }
    assert "thorough" not in memory.masks  # the decoder was asked at the point alone


def test_what_is_to_be_added_is_looked_for_beside_everything(segmenter, picture):
    memory = Memory(seen={True: seen(stars_of([Circle(35, 32, 16)]))})
    points = np.array([[101.0, 32.0]])
    found = segmenter.generate(MaskRequest(picture, "balanced", add=points), memory)
    assert [mask.found_by for mask in found.masks] == ["head", "hand"]
    assert found.everything == []
    assert len(memory.masks["balanced"]) == 1


def test_thorough_prompts_what_the_head_does_not_see(segmenter, picture, monkeypatch):
    monkeypatch.setitem(EFFORTS, "thorough", replace(EFFORTS["thorough"], grid=12))
    memory = Memory(seen={True: seen(Stars.none())})
    masks = segmenter.generate(MaskRequest(picture, "thorough"), memory).masks
    assert len(masks) > 15  # of 30 droplets
    assert {mask.found_by for mask in masks} == {"prompt"}


def test_a_missing_head_is_refused(tmp_path, sam):
    with pytest.raises(ModelUnavailable, match=r"none\.safetensors is missing"):
        Segmenter(CHECKPOINT, tmp_path / "none.safetensors", "cpu")
