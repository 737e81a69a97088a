"""cloudflared/config.yml: its own program is not at hand, so the rules it checks are checked here."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.deployment.tools import ROOT, compose_config, run

CONFIG = ROOT / "cloudflared" / "config.yml"
HOSTNAME = "sam.example.org"
IDENTITY = {"TUNNEL_ID": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "TUNNEL_HOSTNAME": HOSTNAME}

# cloudflared takes unknown keys without a word.
KNOWN = {
    "": {
        "tunnel",
        "credentials-file",
        "metrics",
        "no-autoupdate",
        "grace-period",
        "originRequest",
        "ingress",
    },
    "originRequest": {"connectTimeout", "keepAliveTimeout", "keepAliveConnections", "tcpKeepAlive"},
    "ingress": {"hostname", "path", "service", "originRequest"},
}


def render(**environment: str):
    return run(["sh", "-c", "sh cloudflared/render.sh < cloudflared/config.yml"], environment=environment)


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    done = render(**IDENTITY)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def service_of(config: dict[str, Any], host: str, path: str) -> str:
    """As cloudflared chooses: the first rule of this host whose pattern is found in the path."""
    for rule in config["ingress"]:
        if rule.get("hostname", host) == host and re.search(rule.get("path", ""), path):
            return rule["service"]
    raise AssertionError("no rule fits")


def test_id_and_host_name_come_from_the_environment(config):
    assert config["tunnel"] == IDENTITY["TUNNEL_ID"]
    assert {rule["hostname"] for rule in config["ingress"][:-1]} == {HOSTNAME}
    assert "$" not in render(**IDENTITY).stdout.replace("(/|$)", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TUNNEL_ID", ""),
        ("TUNNEL_ID", "my tunnel"),
        ("TUNNEL_HOSTNAME", ""),
        ("TUNNEL_HOSTNAME", "https://sam.example.org/"),
        ("TUNNEL_HOSTNAME", "a/; s/x/y"),
    ],
)
def test_wrong_value_stops_the_build_and_is_named(name, value):
    done = render(**{**IDENTITY, name: value})
    assert (done.returncode, done.stdout) == (1, "")
    assert name in done.stderr


def test_no_key_is_unknown(config):
    assert set(config) <= KNOWN[""]
    assert set(config["originRequest"]) <= KNOWN["originRequest"]
    for rule in config["ingress"]:
        assert set(rule) <= KNOWN["ingress"]


def test_last_rule_and_no_other_takes_everything(config):
    *rules, last = config["ingress"]
    assert last == {"service": "http_status:404"}
    assert all("hostname" in rule for rule in rules)


def test_every_service_is_one_of_compose_on_a_port_it_listens_on(config):
    services = compose_config("docker-compose.yml")["services"]
    tunnel = set(services["cloudflare-tunnel"]["networks"])
    addresses = [rule["service"] for rule in config["ingress"] if "http_status" not in rule["service"]]
    assert addresses == ["http://load-balancer:9488"]
    assert tunnel & set(services["load-balancer"]["networks"])
    haproxy = (ROOT / "monitoring" / "haproxy.cfg").read_text()
    assert re.search(r"^frontend tunnel .*\n +bind :9488$", haproxy, re.MULTILINE)


@pytest.mark.parametrize(
    ("host", "path", "service"),
    [
        (HOSTNAME, "/", "http://load-balancer:9488"),
        (HOSTNAME, "/segment", "http://load-balancer:9488"),
        (HOSTNAME, "/health", "http://load-balancer:9488"),
        (HOSTNAME, "/static/js/admin.js", "http://load-balancer:9488"),
        (HOSTNAME, "/administration", "http://load-balancer:9488"),
        (HOSTNAME, "/metrics", "http_status:404"),
        (HOSTNAME, "/metrics/", "http_status:404"),
        (HOSTNAME, "/admin", "http_status:404"),
        (HOSTNAME, "/admin/", "http_status:404"),
        (HOSTNAME, "/admin/stats", "http_status:404"),
        (HOSTNAME, "//admin/stats", "http_status:404"),
        ("other.example.org", "/segment", "http_status:404"),
    ],
)
def test_which_rule_takes_which_address(config, host, path, service):
    assert service_of(config, host, path) == service


def test_credentials_are_mounted_and_in_no_image(config):
    services = compose_config("docker-compose.yml")["services"]
    [secret] = services["cloudflare-tunnel"]["secrets"]
    assert config["credentials-file"] == f"/run/secrets/{secret['source']}"
    assert "credentials" not in (ROOT / "Dockerfile.tunnel").read_text().split("FROM", 1)[1]
    ignored = run(["git", "-c", "safe.directory=*", "check-ignore", "cloudflared/credentials.json"])
    assert ignored.returncode == 0


def test_cluster_and_manual_take_the_version_of_the_image():
    [version] = re.findall(r"^ARG CLOUDFLARED_VERSION=(\S+)$", (ROOT / "Dockerfile.tunnel").read_text(), re.M)
    for name in ("k8s/cloudflared/deployment.yaml", "docs/operators/deployment.md"):
        named = re.findall(r"cloudflare/cloudflared:(\S+?)'?$", (ROOT / name).read_text(), re.M)
        assert set(named) == {version}
