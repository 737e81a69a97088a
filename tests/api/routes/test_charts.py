"""Plotly's JavaScript, served to the pages."""

from __future__ import annotations

import gzip

import pytest

from api.routes import charts
from api.routes.charts import ADDRESS
from web.plotly import VERSION

pytestmark = pytest.mark.usefixtures("plotly_bundle")


def test_it_is_sent_compressed_and_may_be_kept_for_good(client, plotly_bundle):
    answer = client.get(ADDRESS, headers={"Accept-Encoding": "gzip, br"})
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == plotly_bundle
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_who_cannot_unpack_it_gets_it_plain(client, plotly_bundle):
    for accepted in ("", "gzip;q=0"):
        answer = client.get(ADDRESS, headers={"Accept-Encoding": accepted})
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.data == plotly_bundle


def test_its_address_names_the_version_and_no_other_version_is_there(client):
    assert VERSION in ADDRESS
    assert client.get("/charts/plotly-0.0.0.min.js").status_code == 404
    for page in ("/", "/admin/"):
        assert f'content="{ADDRESS}"' in client.get(page).text


@pytest.fixture
def without_bundle(monkeypatch):
    caches = (charts._content, charts._packed, charts.plotly_map_styles)
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(charts, "read", lambda: None)
    yield
    for cached in caches:
        cached.cache_clear()


def test_the_pages_are_served_without_it(without_bundle, client):
    assert client.get(ADDRESS).status_code == 404
    for page in ("/", "/admin/"):
        assert client.get(page).status_code == 200
