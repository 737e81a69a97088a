"""Nothing that a client sends changes what the log says of it, or where its lines end."""

from __future__ import annotations

import json
import logging

import pytest

from tests.conftest import KEY

CHOSEN = [
    "request",
    "GET",
    "e",
    "2026-11-28T",
    "api.plumbing.errors",
    "Traceback (most recent call last)",
    '"status"',
]


@pytest.mark.parametrize("word", CHOSEN)
def test_no_word_of_a_clients_choice_is_cut_out(make_app, tmp_path, word):
    client = make_app(log_file=tmp_path / "sam.log").test_client()
    for header in ("X-API-Key", "X-Admin-Key", "X-Health-Key", "Authorization", "Cookie"):
        client.get("/nowhere", headers={header: word})
    lines = [json.loads(line) for line in (tmp_path / "sam.log").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["request"] * 5
    for line in lines:
        assert "[redacted]" not in str(line)
        assert (line["method"], line["path"], line["status"]) == ("GET", "/nowhere", 404)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_request_is_one_line_without_terminal_commands(make_app, tmp_path, log_format):
    client = make_app(log_file=tmp_path / "sam.log", log_format=log_format).test_client()
    client.get("/a%0A%1B[31m{fake}%E2%80%A8%7F", headers={"X-API-Key": KEY})
    text = (tmp_path / "sam.log").read_text()
    assert len(text.splitlines()) == 1
    assert text.rstrip("\n").isprintable()
    assert "{fake}" in text


def test_a_key_in_a_librarys_line_is_cut_out(make_app, tmp_path):
    app = make_app(log_file=tmp_path / "sam.log")
    with app.test_request_context("/", headers={"X-API-Key": KEY}):
        logging.getLogger("some.library").warning("sent %s\nand more", KEY)
    line = json.loads((tmp_path / "sam.log").read_text())
    assert line["event"] == "sent [redacted]\\nand more"
