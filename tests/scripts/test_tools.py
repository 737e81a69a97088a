"""make tools: names what is missing, and leaves no policy behind."""

from __future__ import annotations

import os
import shutil

import pytest

from scripts import tools


def test_a_package_is_missing_if_its_command_is():
    packages = {"sh": "dash", "no-such-command-here": "nothing"}
    assert tools.missing(packages) == ["nothing"]


def test_who_is_not_root_is_told_the_names(monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(tools, "PACKAGES", {"no-such-command-here": "nothing", "nor-this": "else"})
    tools.main()
    assert capsys.readouterr().out.strip().endswith("nothing else")


def test_a_package_that_cannot_be_had_fails_nothing_and_keeps_no_other_away(monkeypatch, capsys, tmp_path):
    asked = []

    def apt_get(action: str, *packages: str) -> bool:
        asked.append((action, *packages))
        return False

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(
        tools.shutil, "which", lambda command, path=None: "x" if command == "apt-get" else None
    )
    monkeypatch.setattr(tools, "_apt_get", apt_get)
    monkeypatch.setattr(tools, "PACKAGES", {"one": "first", "two": "second"})
    monkeypatch.setattr(tools, "POLICY", tmp_path / "policy-rc.d")
    tools.main()
    assert asked == [("update",), ("install", "first", "second"), ("install", "first"), ("install", "second")]
    assert "some tests skip: first second" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("apt-cache") is None, reason="apt is not there")
def test_a_package_of_another_release_is_not_asked_for():
    assert tools.known(["dash", "no-such-package-here"]) == ["dash"]
    assert tools.known(["no-such-package-here"]) == ["no-such-package-here"]


def test_services_are_kept_from_starting_only_meanwhile(tmp_path):
    policy = tmp_path / "policy-rc.d"
    with tools.services_stopped(policy):
        assert os.access(policy, os.X_OK)
        assert "exit 101" in policy.read_text()
    assert not policy.exists()


def test_a_policy_that_is_there_stays(tmp_path):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    with tools.services_stopped(policy):
        assert "exit 0" in policy.read_text()
    assert "exit 0" in policy.read_text()
