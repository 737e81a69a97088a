"""Keys, limits, uploads and usage as the decorators enforce them."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
import time_machine

from api.plumbing.services import services
from auth_middleware import require_admin_key, require_api_key, track_usage, validate_file_upload
from store.sqlite import SQLiteStorage
from store.usage import KEYLESS_AN_HOUR
from tests.conftest import ADMIN_KEY, HEALTH_KEY, KEY, OFF_KEY, SMALL_KEY, png
from tests.store.backends import written


def get(client, key=None, path="/defaults"):
    return client.get(path, headers={} if key is None else {"X-API-Key": key})


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (None, "X-API-Key header"),
        ("", "X-API-Key header"),
        ("nobody's key", "not known"),
        (KEY[:-1], "not known"),
        (KEY + " x", "not known"),
        ("schlüssel", "not known"),
        ("x" * 5000, "not known"),
        (OFF_KEY, "disabled"),
    ],
)
def test_a_missing_unknown_or_disabled_key_is_401(client, key, reason):
    answer = get(client, key)
    assert answer.status_code == 401
    assert reason in answer.json["message"]
    assert answer.json["success"] is False
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert "X-RateLimit-Limit" not in answer.headers


@pytest.mark.parametrize("path", ["/segment", "/segment_file", "/analyze_image"])
def test_every_picture_route_asks_for_a_key_before_it_reads_anything(client, path):
    assert client.post(path, data=b"\0" * 100).status_code == 401


def test_a_known_key_passes_with_limit_headers(client):
    with time_machine.travel(1_000_000_000, tick=False):
        answer = get(client, SMALL_KEY)
    assert answer.status_code == 200
    assert answer.headers["X-RateLimit-Limit"] == "3"
    assert answer.headers["X-RateLimit-Remaining"] == "2"
    assert answer.headers["X-RateLimit-Reset"] == "1000003600"


def test_a_key_of_other_letters_than_ascii(make_app):
    app = make_app(api_keys="schlüssel-für-ada:Ada:5")
    header = "schlüssel-für-ada".encode().decode("latin-1")  # how WSGI hands on UTF-8
    assert get(app.test_client(), header).status_code == 200


def test_a_key_stored_as_its_digest(make_app):
    app = make_app(api_keys=f"sha256${hashlib.sha256(KEY.encode()).hexdigest()}:Ada:5")
    assert get(app.test_client(), KEY).status_code == 200
    assert get(app.test_client(), f"sha256${hashlib.sha256(KEY.encode()).hexdigest()}").status_code == 401


def test_the_request_over_the_limit_is_429_until_the_window_slides(client):
    with time_machine.travel(1_000_000_000, tick=False) as clock:
        for remaining in ("2", "1", "0"):
            assert get(client, SMALL_KEY).headers["X-RateLimit-Remaining"] == remaining
            clock.shift(10)
        refused = get(client, SMALL_KEY)
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "3570"
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert refused.headers["X-RateLimit-Reset"] == "1000003600"
        assert get(client, KEY).status_code == 200  # another key's window is its own
        clock.shift(3570)
        assert get(client, SMALL_KEY).status_code == 200
        assert get(client, SMALL_KEY).status_code == 429


def test_a_restarted_service_remembers(make_app):
    for _ in range(3):
        assert get(make_app().test_client(), SMALL_KEY).status_code == 200
    assert get(make_app().test_client(), SMALL_KEY).status_code == 429


def test_a_malformed_request_counts_and_keeps_its_headers(client):
    answer = client.post("/segment", data=b"no json", headers={"X-API-Key": SMALL_KEY})
    assert answer.status_code == 400
    assert answer.headers["X-RateLimit-Remaining"] == "2"


def test_a_store_that_fails_is_503_not_500(app, client, monkeypatch):
    def broken(*_, **__):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(SQLiteStorage, "acquire_entry", broken)
    monkeypatch.setattr(SQLiteStorage, "check", lambda _: False)
    for answer in (get(client, KEY), client.get("/admin/stats", headers={"X-Admin-Key": ADMIN_KEY})):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert answer.json["error"] == "store unavailable"
        assert "disk" not in answer.text


class TestPlaces:
    """Of a worker's bodies: two keys have half of them each at most."""

    def test_one_key_leaves_places_to_the_others_and_is_not_charged_for_the_refusal(self, app, client):
        uploads, most = services(app).uploads, services(app).settings.threads - 4
        with ExitStack() as held:
            for _ in range(most // 2):
                held.enter_context(uploads.place("Bob", 10))
            for _ in range(2):
                refused = client.post("/segment", data=b"no json", headers={"X-API-Key": SMALL_KEY})
                assert (refused.status_code, refused.json["error"]) == (503, "busy")
                assert "This key" in refused.json["message"]
                assert refused.headers["X-RateLimit-Remaining"] == "3"
            assert client.post("/segment", data=b"no json", headers={"X-API-Key": KEY}).status_code == 400
        answer = client.post("/segment", data=b"no json", headers={"X-API-Key": SMALL_KEY})
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (400, "2")

    def test_all_bodies_together_have_so_many_bytes(self, app, client):
        largest = app.config["MAX_CONTENT_LENGTH"]
        with ExitStack() as held:
            for name in "abcd":
                held.enter_context(services(app).uploads.place(name, largest))
            refused = client.post("/segment", data=b"no json", headers={"X-API-Key": KEY})
            assert refused.status_code == 503
            assert "uploads" in refused.json["message"]
            assert client.get("/defaults", headers={"X-API-Key": KEY}).status_code == 200


class TestAdmin:
    def test_the_right_key(self, client):
        assert client.get("/admin/stats", headers={"X-Admin-Key": ADMIN_KEY}).status_code == 200

    @pytest.mark.parametrize("key", [None, "", "wrong", KEY, "schlüssel"])
    def test_any_other_is_403(self, client, key):
        headers = {} if key is None else {"X-Admin-Key": key}
        for path in ("/admin/stats", "/admin/health"):
            answer = client.get(path, headers=headers)
            assert answer.status_code == 403
            assert "levels" not in answer.text

    def test_without_an_admin_key_the_routes_are_off(self, make_app):
        client = make_app(admin_api_key=None).test_client()
        answer = client.get("/admin/stats", headers={"X-Admin-Key": "None"})
        assert answer.status_code == 403
        assert "ADMIN_API_KEY" in answer.json["message"]

    def test_guessing_has_a_limit_of_its_own(self, client):
        with time_machine.travel(1_000_000_000, tick=False) as clock:
            for _ in range(10):
                assert client.get("/admin/stats", headers={"X-Admin-Key": "guess"}).status_code == 403
            refused = client.get("/admin/stats", headers={"X-Admin-Key": ADMIN_KEY})
            assert refused.status_code == 429
            assert int(refused.headers["Retry-After"]) == 300
            clock.shift(300)
            assert client.get("/admin/stats", headers={"X-Admin-Key": ADMIN_KEY}).status_code == 200

    def test_guesses_sent_at_once_have_the_same_limit(self, app):
        def guess(_: int) -> int:
            return app.test_client().get("/admin/stats", headers={"X-Admin-Key": "guess"}).status_code

        with ThreadPoolExecutor(30) as pool:
            statuses = list(pool.map(guess, range(60)))
        assert (statuses.count(403), statuses.count(429)) == (10, 50)

    def test_the_right_key_is_not_counted(self, client):
        for _ in range(20):
            assert client.get("/admin/stats", headers={"X-Admin-Key": ADMIN_KEY}).status_code == 200


class TestWrongApiKeys:
    def ask(self, client, key, address="203.0.113.7"):
        return client.get("/defaults", headers={"X-API-Key": key}, environ_overrides={"REMOTE_ADDR": address})

    def test_guessing_is_slowed_and_nobody_who_works_there_is(self, client):
        with time_machine.travel(1_000_000_000, tick=False) as clock:
            assert self.ask(client, KEY).status_code == 200
            statuses = [self.ask(client, f"guess number {i}").status_code for i in range(30)]
            assert statuses == [401] * 10 + [429] * 20
            assert self.ask(client, KEY).status_code == 200  # it has passed there before
            told = self.ask(client, SMALL_KEY)
            assert (told.status_code, told.headers["Retry-After"]) == (429, "300")
            assert "then send the right one" in told.json["message"]
            assert self.ask(client, SMALL_KEY, "203.0.113.8").status_code == 200
            clock.shift(301)
            assert self.ask(client, SMALL_KEY).status_code == 200

    def test_a_clock_set_back_by_a_day_makes_nobody_wait_for_a_day(self, client):
        with time_machine.travel(1_000_000_000, tick=False) as clock:
            assert [self.ask(client, "guess").status_code for _ in range(11)] == [401] * 10 + [429]
            clock.shift(-86_400)
            told = self.ask(client, "guess")
            assert told.status_code == 429  # it is still known for its guesses
            assert int(told.headers["Retry-After"]) <= 300
            clock.shift(301)
            assert self.ask(client, KEY).status_code == 200

    def test_who_goes_on_guessing_costs_the_store_nothing(self, app, client, monkeypatch):
        asked = []
        acquire = SQLiteStorage.acquire_entry
        monkeypatch.setattr(SQLiteStorage, "acquire_entry", lambda *given: asked.append(1) or acquire(*given))
        for _ in range(100):
            self.ask(client, "guess")
        assert len(asked) == 10

    def test_an_ipv6_client_is_its_network(self, client):
        for i in range(10):
            assert self.ask(client, "guess", f"2001:db8:1:2::{i:x}").status_code == 401
        assert self.ask(client, KEY, "2001:db8:1:2:ffff::1").status_code == 429
        assert self.ask(client, KEY, "2001:db8:1:3::1").status_code == 200
        for address in ("::ffff:203.0.113.9", "203.0.113.9"):
            for _ in range(5):
                assert self.ask(client, "guess", address).status_code == 401
        assert self.ask(client, "guess", "203.0.113.9").status_code == 429


class TestUpload:
    def post(self, client, **data):
        return client.post("/segment_file", data=data, headers={"X-API-Key": KEY})

    def test_no_file(self, client):
        assert self.post(client).status_code == 400
        assert self.post(client, picture=(io.BytesIO(b"x"), "a.png")).status_code == 400

    def test_two_files(self, client):
        files = [(io.BytesIO(b"x"), "a.png"), (io.BytesIO(b"y"), "b.png")]
        assert self.post(client, file=files).status_code == 400

    def test_an_empty_file(self, client):
        answer = self.post(client, file=(io.BytesIO(b""), "a.png"))
        assert answer.status_code == 400
        assert "empty" in answer.json["message"]

    def test_the_type_is_told_by_content_not_name(self, client):
        answer = self.post(client, file=(io.BytesIO(b"<html>hello</html>" * 10), "a.png"))
        assert answer.status_code == 415

    @pytest.mark.parametrize(("data", "status"), [(b"", 400), (b"<html>" * 10, 415), (b"\0" * 20_000, 413)])
    def test_a_second_file_is_checked_as_the_first(self, make_app, data, status):
        client = make_app(max_file_size_mb=0.01).test_client()
        small = png(np.zeros((16, 16), np.uint8))
        second = (io.BytesIO(data), "b.png")
        answer = self.post(client, file=(io.BytesIO(small), "a.png"), fluorescence=second)
        assert answer.status_code == status
        if status != 415:
            assert "fluorescence" in answer.json["message"]

    def test_a_file_over_the_limit(self, make_app, discs):
        client = make_app(max_file_size_mb=0.01).test_client()
        assert self.post(client, file=(io.BytesIO(discs + b"\0" * 20_000), "a.png")).status_code == 413
        answer = client.post(
            "/segment_file",
            data=b"\0" * 3_000_000,
            content_type="multipart/form-data; boundary=x",
            headers={"X-API-Key": KEY},
        )
        assert answer.status_code == 413  # over the whole body's limit, found from its length
        assert answer.is_json


def test_usage_is_recorded_whatever_the_answer(app, client):
    get(client, KEY)
    get(client, "nobody")
    client.post("/segment", data=b"no json", headers={"X-API-Key": KEY})
    for _ in range(4):
        get(client, SMALL_KEY)
    services(app).auth.usage.flush()
    records = written(services(app).store.usage)
    assert [(r.key_name, r.endpoint, r.status) for r in records] == [
        ("Ada", "/defaults", 200),
        ("", "/defaults", 401),
        ("Ada", "/segment", 400),
        *[("Bob", "/defaults", 200)] * 3,
        ("Bob", "/defaults", 429),
    ]
    assert records[2].bytes == 7
    assert all(r.processing_ms >= 0 for r in records)


def test_requests_without_a_key_push_no_records_out(app, client):
    for _ in range(KEYLESS_AN_HOUR + 50):
        get(client)
    get(client, KEY)
    services(app).auth.usage.flush()
    names = [record.key_name for record in written(services(app).store.usage)]
    assert (names.count(""), names.count("Ada")) == (KEYLESS_AN_HOUR, 1)


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_loses_no_record_and_no_hit_of_the_hour(app, client, days):
    with time_machine.travel(1_000_000_000, tick=False) as clock:
        for _ in range(KEYLESS_AN_HOUR + 1):
            get(client)
        assert [get(client, SMALL_KEY).status_code for _ in range(4)] == [200, 200, 200, 429]
        clock.shift(86_400 * days)
        get(client)
        last = get(client, SMALL_KEY)
        services(app).auth.usage.flush()
    # Set back, what was used counts as used now; set forward, the hour is over.
    assert last.status_code == (429 if days < 0 else 200)
    names = [record.key_name for record in written(services(app).store.usage)]
    assert (names.count(""), names.count("Bob")) == (KEYLESS_AN_HOUR + 1, 5)


def test_a_claimed_length_that_no_store_can_hold_does_not_stop_the_records(app, client):
    client.post("/segment", environ_overrides={"CONTENT_LENGTH": str(10**30)})
    get(client, KEY)
    services(app).auth.usage.flush()
    records = written(services(app).store.usage)
    assert [r.status for r in records] == [401, 200]
    assert records[0].bytes == app.config["MAX_CONTENT_LENGTH"]


@pytest.mark.model
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_key_never_appears_in_the_logs(make_app, tmp_path, log_format):
    """Also not where code by mistake logs it, or an exception carries it."""
    log_file = tmp_path / "logs" / "sam.log"
    app = make_app(log_file=log_file, log_format=log_format, log_level="DEBUG")

    @app.get("/leak")
    @track_usage
    @require_api_key
    def leak():
        logging.getLogger("some.library").warning("headers: X-API-Key=%s", KEY)
        raise RuntimeError(f"no such key: {KEY}")

    client = app.test_client()
    answer = client.get("/leak", headers={"X-API-Key": KEY})
    assert answer.status_code == 500
    assert KEY not in answer.text
    assert "Traceback" not in answer.text
    get(client, KEY[:-1])
    client.get("/health", headers={"X-Health-Key": HEALTH_KEY})
    client.get(f"/nowhere?key={KEY}", headers={"X-Admin-Key": ADMIN_KEY})
    client.get("/admin/stats", headers={"X-Admin-Key": ADMIN_KEY + "x"})
    written = log_file.read_text()
    for secret in (KEY, KEY[:-1], HEALTH_KEY, ADMIN_KEY):
        assert secret not in written
    assert "[redacted]" in written
    assert "RuntimeError" in written
    assert "wrong key" in written
    if log_format == "json":
        lines = [json.loads(line) for line in written.splitlines()]
        assert any(line.get("key_name") == "Ada" and line.get("status") == 500 for line in lines)


def test_the_decorators_keep_the_views_name():
    def view():
        """What it does."""

    for decorate in (require_api_key, require_admin_key, validate_file_upload, track_usage):
        assert decorate(view).__name__ == "view"
        assert decorate(view).__doc__ == "What it does."
