"""The real npm client against a registry of one package on this machine."""

import base64
import hashlib
import io
import json
import os
import tarfile

import pytest

from model import npm
from model.download import SourceUnavailable

SPEC = "small@1.0.0"


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def integrity_of(content: bytes) -> str:
    return f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"


TARBALL = packed({"package.json": b'{"name": "small", "version": "1.0.0"}', "dist/a.onnx": b"weights"})


@pytest.fixture
def registry(server, monkeypatch, tmp_path):
    """The server as npm's registry, and an npm without the user's settings."""
    dist = {"tarball": f"{server.address}/small.tgz", "integrity": integrity_of(TARBALL)}
    version = {"name": "small", "version": "1.0.0", "dist": dist}
    entry = {"name": "small", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    server.files = {"/small": json.dumps(entry).encode(), "/small.tgz": TARBALL}
    monkeypatch.setenv("npm_config_registry", server.address)
    monkeypatch.setenv("npm_config_userconfig", os.devnull)
    return server


def test_package_is_kept(registry, tmp_path):
    first = npm.fetch_package(SPEC, integrity_of(TARBALL), tmp_path)
    assert first.read_bytes() == TARBALL
    asked = len(registry.requests)
    assert npm.fetch_package(SPEC, integrity_of(TARBALL), tmp_path) == first
    assert len(registry.requests) == asked
    assert [file.name for file in tmp_path.iterdir()] == ["small-1.0.0.tgz"]


def test_damaged_package_is_fetched_again(registry, tmp_path):
    (tmp_path / "small-1.0.0.tgz").write_bytes(TARBALL[:50])
    assert npm.fetch_package(SPEC, integrity_of(TARBALL), tmp_path).read_bytes() == TARBALL


def test_other_package_than_pinned_is_refused(registry, tmp_path):
    with pytest.raises(SourceUnavailable, match="wrong package: expected sha512-AAAA, found sha512-"):
        npm.fetch_package(SPEC, "sha512-AAAA", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unknown_package(registry, tmp_path):
    with pytest.raises(SourceUnavailable, match=r"npm pack failed: .*404"):
        npm.fetch_package("none@1.0.0", "sha512-AAAA", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_unreachable_registry_is_named_as_the_reason(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    with pytest.raises(SourceUnavailable, match=r"npm pack failed: .*ECONNREFUSED"):
        npm.fetch_package(SPEC, "sha512-AAAA", tmp_path)


def test_without_npm_it_comes_from_pypi(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        tarball = npm.fetch_package(SPEC, integrity_of(TARBALL), tmp_path)
    except SourceUnavailable as error:
        if os.environ.get("CI") or not str(error).startswith("pip install"):
            raise
        pytest.skip(f"PyPI cannot be reached: {error}")
    assert tarball.read_bytes() == TARBALL
    assert [file.name for file in tmp_path.iterdir()] == ["small-1.0.0.tgz"]


def test_members(tmp_path):
    (tmp_path / "small.tgz").write_bytes(TARBALL)
    assert npm.read_member(tmp_path / "small.tgz", "dist/a.onnx") == b"weights"
    with pytest.raises(SourceUnavailable, match=r"small\.tgz has no dist/b\.onnx"):
        npm.read_member(tmp_path / "small.tgz", "dist/b.onnx")
