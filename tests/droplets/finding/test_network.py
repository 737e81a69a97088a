"""Encoder and head as one network: the same answer on every runtime, in frames of any size."""

from __future__ import annotations

import logging
import sys

import numpy as np
import pytest
import torch

from droplets.finding.head import LAYER_CHANNELS, Head
from droplets.finding.network import KEPT, Network
from droplets.sam import tiny_vit
from droplets.sam.encoder import Encoder

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def head() -> Head:
    torch.manual_seed(1)
    return Head()


@pytest.fixture(scope="module")
def on_torch(sam, head) -> Network:
    return Network(sam, head, "fp32", "torch")


@pytest.fixture(scope="module")
def on_openvino(sam, head) -> Network:
    pytest.importorskip("droplets.sam.openvino_encoder", exc_type=ImportError)
    return Network(sam, head, "fp32", "openvino")


def deviation(found: np.ndarray, wanted: np.ndarray) -> float:
    """Root mean square of the difference, in standard deviations of what is wanted."""
    return float(np.sqrt(((found - wanted) ** 2).mean()) / wanted.std())


def test_the_features_of_a_whole_frame_are_the_encoder_s(sam, on_torch, picture):
    frame = np.zeros((1024, 1024, 3), np.uint8)
    frame[:300, :400] = picture
    wanted = Encoder(sam, "fp32", "torch").embed(frame).features[0].numpy()
    found = on_torch.features(frame)
    assert {stride: maps.shape for stride, maps in found.items()} == {
        4: (64, 256, 256),
        8: (128, 128, 128),
        16: (256, 64, 64),
    }
    assert np.abs(found[16] - wanted).max() < 1e-4


def test_the_layers_before_are_those_of_the_network(sam):
    frames = torch.randn(1, 3, 1024, 1024, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = tiny_vit.features(sam.image_encoder, frames)
        stem = sam.image_encoder.layers[0]
        stride4 = sam.image_encoder.patch_embed(frames)
        for block in stem.blocks:
            stride4 = block(stride4)
        stride8 = stem.downsample(stride4).transpose(1, 2).unflatten(2, (128, 128))
    assert torch.allclose(found[4], stride4, atol=1e-5)
    assert torch.allclose(found[8], stride8, atol=1e-5)


def test_the_answer_is_the_head_s_on_those_features(on_torch, head, picture, sam):
    frame = picture[:256, :384]
    features = [torch.from_numpy(maps)[None] for maps in on_torch.features(frame).values()]
    pixels = (torch.from_numpy(frame.copy()).permute(2, 0, 1) - sam.pixel_mean) / sam.pixel_std
    with torch.inference_mode():
        wanted = head.eval()(pixels[None], *features)[0].numpy()
    found = on_torch.answer(frame)
    assert found.shape == (2 * LAYER_CHANNELS, 64, 96)
    assert np.abs(found - wanted).max() < 1e-4


def test_a_frame_of_any_size_is_answered_as_within_zeros(on_torch, sam, picture):
    """Padding is with zeros after the mean was taken off: as a frame that goes on in the mean colour."""
    frame = picture[:200, :300]
    found = on_torch.answer(frame)
    assert found.shape == (2 * LAYER_CHANNELS, 50, 75)
    mean = sam.pixel_mean.round().byte().numpy().reshape(3)
    around = np.tile(mean, (256, 384, 1))
    around[:200, :300] = frame
    assert deviation(found, on_torch.answer(around)[:, :50, :75]) < 0.02


def test_a_rectangle_is_answered_as_in_a_square_but_for_its_border(on_torch, picture):
    square = np.zeros((384, 384, 3), np.uint8)
    square[:] = picture[:1, :1]
    square[:300, :384] = picture[:, :384]
    wide = on_torch.answer(square[:256])
    assert wide.shape == (2 * LAYER_CHANNELS, 64, 96)
    assert deviation(wide[:, :24], on_torch.answer(square)[:, :24]) < 0.3


def test_a_shorter_frame_does_not_depend_on_what_was_answered_before(on_torch, picture):
    first = on_torch.answer(picture)
    on_torch.answer(255 - picture)
    on_torch.features(picture[:128, :128])
    assert np.array_equal(on_torch.answer(picture), first)


def test_a_frame_may_be_read_only(on_torch, picture):
    fixed = picture[:128, :128].copy()
    fixed.flags.writeable = False
    assert np.array_equal(on_torch.answer(fixed), on_torch.answer(picture[:128, :128]))


class TestOpenVINO:
    @pytest.mark.parametrize("size", [(300, 400), (128, 256), (97, 130)])
    def test_the_answer_is_that_of_torch(self, on_openvino, on_torch, picture, size):
        frame = picture[: size[0], : size[1]]
        assert on_openvino.runtime == "openvino"
        assert np.abs(on_openvino.answer(frame) - on_torch.answer(frame)).max() < 1e-4

    def test_the_features_are_those_of_torch(self, on_openvino, on_torch, picture):
        found, wanted = on_openvino.features(picture), on_torch.features(picture)
        for stride, maps in wanted.items():
            assert np.abs(found[stride] - maps).max() < 1e-4

    def test_bfloat16_stays_near(self, sam, head, on_torch, picture):
        found = Network(sam, head, "bf16", "openvino").answer(picture)
        assert deviation(found, on_torch.answer(picture)) < 0.05

    def test_the_graphs_of_few_sizes_are_kept(self, on_openvino, monkeypatch, picture):
        monkeypatch.setattr("droplets.finding.network.KEPT", 3 * 128 * 128)
        on_openvino._graphs.clear()
        for width in (128, 256, 128, 384):
            on_openvino.answer(picture[:128, :width])
            sizes = [height * width for _, height, width in on_openvino._graphs]
            assert len(sizes) == 1 or sum(sizes) <= 3 * 128 * 128
        assert KEPT >= 1024 * 1024

    def test_where_it_does_not_work_torch_does(self, sam, head, monkeypatch, caplog):
        def fail(*_):
            raise RuntimeError("no such instruction")

        monkeypatch.setattr("droplets.finding.openvino_graph.compiled", fail)
        with caplog.at_level(logging.WARNING):
            assert Network(sam, head, "fp32").runtime == "torch"
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        with pytest.raises(RuntimeError, match="no such instruction"):
            Network(sam, head, "fp32", "openvino")

    def test_torch_does_without_it(self, sam, head, monkeypatch):
        monkeypatch.setitem(sys.modules, "openvino", None)
        assert Network(sam, head, "fp32").runtime == "torch"
