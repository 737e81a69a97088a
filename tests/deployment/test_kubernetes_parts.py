"""k8s/: Redis, the tunnel, monitoring and the mesh, each by itself."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from contextlib import closing

import psutil
import pytest
import redis
import yaml
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from jobs.tasks import NAME
from scripts.prometheus_rule import ALERTS, RULE, prometheus_rule
from tests.deployment.manifests import K8S, NAMESPACE, ROOT, render, render_path, render_with
from tests.deployment.tools import debian_tool, run

TUNNEL = yaml.safe_load((K8S / "cloudflared" / "config.yml").read_text())
PASSWORD = "0123456789abcdef0123"


@pytest.fixture
def start_redis(tmp_path):
    """Runs Redis as its pod does, with files and a port of the test's own."""

    def start(password: str, port: int = 0) -> subprocess.Popen[str]:
        config = tmp_path / "redis.conf"
        text = (K8S / "redis" / "redis.conf").read_text().replace("dir /data", f"dir {tmp_path}")
        config.write_text(f"{text}port {port}\n")
        return subprocess.Popen(
            ["sh", K8S / "redis" / "start.sh", tmp_path, config],
            env={**os.environ, "REDIS_PASSWORD": password},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_components_can_be_combined(tmp_path):
    together = render_with("gpu", "monitoring", "mesh", "jobs", "keda", folder=tmp_path)
    assert together.settings()["DEVICE"] == "cuda"
    assert together.of("ServiceMonitor")
    assert together.of("VirtualService")


def test_workers_of_jobs_share_the_volume_and_the_queue_of_the_service_and_know_no_keys():
    jobs, keda = render("overlays/jobs"), render("overlays/keda")
    assert jobs.settings()["JOBS"] == "apart"
    assert render("").settings()["JOBS"] == "off"
    service, workers = jobs.pod("sam-app"), jobs.pod("sam-worker")
    volumes = [{volume["name"]: volume for volume in pod["volumes"]} for pod in (service, workers)]
    assert volumes[0]["data"] == volumes[1]["data"]
    assert volumes[0]["model"] == volumes[1]["model"]
    (worker,) = workers["containers"]
    assert [next(iter(source)) for source in worker["envFrom"]] == ["configMapRef"]
    mounts = {entry["mountPath"]: entry["name"] for entry in worker["volumeMounts"]}
    assert mounts[jobs.settings()["DATA_DIR"]] == "data"
    (scaled,) = keda.of("ScaledObject")
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["listName"] == f"huey.redis.{NAME}"
    assert [item["metadata"]["name"] for item in keda.of("HorizontalPodAutoscaler")] == ["sam-app-hpa"]
    (auth,) = keda.of("TriggerAuthentication")
    assert trigger["authenticationRef"]["name"] == auth["metadata"]["name"]


def test_the_mesh_takes_plain_text_only_on_metrics_ports():
    mesh = render("overlays/mesh")
    assert mesh.get("Namespace", NAMESPACE)["metadata"]["labels"]["istio-injection"] == "enabled"
    for rule in mesh.of("PeerAuthentication"):
        assert rule["spec"]["mtls"]["mode"] == "STRICT"
        assert set(rule["spec"].get("portLevelMtls", {})) <= {"9464", "2000"}
    assert not mesh.of("Ingress")  # its controller stands outside the mesh


def test_a_placeholder_for_a_password_does_not_start_redis(start_redis, secrets):
    password = secrets.get("Secret", "redis")["stringData"]["password"]
    with start_redis(password) as server:
        _, said = server.communicate(timeout=30)
    assert server.returncode == 1
    assert "the password in the Secret 'redis' is a placeholder or too short" in said
    assert password not in said


@pytest.mark.skipif(debian_tool("redis-server") is None, reason="redis-server is not installed")
def test_redis_asks_for_the_password_and_does_not_show_it(start_redis, free_port):
    patient = Retry(ConstantBackoff(0.1), 100)
    with (
        start_redis(PASSWORD, free_port) as server,
        redis.Redis(
            port=free_port, password=PASSWORD, retry=patient, retry_on_error=[redis.ConnectionError]
        ) as client,
        redis.Redis(port=free_port) as stranger,
    ):
        try:
            assert client.ping()
            assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            with pytest.raises(redis.AuthenticationError):
                stranger.ping()
            assert PASSWORD not in " ".join(psutil.Process(server.pid).cmdline())
        finally:
            server.terminate()


def test_the_tunnel_has_the_rules_of_the_one_in_containers():
    other = yaml.safe_load((ROOT / "cloudflared" / "config.yml").read_text())

    def rules(config):
        return [
            ("hostname" in rule, rule.get("path"), rule["service"].partition(":")[0])
            for rule in config["ingress"]
        ]

    assert rules(TUNNEL) == rules(other)
    own = {"tunnel", "credentials-file", "ingress", "originRequest"}
    assert {key: value for key, value in TUNNEL.items() if key not in own} == {
        key: value for key, value in other.items() if key not in own
    }
    assert {**other["originRequest"], "httpHostHeader": "sam-app"} == TUNNEL["originRequest"]
    (address,) = {rule["service"] for rule in TUNNEL["ingress"] if "http_status" not in rule["service"]}
    (port,) = render("").get("Service", "sam-app")["spec"]["ports"]
    assert address == f"http://sam-app:{port['port']}"


def test_the_tunnel_finds_its_files_and_finishes_requests():
    production = render("")
    pod = production.pod("cloudflare-tunnel")
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert TUNNEL["credentials-file"] == f"{mounts['credentials']}/credentials.json"
    assert f"{mounts['config']}/config.yml" in container["args"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "metrics"}
    assert container["ports"] == [
        {"name": "metrics", "containerPort": int(TUNNEL["metrics"].rpartition(":")[2])}
    ]
    grace = int(TUNNEL["grace-period"].removesuffix("s"))
    assert pod["terminationGracePeriodSeconds"] > grace >= float(production.settings()["REQUEST_TIMEOUT_S"])
    assert production.settings()["TUNNEL_METRICS_URL"] == "http://cloudflare-tunnel:2000"


def test_alerts_are_those_of_the_containers():
    assert RULE.read_text() == prometheus_rule(ALERTS.read_text()), "run: python -m scripts.prometheus_rule"
    rule = render("overlays/monitoring").get("PrometheusRule", "sam-app")
    assert rule["spec"] == yaml.safe_load(ALERTS.read_text())


@pytest.mark.skipif(debian_tool("promtool") is None, reason="promtool is not installed")
def test_prometheus_takes_the_rules_of_the_cluster(tmp_path):
    for rule in render("overlays/monitoring").of("PrometheusRule"):
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(rule["spec"]))
        done = run(["promtool", "check", "rules", str(tmp_path / "rules.yml")])
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_dashboard_reaches_grafana():
    dashboards = render("overlays/monitoring").get("ConfigMap", "sam-dashboards")
    files = (ROOT / "monitoring" / "grafana" / "dashboards").glob("*.json")
    assert set(dashboards["data"]) == {file.name for file in files}
    assert dashboards["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_alerts_and_monitors_speak_of_the_same_jobs():
    monitoring = render("overlays/monitoring")
    jobs = set(re.findall(r'job="([^"]+)"', ALERTS.read_text()))
    services = {item["metadata"]["labels"]["app.kubernetes.io/name"] for item in monitoring.of("Service")}
    assert jobs <= services
    assert all(
        item["spec"]["jobLabel"] == "app.kubernetes.io/name" for item in monitoring.of("ServiceMonitor")
    )


def test_the_kustomization_in_the_documentation_works(tmp_path):
    text = (ROOT / "docs" / "operators" / "kubernetes.md").read_text()
    (example,) = re.findall(r"```yaml\n(# my-cluster/kustomization.yaml\n.*?)```", text, re.DOTALL)
    folder = tmp_path / "my-cluster"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text(
        example.replace("../sam-droplets/", f"{os.path.relpath(ROOT, folder)}/")
    )
    (folder / "config.yml").write_text("ingress: []\n")
    mine = render_path(folder)
    assert mine.app()["image"] == render("").app()["image"].replace("sam-", "registry.example.org/sam-")
    assert mine.settings() == {**render("").settings(), "MAX_FILE_SIZE_MB": "30"}
    assert mine.get("ConfigMap", "cloudflare-tunnel")["data"] == {"config.yml": "ingress: []\n"}
    (ingress,) = mine.of("Ingress")
    assert ingress["spec"]["rules"][0]["host"] == ingress["spec"]["tls"][0]["hosts"][0] == "sam.my-lab.org"
    assert mine.get("PersistentVolumeClaim", "sam-model")["spec"]["storageClassName"] == "nfs"
    assert mine.of("ServiceMonitor")
