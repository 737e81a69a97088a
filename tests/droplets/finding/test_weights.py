"""The head's file: the right one is read, any other refused with what to do."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

from droplets.errors import ModelUnavailable
from droplets.finding.decode import Thresholds
from droplets.finding.head import Head
from droplets.finding.weights import HeadFile, known_head, load_head
from droplets.sam.checkpoint import file_sha256


@pytest.fixture
def tensors():
    torch.manual_seed(2)
    return {name: values.half().contiguous() for name, values in Head().state_dict().items()}


@pytest.fixture
def path(tmp_path, tensors):
    path = tmp_path / "droplet_head.safetensors"
    save_file(tensors, path, metadata={"head": json.dumps({"thresholds": {"heat": 0.4, "inner_heat": 0.2}})})
    return path


def test_head_and_thresholds_come_back(path, tensors):
    weights = load_head(path)
    assert weights.thresholds == Thresholds(heat=0.4, inner_heat=0.2)
    for name, values in weights.head.state_dict().items():
        assert values.dtype == torch.float32
        assert torch.equal(values, tensors[name].float())


def test_without_thresholds_the_usual_ones_hold(tmp_path, tensors):
    save_file(tensors, tmp_path / "plain.safetensors")
    thresholds = load_head(tmp_path / "plain.safetensors").thresholds
    assert thresholds == Thresholds()


def test_a_missing_file_is_refused_and_its_folder_is_not_told(tmp_path):
    path = tmp_path / "none.safetensors"
    for read in (lambda: load_head(path), HeadFile(path, None).info):
        with pytest.raises(ModelUnavailable, match=r"^none.safetensors is missing.*git checkout") as refusal:
            read()
        assert str(tmp_path) not in refusal.value.message


@pytest.mark.parametrize("data", [b"", b"not a header", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_file_is_refused(tmp_path, data):
    path = tmp_path / "half.safetensors"
    path.write_bytes(data)
    with pytest.raises(ModelUnavailable, match=r"half\.safetensors (is damaged|holds another network)"):
        load_head(path)


def test_another_network_is_refused(tmp_path, tensors):
    tensors.pop("lateral16.weight")
    save_file(tensors, tmp_path / "other.safetensors")
    with pytest.raises(ModelUnavailable, match="holds another network"):
        load_head(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    "described", ["[]", "{", '{"thresholds": {"heat": "high"}}', '{"thresholds": {"hate": 0.3}}']
)
def test_metadata_that_mean_nothing_are_refused(tmp_path, tensors, described):
    save_file(tensors, tmp_path / "odd.safetensors", metadata={"head": described})
    with pytest.raises(ModelUnavailable, match="holds another network"):
        load_head(tmp_path / "odd.safetensors")


class TestHeadFile:
    def test_the_right_file_is_told_by_its_hash(self, path):
        sha256 = file_sha256(path)
        info = HeadFile(path, sha256).info()
        assert (info.name, info.sha256, info.verified) == ("droplet_head.safetensors", sha256, True)

    def test_a_wrong_file_is_refused_with_what_to_do(self, path):
        with pytest.raises(ModelUnavailable, match=r"expected sha256 0000, found .*git checkout"):
            HeadFile(path, "0000").info()

    def test_a_head_of_another_training_if_it_is_wanted(self, path):
        assert not HeadFile(path, "0000", accept_unknown=True).info().verified
        assert not HeadFile(path, None).info().verified

    def test_a_file_is_read_once_until_it_changes(self, path, monkeypatch):
        reads = []
        monkeypatch.setattr(
            "droplets.finding.weights.file_sha256", lambda *a: reads.append(1) or file_sha256(*a)
        )
        file = HeadFile(path, None)
        first = [file.info().sha256 for _ in range(3)]
        assert len(reads) == 1
        path.write_bytes(path.read_bytes() + b" ")
        assert file.info().sha256 != first[0]
        assert len(reads) == 2

    def test_a_file_that_comes_later_is_seen(self, path):
        data = path.read_bytes()
        path.unlink()
        file = HeadFile(path, None)
        with pytest.raises(ModelUnavailable):
            file.info()
        path.write_bytes(data)
        assert file.info().sha256


def test_the_manifest_names_the_head(tmp_path):
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"sources": [], "head": {"sha256": "abc"}}')
    assert known_head(manifest) == "abc"
    manifest.write_text('{"sources": []}')
    assert known_head(manifest) is None
