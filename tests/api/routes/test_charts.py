"""Plotly's JavaScript, served to the pages out of its Python package."""

from __future__ import annotations

import gzip
from importlib.metadata import version

from api.routes.charts import ADDRESS, BUNDLE


def test_it_is_sent_compressed_and_may_be_kept_for_good(client):
    answer = client.get(ADDRESS, headers={"Accept-Encoding": "gzip, br"})
    assert answer.status_code == 200
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == BUNDLE.read_bytes()
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_who_cannot_unpack_it_gets_it_plain(client):
    for accepted in ("", "gzip;q=0"):
        answer = client.get(ADDRESS, headers={"Accept-Encoding": accepted})
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.data == BUNDLE.read_bytes()


def test_its_address_names_the_version_and_no_other_version_is_there(client):
    assert version("plotly") in ADDRESS
    assert client.get("/charts/plotly-0.0.0.min.js").status_code == 404
    for page in ("/", "/admin/"):
        assert f'content="{ADDRESS}"' in client.get(page).text
