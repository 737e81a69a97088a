from __future__ import annotations

import numpy as np
import pytest
import torch
from mobile_sam import SamPredictor
from mobile_sam.modeling.tiny_vit_sam import Conv2d_BN
from torch import nn

from droplets.sam.encoder import Encoder, choose_precision, fold_batch_norms

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def predictor(sam, picture):
    predictor = SamPredictor(sam)
    predictor.set_image(picture)
    return predictor


def test_the_features_are_those_of_the_predictor(embedding, predictor):
    assert embedding.size == predictor.original_size
    assert embedding.input_size == predictor.input_size
    assert torch.allclose(embedding.features, predictor.features, atol=2e-5)


def test_points_are_scaled_as_the_predictor_scales_them(embedding, predictor):
    points = np.array([[0.5, 0.5], [123.25, 200.0], [399, 299]])
    expected = predictor.transform.apply_coords(points, embedding.size)
    assert np.allclose(embedding.to_frame(points), expected)


def test_half_precision_stays_near(sam, picture, embedding):
    features = Encoder(sam, "bf16", "torch").embed(picture).features
    assert features.dtype == torch.float32
    error = (features - embedding.features).pow(2).mean().sqrt() / embedding.features.std()
    assert error < 0.05


def test_a_batch_gives_what_each_picture_gives(sam, picture, embedding):
    upright = np.ascontiguousarray(picture[:, :200].transpose(1, 0, 2))
    first, second = Encoder(sam, "fp32", "torch").embed_batch([picture, upright])
    assert torch.allclose(first.features, embedding.features, atol=2e-5)
    assert second.size == (200, 300)


def test_the_model_is_left_as_it_was(sam):
    before = sorted(sam.state_dict())
    Encoder(sam, "fp32", "torch")
    assert sorted(sam.state_dict()) == before


def test_batch_norms_are_folded_on_the_network_s_own_device():
    network = nn.Sequential(Conv2d_BN(3, 8)).to("meta")
    fold_batch_norms(network)
    assert isinstance(network[0], nn.Conv2d)
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}


def test_auto_asks_the_processor(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert choose_precision("auto", cpu) == torch.float32
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert choose_precision("auto", cpu) == torch.bfloat16
    assert choose_precision("auto", torch.device("cuda")) == torch.float16
