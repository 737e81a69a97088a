"""Loading the model from its files."""

from __future__ import annotations

import pytest
import torch

from droplets.errors import ModelUnavailable
from droplets.finding.loading import load_generator
from droplets.finding.weights import HeadFile
from droplets.sam.checkpoint import CheckpointFile, known_checkpoints
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("device", "precision", "name"), [("cuda", "auto", "DEVICE"), ("auto", "fp16", "PRECISION")]
)
def test_what_needs_a_gpu_is_refused_without_one(monkeypatch, tmp_path, device, precision, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelUnavailable, match=f"^{name} is {device if name == 'DEVICE' else precision}"):
        load_generator(
            CheckpointFile(tmp_path / "none.pt", ()),
            HeadFile(tmp_path / "none.safetensors", None),
            device,
            1,
            precision=precision,
        )


@pytest.mark.model
def test_the_precision_reaches_the_network():
    threads = torch.get_num_threads()
    checkpoint = CheckpointFile(
        ROOT / "model" / "mobile_sam.pt", known_checkpoints(ROOT / "model" / "manifest.json")
    )
    head = HeadFile(ROOT / "model" / "droplet_head.safetensors", None)
    assert load_generator(checkpoint, head, "cpu", threads, precision="bf16").precision == "bf16"
    assert load_generator(checkpoint, head, "cpu", threads, precision="fp32").precision == "fp32"


@pytest.mark.model
def test_a_missing_head_is_refused(tmp_path):
    checkpoint = CheckpointFile(
        ROOT / "model" / "mobile_sam.pt", known_checkpoints(ROOT / "model" / "manifest.json")
    )
    with pytest.raises(ModelUnavailable, match=r"none\.safetensors is missing"):
        load_generator(checkpoint, HeadFile(tmp_path / "none.safetensors", None), "cpu", 1)
