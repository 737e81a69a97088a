"""Right checkpoints load, wrong ones are refused with a message that helps."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from droplets.errors import ModelUnavailable
from droplets.sam.checkpoint import (
    KnownCheckpoint,
    build_sam,
    file_sha256,
    known_checkpoints,
    load_sam,
    read_tensors,
    tensor_sha256,
    verify,
)


@pytest.fixture(scope="module")
def trained():
    """MobileSAM whose BatchNorms and attention biases are not at their initial values."""
    random = torch.Generator().manual_seed(0)
    sam = build_sam()
    with torch.no_grad():
        for name, module in sam.named_modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                for values in (module.weight, module.running_var):
                    values.uniform_(0.5, 1.5, generator=random)
                for values in (module.bias, module.running_mean):
                    values.normal_(0, 0.1, generator=random)
            elif name.endswith(".attn"):
                module.attention_biases.normal_(0, 1, generator=random)
    return sam.eval()


@pytest.fixture(scope="module")
def checkpoint(trained, tmp_path_factory) -> Path:
    """A file of the official layout."""
    path = tmp_path_factory.mktemp("checkpoint") / "mobile_sam.pt"
    torch.save(trained.state_dict(), path)
    return path


def test_official_layout_loads_whole(trained, checkpoint):
    loaded = load_sam(checkpoint)
    for group in ("named_parameters", "named_buffers"):  # buffers: also those that no file holds
        expected, found = dict(getattr(trained, group)()), dict(getattr(loaded, group)())
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_official_layout_gives_the_same_output(trained, checkpoint):
    block = load_sam(checkpoint).image_encoder.layers[1].blocks[0]  # attention and a Conv2d_BN
    tokens = torch.randn(1, 128 * 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = trained.image_encoder.layers[1].blocks[0](tokens)
        torch.testing.assert_close(block(tokens), expected)


def test_model_is_in_eval_mode(checkpoint):
    assert not any(module.training for module in load_sam(checkpoint).modules())


def test_known_by_its_bytes(checkpoint):
    digest = file_sha256(checkpoint)
    info = verify(checkpoint, [KnownCheckpoint("github", sha256=digest)])
    assert (info.name, info.source, info.sha256, info.verified) == ("mobile_sam.pt", "github", digest, True)


def test_known_by_its_tensors_whatever_its_bytes(checkpoint, tmp_path):
    tensors = read_tensors(checkpoint)
    other = tmp_path / "other.pt"
    torch.save(dict(reversed(tensors.items())), other)
    assert file_sha256(other) != file_sha256(checkpoint)
    info = verify(other, [KnownCheckpoint("npm", tensor_sha256=tensor_sha256(tensors))])
    assert (info.source, info.sha256, info.verified) == ("npm", file_sha256(other), True)


KNOWN = [KnownCheckpoint("github", sha256="ab" * 32), KnownCheckpoint("npm", tensor_sha256="cd" * 32)]


def test_unknown_is_refused_and_told_what_was_expected(checkpoint):
    with pytest.raises(ModelUnavailable) as refusal:
        verify(checkpoint, KNOWN)
    remedies = ("sam-droplet fetch-model", "python -m model.fetch")
    for part in ("mobile_sam.pt", "ab" * 32, "cd" * 32, file_sha256(checkpoint), *remedies):
        assert part in refusal.value.message
    assert str(checkpoint.parent) not in refusal.value.message


def test_unknown_is_taken_where_that_is_allowed(checkpoint):
    info = verify(checkpoint, KNOWN, allow_unverified=True)
    assert (info.source, info.verified) == ("unknown", False)


class _Code:
    """Creates a file when it is unpickled."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self):
        return Path.touch, (self.victim,)


def _to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGED = {  # what happens to a file of named tensors
    "missing": lambda path: path.unlink(),
    "folder": _to_folder,
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "text": lambda path: path.write_text("<!DOCTYPE html><title>Sign in</title>"),
    "code": lambda path: torch.save({"weight": _Code(path.with_name("victim"))}, path),
    "bare pickle with code": lambda path: path.write_bytes(pickle.dumps(_Code(path.with_name("victim")))),
    "not a mapping": lambda path: torch.save([torch.zeros(1)], path),
    "not tensors": lambda path: torch.save({"epoch": 3}, path),
}


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("read", [load_sam, lambda path: verify(path, KNOWN, allow_unverified=True)])
def test_damaged_is_refused(kind, read, tmp_path):
    path = tmp_path / "mobile_sam.pt"
    torch.save({"weight": torch.zeros(1000)}, path)
    DAMAGED[kind](path)
    with pytest.raises(ModelUnavailable, match=r"mobile_sam\.pt is (missing|damaged)") as refusal:
        read(path)
    assert str(tmp_path) not in refusal.value.message
    assert not (tmp_path / "victim").exists()


def test_weights_of_another_model_are_refused(checkpoint, tmp_path):
    tensors = read_tensors(checkpoint)
    tensors["mask_decoder.iou_token.weight"] = torch.zeros(1, 128)
    torch.save(tensors, tmp_path / "other.pt")
    with pytest.raises(ModelUnavailable, match="another model, expected MobileSAM"):
        load_sam(tmp_path / "other.pt")


def test_tensor_hash_sees_names_types_shapes_and_values():
    tensors = {"a": torch.zeros(2, 3), "b": torch.ones(2)}
    variants = [
        {"c": torch.zeros(2, 3), "b": torch.ones(2)},
        {"a": torch.zeros(2, 3, dtype=torch.int32), "b": torch.ones(2)},
        {"a": torch.zeros(2, 3, dtype=torch.bfloat16), "b": torch.ones(2)},
        {"a": torch.zeros(3, 2), "b": torch.ones(2)},
        {"a": torch.zeros(2, 3), "b": torch.tensor([1.0, 2.0])},
    ]
    hashes = {tensor_sha256(each) for each in (tensors, *variants)}
    assert len(hashes) == 6


def test_tensor_hash_does_not_see_order_or_strides():
    values = torch.arange(6.0).reshape(2, 3)
    one = {"a": values, "b": torch.ones(2)}
    other = {"b": torch.ones(2), "a": values.T.contiguous().T}
    assert tensor_sha256(one) == tensor_sha256(other)


def test_known_checkpoints_are_read_from_the_manifest(tmp_path):
    manifest = tmp_path / "manifest.json"
    sources = [{"name": "a", "sha256": "12", "size": 1}, {"name": "b", "tensor_sha256": "34"}]
    manifest.write_text(json.dumps({"sources": sources}))
    assert known_checkpoints(manifest) == (KnownCheckpoint("a", "12"), KnownCheckpoint("b", None, "34"))


def test_loading_warns_of_nothing(checkpoint):
    code = "from pathlib import Path; from droplets.sam.checkpoint import load_sam; load_sam(Path({!r}))"
    command = [sys.executable, "-W", "error", "-c", code.format(str(checkpoint))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, "")
