"""Headers of every answer, and redirects, as browsers and proxies get them."""

from __future__ import annotations

import base64

import pytest

from tests.conftest import HEALTH_KEY, KEY

TLS = {"X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/health", {}),
        ("/health/live", {"X-Health-Key": HEALTH_KEY}),
        ("/defaults", {"X-API-Key": KEY}),
        ("/defaults", {}),
        ("/admin/stats", {}),
        ("/nowhere", {}),
    ],
)
def test_what_is_told_is_stored_nowhere_and_taken_for_nothing_else(client, path, headers):
    answer = client.get(path, headers=headers)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Strict-Transport-Security" not in answer.headers


def test_results_and_pictures_are_stored_nowhere(client, discs):
    body = {"image": base64.b64encode(discs).decode()}
    for path in ("/analyze_image", "/preview"):
        answer = client.post(path, json=body, headers={"X-API-Key": KEY})
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/docs", "/admin/"])
def test_a_page_stands_alone_and_asks_for_no_device(client, path):
    headers = client.get(path).headers
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_files_may_be_kept(client):
    for path in ("/static/css/page.css", "/sample.png", "/docs/assets/swagger-ui.css"):
        with client.get(path) as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_behind_tls_browsers_stay_there(make_app):
    client = make_app(trusted_proxy_hops=1).test_client()
    assert client.get("/", headers=TLS).headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in client.get("/").headers
    untrusting = make_app().test_client()
    assert "Strict-Transport-Security" not in untrusting.get("/", headers=TLS).headers


@pytest.mark.parametrize("path", ["/admin", "//health", "//evil.example//admin", "/admin?a=b"])
def test_a_redirect_is_json_and_stays_on_this_service(client, path):
    answer = client.get(path, headers={"Host": "evil.example"})
    if answer.status_code == 404:
        return
    assert answer.status_code == 308
    assert answer.json["error"] == "moved"
    assert answer.headers["Location"].startswith("/")
    assert not answer.headers["Location"].startswith("//")
    assert "evil" not in answer.text or "evil" in path
