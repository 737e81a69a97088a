"""The metrics as one process sees them, and the port that shows them."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from threading import Event

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.plumbing.auth import AUTH_FAILURES
from api.plumbing.services import services
from tests.conftest import ADMIN_KEY, HEALTH_KEY, KEY, OFF_KEY, ROOT, SMALL_KEY

PORT = 9464
INTERNAL = f"http://localhost:{PORT}"


@pytest.fixture
def client(make_app):
    return make_app(metrics_port=PORT).test_client()


def scrape(client) -> str:
    answer = client.get("/metrics", base_url=INTERNAL)
    assert answer.status_code == 200
    return answer.text


def samples(client) -> dict[tuple, float]:
    """Values by name and label values, those in the labels' alphabetical order."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(scrape(client))
        for sample in family.samples
    }


def get(client, path="/defaults", key=KEY):
    return client.get(path, headers={"X-API-Key": key} if key else {})


def test_answers_are_counted_by_endpoint_method_and_status(client):
    for key in (KEY, KEY, None):
        get(client, key=key)
    values = samples(client)
    assert values["sam_requests_total", "/defaults", "GET", "200"] == 2
    assert values["sam_requests_total", "/defaults", "GET", "401"] == 1
    assert values["sam_request_seconds_count", "/defaults"] == 3
    assert values["sam_request_seconds_sum", "/defaults"] > 0


def test_unknown_paths_and_methods_make_one_series(client):
    for i in range(100):
        client.get(f"/nowhere/{i}")
        client.open("/health", method=f"M{i}")
    names = {labels[1:] for labels in samples(client) if labels[0] == "sam_requests_total"}
    assert names == {("unmatched", "GET", "404"), ("unmatched", "other", "405")}


def test_rate_limits_and_refused_keys_are_counted(make_app):
    client = make_app(metrics_port=PORT).test_client()
    before = samples(client)
    assert [before["sam_rate_limited_total", name] for name in ("Ada", "Bob", "Eve")] == [0, 0, 0]
    assert [before["sam_auth_failures_total", reason] for reason in AUTH_FAILURES] == [0] * len(AUTH_FAILURES)
    for _ in range(5):
        get(client, key=SMALL_KEY)
    for key in (None, "nobody", OFF_KEY):
        get(client, key=key)
    client.get("/admin/stats")
    client.get("/health", headers={"X-Health-Key": "guess"})
    for _ in range(11):
        client.get("/admin/stats", headers={"X-Admin-Key": "guess"})
    values = samples(client)
    assert [values["sam_rate_limited_total", name] for name in ("Ada", "Bob", "Eve")] == [0, 2, 0]
    assert {reason: values["sam_auth_failures_total", reason] for reason in AUTH_FAILURES} == {
        "missing": 2,
        "unknown": 1,
        "disabled": 1,
        "wrong_admin_key": 10,
        "wrong_health_key": 1,
        "too_many_wrong_keys": 1,
    }


def test_no_key_is_shown(client):
    for key in (KEY, SMALL_KEY, OFF_KEY, "a-key-that-nobody-has"):
        get(client, key=key)
    client.get("/admin/stats", headers={"X-Admin-Key": ADMIN_KEY})
    text = scrape(client)
    for secret in (KEY, SMALL_KEY, OFF_KEY, ADMIN_KEY, HEALTH_KEY, "nobody"):
        assert secret not in text


def test_gauges_tell_what_holds_now(make_app):
    app = make_app(metrics_port=PORT)
    client = app.test_client()
    values = samples(client)
    assert values["sam_memory_bytes",] > 2**20
    assert values["sam_store_up",] == 1
    assert values["sam_store_failures_total",] == 0
    for name in ("queue_depth", "model_loaded", "model_load_seconds", "gpu_memory_bytes", "draining"):
        assert values[f"sam_{name}",] == 0
    services(app).sam.drain()
    assert samples(client)["sam_draining",] == 1


def test_a_store_that_fails_is_seen(make_app, monkeypatch):
    app = make_app(metrics_port=PORT)
    monkeypatch.setattr(services(app).store._guard, "_answers", lambda: False)
    values = samples(app.test_client())
    assert values["sam_store_up",] == 0
    assert values["sam_store_failures_total",] >= 1


def test_a_segmentation_is_counted_by_stage(app):
    metrics = services(app).metrics
    timing = {"decode": 20.0, "queue": 100.0, "encode": 400.0, "generate": 1600.0, "refine": 0.0}
    metrics.add_segmentation({**timing, "total": 2120.0}, 12)
    remembered = {"queue": 0.0, "encode": 0.0, "generate": 0.0, "measure": 30.0, "total": 30.0}
    metrics.add_segmentation(remembered, 11)
    value = metrics.registry().get_sample_value
    assert value("sam_stage_seconds_sum", {"stage": "generate"}) == pytest.approx(1.6)
    assert value("sam_stage_seconds_count", {"stage": "generate"}) == 1
    assert value("sam_stage_seconds_count", {"stage": "measure"}) == 1
    assert value("sam_stage_seconds_count", {"stage": "refine"}) is None
    assert value("sam_stage_seconds_count", {"stage": "total"}) is None
    assert value("sam_queue_wait_seconds_sum") == pytest.approx(0.1)
    assert value("sam_inference_seconds_sum") == pytest.approx(2.0)
    assert value("sam_inference_seconds_count") == 1
    assert value("sam_masks_total") == 23


@pytest.mark.model
def test_a_real_segmentation_is_counted(model_app, discs):
    before = services(model_app).metrics.registry().get_sample_value("sam_masks_total")
    answer = model_app.test_client().post(
        "/segment_file", data={"file": (io.BytesIO(discs), "discs.png")}, headers={"X-API-Key": KEY}
    )
    value = services(model_app).metrics.registry().get_sample_value
    assert value("sam_masks_total") - before == answer.json["num_masks"]
    for stage in answer.json["timing_ms"].keys() - {"total"}:
        if answer.json["timing_ms"][stage]:
            assert value("sam_stage_seconds_count", {"stage": stage}) >= 1
    assert value("sam_model_loaded") == 1
    assert value("sam_model_load_seconds") > 0


def test_apps_do_not_share_figures(make_app):
    first, second = (make_app(metrics_port=PORT).test_client() for _ in range(2))
    get(first)
    assert ("sam_requests_total", "/defaults", "GET", "200") in samples(first)
    assert ("sam_requests_total", "/defaults", "GET", "200") not in samples(second)


def test_gauges_are_kept_fresh_though_the_store_raises(app, monkeypatch):
    metrics = services(app).metrics
    monkeypatch.setattr("api.plumbing.metrics.REFRESH_S", 0.001)
    calls, again = [], Event()

    def fail():
        calls.append(1)
        if len(calls) > 2:
            again.set()
        raise OSError("no disk")

    monkeypatch.setattr(metrics._store._guard, "_answers", fail)
    metrics.keep_gauges_fresh()
    assert again.wait(10)
    monkeypatch.setattr("api.plumbing.metrics.REFRESH_S", 3600)


class TestPort:
    """Only /metrics on the metrics port, no /metrics on the public one."""

    def test_the_public_port_has_none(self, client):
        answer = client.get("/metrics")
        assert answer.status_code == 404
        assert answer.json["success"] is False

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Forwarded-Port": str(PORT)},
            {"X-Forwarded-Host": f"localhost:{PORT}"},
            {"Forwarded": f"host=localhost:{PORT}"},
        ],
    )
    def test_headers_do_not_open_it_behind_a_proxy(self, make_app, headers):
        client = make_app(metrics_port=PORT, trusted_proxy_hops=1).test_client()
        assert client.get("/metrics", headers=headers).status_code == 404

    @pytest.mark.parametrize("path", ["/", "/health", "/defaults", "/admin/health", "/metrics/", "/nowhere"])
    def test_the_metrics_port_has_nothing_else(self, client, path):
        answer = client.get(path, base_url=INTERNAL, headers={"X-API-Key": KEY, "X-Admin-Key": ADMIN_KEY})
        assert answer.status_code == 404
        assert "/metrics" in answer.json["message"]
        assert answer.json["request_id"] == answer.headers["X-Request-ID"]

    def test_other_methods_are_405(self, client):
        assert client.post("/metrics", base_url=INTERNAL).status_code == 405

    def test_without_the_setting_there_is_none(self, make_app):
        assert make_app().test_client().get("/metrics", base_url=INTERNAL).status_code == 404

    def test_the_format_is_what_the_scraper_asks_for(self, client):
        plain = client.get("/metrics", base_url=INTERNAL)
        assert plain.headers["Content-Type"].startswith("text/plain; version=")
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        openmetrics = client.get("/metrics", base_url=INTERNAL, headers=accept)
        assert openmetrics.headers["Content-Type"].startswith("application/openmetrics-text")
        assert openmetrics.text.endswith("# EOF\n")


def test_promtool_finds_nothing_wrong(client):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    get(client)
    services(client.application).metrics.add_segmentation({"queue": 1.0, "encode": 1.0, "generate": 1.0}, 3)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=scrape(client), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_documented_metrics_are_those_there_are(app):
    """Name, type and labels of every row in docs/operators/monitoring.md."""
    rows = re.findall(
        r"^\| `(sam_\w+)` \| (\w+)(?: \((\w+)\))? \|([^|]*)\|",
        (ROOT / "docs/operators/monitoring.md").read_text(),
        re.M,
    )
    documented = {
        name: (kind, mode, set(re.findall(r"`(\w+)`", labels))) for name, kind, mode, labels in rows
    }
    collectors = set(services(app).metrics._registry._names_to_collectors.values())
    real = {}
    for collector in collectors:
        name = collector._name + ("_total" if collector._type == "counter" else "")
        mode = collector._multiprocess_mode if collector._type == "gauge" else ""
        real[name] = (collector._type, mode, set(collector._labelnames))
    assert documented == real
