"""The charts' JavaScript: kept where it is right, else fetched from npm."""

from __future__ import annotations

import os

import pytest

from web import plotly


@pytest.fixture
def closed_registry(monkeypatch):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_userconfig", os.devnull)


def test_a_file_that_is_right_is_kept(plotly_bundle, tmp_path, closed_registry):
    bundle = tmp_path / "plotly.min.js"
    bundle.write_bytes(plotly_bundle)
    plotly.fetch(bundle)
    assert plotly.read(bundle) == plotly_bundle


def test_a_file_that_is_wrong_is_replaced(plotly_bundle, tmp_path):
    bundle = tmp_path / "plotly.min.js"
    bundle.write_bytes(plotly_bundle[:-1])
    assert plotly.read(bundle) is None
    plotly.fetch(bundle)
    assert bundle.read_bytes() == plotly_bundle
    assert [file.name for file in tmp_path.iterdir()] == ["plotly.min.js"]


def test_the_command_says_why_it_cannot_be_had(tmp_path, monkeypatch, closed_registry, capsys):
    monkeypatch.setattr(plotly.fetch, "__defaults__", (tmp_path / "plotly.min.js",))
    assert plotly.main() == 1
    assert f"plotly.js-basic-dist-min@{plotly.VERSION}: npm pack failed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_it_is_the_version_that_it_says(plotly_bundle):
    assert f"v{plotly.VERSION}\n".encode() in plotly_bundle[:100]
