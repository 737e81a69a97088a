"""The encoder on OpenVINO against the encoder on torch."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import weakref

import numpy as np
import pytest
import torch

from droplets.sam.encoder import Encoder
from tests.conftest import ROOT

pytest.importorskip("droplets.sam.openvino_encoder", exc_type=ImportError)  # OpenVINO is optional

import openvino  # after the module that keeps its statistics at home

from droplets.sam.openvino_encoder import openvino_network

pytestmark = pytest.mark.model

START_AND_EMBED = """
import os, sys
from pathlib import Path

def refuse(event, arguments):
    if event.startswith("socket."):
        os._exit(3)

sys.addaudithook(refuse)
from droplets.finding.loading import load_generator
assert "openvino" not in sys.modules  # nothing of it before the fork
from droplets.sam.checkpoint import build_sam
from droplets.sam.encoder import Encoder
Encoder(build_sam(), "fp32", "openvino")
assert "openvino" in sys.modules
assert not [name for name, module in sys.modules.items() if module and name.startswith("openvino_telemetry")]
assert not list(Path.home().iterdir())
"""

BUILD_DROP_AND_SIGNAL = """
import signal
import torch
from droplets.sam.openvino_encoder import compiled, frame_parameter, gelu

def graph():
    frame = frame_parameter(32, 32)
    return compiled([gelu(frame)], frame, torch.float32, 1)

first, second = graph(), graph()
del first
del second
signal.signal(signal.SIGALRM, lambda *_: print("handled"))
signal.raise_signal(signal.SIGALRM)
"""


@pytest.fixture(scope="module")
def encoder(sam) -> Encoder:
    return Encoder(sam, "fp32", "openvino")


def test_the_features_are_those_of_torch(encoder, picture, embedding):
    found = encoder.embed(picture)
    assert (found.size, found.input_size) == (embedding.size, embedding.input_size)
    assert found.features.dtype == torch.float32
    assert torch.allclose(found.features, embedding.features, atol=2e-5)


def test_bfloat16_stays_near(sam, picture, embedding):
    features = Encoder(sam, "bf16", "openvino").embed(picture).features
    error = (features - embedding.features).pow(2).mean().sqrt() / embedding.features.std()
    assert error < 0.05


def test_a_batch_gives_what_each_picture_gives(encoder, picture):
    upright = np.ascontiguousarray(picture[:, :200].transpose(1, 0, 2))
    batch = encoder.embed_batch([picture, upright])
    for found, single in zip(batch, (picture, upright), strict=True):
        assert torch.equal(found.features, encoder.embed(single).features)


def test_features_outlive_the_next_picture(encoder, picture):
    first = encoder.embed(picture).features
    before = first.clone()
    encoder.embed(255 - picture)
    assert torch.equal(first, before)


def test_the_threads_are_those_of_torch_and_on_no_cores_of_their_own(sam, monkeypatch):
    asked = []
    compile_model = openvino.Core.compile_model

    def spy(core, model, device, properties):
        asked.append(properties)
        return compile_model(core, model, device, properties)

    monkeypatch.setattr(openvino.Core, "compile_model", spy)
    Encoder(sam, "fp32", "openvino")
    assert asked[0]["INFERENCE_NUM_THREADS"] == torch.get_num_threads()
    assert asked[0]["ENABLE_CPU_PINNING"] is False


def test_nothing_of_torch_s_network_is_kept(sam, monkeypatch):
    kept = []

    def spy(network, *arguments):
        kept.extend(weakref.ref(parameter) for parameter in network.parameters())
        return openvino_network(network, *arguments)

    monkeypatch.setattr("droplets.sam.openvino_encoder.openvino_network", spy)
    encoder = Encoder(sam, "fp32", "openvino")
    gc.collect()
    assert kept
    assert not any(reference() is not None for reference in kept)
    assert encoder.runtime == "openvino"


def test_it_is_used_where_it_is_installed(sam):
    assert Encoder(sam, "fp32").runtime == "openvino"


def test_torch_does_without_it(sam, picture, embedding, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "openvino", None)
    encoder = Encoder(sam, "fp32")
    assert encoder.runtime == "torch"
    assert not caplog.records
    assert torch.equal(encoder.embed(picture).features, embedding.features)


def test_where_it_does_not_work_torch_does_and_one_warning_says_so(sam, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(openvino.Core, "compile_model", fail)
    with caplog.at_level(logging.WARNING):
        assert Encoder(sam, "fp32").runtime == "torch"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    with pytest.raises(RuntimeError, match="no such instruction"):
        Encoder(sam, "fp32", "openvino")


def test_it_calls_nobody_and_is_loaded_only_with_the_model(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START_AND_EMBED],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_signals_are_handled_after_graphs_came_and_went():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BUILD_DROP_AND_SIGNAL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr
