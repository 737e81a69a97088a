"""What the tests of the containers stand on; needs no engine."""

from __future__ import annotations

import os
import urllib.error
import urllib.request

import pytest

from tests.e2e import firewall, images, pip_settings
from tests.e2e.engine import Engine

BEFORE = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
"""
DURING = """\
*filter
:INPUT ACCEPT [12:800]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -p tcp --dport 443 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -i br-0123456789ab -o br-0123456789ab -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
"""
FULL_DISK = """\
#!/bin/sh
case "$1 $2" in
    "image inspect") [ "$3" = --format ];;  # the base image is there, no stage is
    "image prune") ;;
    *) echo "write /opt/venv/lib: no space left on device" >&2; exit 1;;
esac
"""


@pytest.fixture
def full(tmp_path) -> Engine:
    """An engine whose disk is full."""
    command = tmp_path / "bin" / "docker"
    command.parent.mkdir()
    command.write_text(FULL_DISK)
    command.chmod(0o755)
    return Engine({"PATH": f"{command.parent}:{os.environ['PATH']}"}, own=True)


def test_the_packet_filter_loses_dockers_rules_and_keeps_all_others():
    after = firewall.without_docker(DURING, firewall.policies(BEFORE)).splitlines()
    assert after == [*BEFORE.splitlines()[:4], "-A INPUT -p tcp --dport 443 -j ACCEPT", "COMMIT"]


def test_pips_folders_are_served_and_its_files_are_copied(tmp_path):
    wheels, simple, limits = tmp_path / "wheels", tmp_path / "index" / "simple", tmp_path / "limits.txt"
    wheels.mkdir()
    simple.mkdir(parents=True)
    limits.write_text("torch<3\n")
    (tmp_path / "index" / "a.whl").write_text("wheel")
    settings = pip_settings.read_settings(
        f":env:.find-links='{wheels}'\n"
        f"global.extra-index-url='{simple.as_uri()} https://index.example/simple'\n"
        f"global.constraint='{limits}'\n"
        "global.find-links='/nowhere'\n"
        "global.no-color='true'\n"
    )
    address = f"http://127.0.0.1:{pip_settings.PORT}"
    assert settings.options == {
        "constraint": "/etc/pip/0-limits.txt",
        "extra-index-url": f"{address}/0/simple/ https://index.example/simple",
        "find-links": f"{address}/1/",
    }
    assert settings.files == {"0-limits.txt": limits}
    assert settings.folders == [simple.parent, wheels]


def test_only_the_served_folders_can_be_read(tmp_path):
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "a.whl").write_text("wheel")
    (tmp_path / "secret").write_text("secret")
    with pip_settings.served([tmp_path / "index"], port=0) as address:
        assert urllib.request.urlopen(f"{address}/0/a.whl").read() == b"wheel"  # noqa: S310
        for path in ("/0/../secret", "/1/a.whl", "/secret", "/-1/a.whl"):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(address + path)  # noqa: S310


def test_stages_and_images_of_a_dockerfile_are_told_apart():
    text = "FROM python:3.11-slim AS builder\nRUN true\nfrom --platform=linux/amd64 a/b:1\nFROM builder\n"
    found = [(stage["image"], stage["name"]) for stage in images.STAGE.finditer(text)]
    assert found == [("python:3.11-slim", "builder"), ("a/b:1", None), ("builder", None)]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [(0, "no space left on device"), (2**60, r"GiB are free in .*, the first build takes")],
)
def test_an_image_that_the_disk_cannot_take_is_no_failure(full, tmp_path, monkeypatch, asked, reason):
    (tmp_path / "Dockerfile").write_text("FROM python:3.11-slim AS builder\nFROM builder\n")
    monkeypatch.setattr(images, "CACHE", tmp_path)
    monkeypatch.setattr(images, "FREE_BYTES", asked)
    with pytest.raises(images.NoImage, match=reason):
        images.build(full, {"build": {"context": str(tmp_path)}, "image": "sam-droplets:local"})
