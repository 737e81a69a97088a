"""monitoring/: Prometheus takes it, alerts fire when they should, and queries ask for what there is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from config import Settings
from tests.deployment.tools import ROOT, compose_config, debian_tool, run

MONITORING = ROOT / "monitoring"
GRAFANA = MONITORING / "grafana"
PROMTOOL = debian_tool("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool (package prometheus) is not installed")

DOCUMENTED = set(
    re.findall(
        r"^\| `(sam_\w+)` \|", (ROOT / "docs" / "operators" / "monitoring.md").read_text(), re.MULTILINE
    )
)
OTHERS = {
    "up",
    "haproxy_backend_active_servers",
    "haproxy_backend_http_responses_total",
    "haproxy_backend_redispatch_warnings_total",
    "cloudflared_tunnel_ha_connections",
}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboards() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))]


def panels() -> list[dict[str, Any]]:
    return [panel for board in dashboards() for panel in board["panels"] if panel["type"] != "row"]


def queries() -> list[str]:
    """Every PromQL expression, with Grafana's variables filled in."""
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    filled = [expr.replace("$__rate_interval", "1m").replace("$instance", ".*") for expr in shown]
    return [rule["expr"] for rule in rules()] + filled


@needs_promtool
def test_configuration_and_rules_are_valid():
    done = run([str(PROMTOOL), "check", "config", str(MONITORING / "prometheus.yml")])
    assert done.returncode == 0, done.stderr


@needs_promtool
def test_each_alert_fires_when_it_should_and_no_other():
    done = run([str(PROMTOOL), "test", "rules", "alerts.test.yml"], MONITORING)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_and_says_what_to_do():
    tests = (MONITORING / "alerts.test.yml").read_text()
    for rule in rules():
        assert f'alertname="{rule["alert"]}"' in tests
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert {"summary", "description"} == set(rule["annotations"])


@needs_promtool
def test_every_query_of_the_dashboards_parses(tmp_path):
    group = {"name": "all", "rules": [{"record": f"q{i}", "expr": expr} for i, expr in enumerate(queries())]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [group]}))
    done = run([str(PROMTOOL), "check", "rules", str(tmp_path / "rules.yml")])
    assert done.returncode == 0, done.stderr


def test_every_query_asks_for_metrics_that_exist():
    for expr in queries():
        bare = re.sub(r'"[^"]*"', "", expr)
        names = set(re.findall(r"\b(?:up|(?:sam|haproxy|cloudflared)_\w+)\b", bare))
        assert names, expr
        assert {
            re.sub(r"(?<=_seconds)_(bucket|sum|count)$", "", name) for name in names
        } <= DOCUMENTED | OTHERS, expr


def test_limits_in_the_alerts_are_those_in_force():
    expressions = {rule["alert"]: rule["expr"] for rule in rules()}
    assert expressions["QueueFull"] == f"sam_queue_depth >= {Settings.model_fields['queue_size'].default}"
    app = compose_config("docker-compose.yml")["services"]["sam-app"]
    memory = int(app["deploy"]["resources"]["limits"]["memory"])
    assert expressions["MemoryNearLimit"] == f"sam_memory_bytes > 0.9 * {memory >> 30} * 2 ^ 30"


def test_every_target_is_a_service_that_prometheus_reaches():
    services = compose_config("docker-compose.yml")["services"]
    reached = set(services["prometheus"]["networks"])
    jobs = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == {
        "sam-app",
        "load-balancer",
        "cloudflare-tunnel",
        "prometheus",
    }
    for job in jobs:
        if job["job_name"] != "prometheus":
            assert reached & set(services[job["job_name"]]["networks"])
    [instances] = next(job["dns_sd_configs"] for job in jobs if job["job_name"] == "sam-app")
    assert str(instances["port"]) == services["sam-app"]["environment"]["METRICS_PORT"]


def test_panels_do_not_overlap_and_fill_their_rows():
    for board in dashboards():
        cells = [
            (x, y)
            for panel in board["panels"]
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(cells) == len(set(cells)) == 24 * (1 + max(y for _, y in cells))


def test_panels_are_told_apart_and_explained():
    for board in dashboards():
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert all(panel["title"] and panel["description"].endswith(".") for panel in panels())


def test_dashboard_shows_every_metric_of_the_service():
    shown = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    assert DOCUMENTED
    assert {name for name in DOCUMENTED if name not in shown} == set()


def test_grafana_reads_prometheus_alone_and_finds_its_files():
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    used = {panel["datasource"]["uid"] for panel in panels()}
    assert used == {source["uid"]}
    [provider] = yaml.safe_load((GRAFANA / "provisioning/dashboards/files.yml").read_text())["providers"]
    mounts = compose_config("docker-compose.yml")["services"]["grafana"]["volumes"]
    assert provider["options"]["path"] in {mount["target"] for mount in mounts}
