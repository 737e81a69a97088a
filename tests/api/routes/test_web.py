"""The page's frame: headers, static files, nothing beyond them."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT


def test_the_page_may_load_nothing_from_elsewhere(client):
    answer = client.get("/", buffered=True)
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("address", ["/", "/static/css/theme.css", "/static/js/theme.js", "/sample.png"])
def test_unchanged_files_are_not_sent_again(client, address):
    first = client.get(address, buffered=True)
    assert first.status_code == 200
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]}, buffered=True)
    assert again.status_code == 304
    assert again.data == b""


def test_static_files_have_types_that_browsers_run(client):
    assert client.get("/static/js/theme.js", buffered=True).mimetype in (
        "text/javascript",
        "application/javascript",
    )
    assert client.get("/static/css/theme.css", buffered=True).mimetype == "text/css"
    assert client.get("/static/icon.svg", buffered=True).mimetype == "image/svg+xml"


@pytest.mark.parametrize(
    "name",
    ["../templates/base.html", "..%2f..%2fconfig.py", "/etc/passwd", "js", "", "none.js", "a" * 300, "a%00"],
)
def test_nothing_outside_the_static_folder_is_served(client, name):
    answer = client.get("/static/" + name, buffered=True)
    assert answer.status_code in (404, 308)
    assert b"import" not in answer.data


def test_the_sample_is_the_one_in_the_repository(client):
    assert client.get("/sample.png", buffered=True).data == (ROOT / "examples" / "droplets.png").read_bytes()


def test_templates_and_scripts_hold_nothing_that_the_policy_forbids():
    for path in [*(ROOT / "web").rglob("*.html"), *(ROOT / "web").rglob("*.svg")]:
        text = path.read_text()
        assert "style=" not in text
        assert "<style" not in text
        assert " onclick" not in text
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
