"""k8s/: pods get settings, ports, paths and times that the service has."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from config import VERSION, Settings, load_settings
from tests.deployment.manifests import NAMESPACE, ROOT, containers

KEYS = f"sha256${'0' * 64}:Ada:5"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    """No setting and no `.env` but the test's own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def environment(rendered, tmp_path) -> dict[str, str]:
    """What the service gets, with a key and a folder of the test's own."""
    return {**rendered.settings(), "API_KEYS": KEYS, "DATA_DIR": str(tmp_path)}


def test_the_environment_is_one_that_the_service_reads(rendered, secrets):
    names = set(rendered.settings()) | set(secrets.get("Secret", "sam-app")["stringData"])
    for variable in rendered.app()["env"]:
        used = set(re.findall(r"\$\((\w+)\)", variable.get("value", "")))
        assert used <= names  # Kubernetes puts in what stands above
        names = names - used | {variable["name"]}
    assert {name.lower() for name in names} <= set(Settings.model_fields)


def test_the_settings_start_the_service(environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert not load_settings().is_loopback


def test_the_template_of_the_secrets_holds_placeholders_only(secrets):
    values = {value for item in secrets.objects for value in item["stringData"].values()}
    assert values == {"REPLACE-ME", ""}


def test_placeholders_of_the_secrets_do_not_start_the_service(secrets, monkeypatch, tmp_path):
    for name, value in secrets.get("Secret", "sam-app")["stringData"].items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="API_KEYS: each entry must read key:name:limit"):
        load_settings()
    monkeypatch.setenv("API_KEYS", KEYS)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings = load_settings()
    assert settings.admin_api_key is settings.health_check_key is None


def test_ports_are_those_of_the_settings(rendered):
    app = rendered.app()
    ports = {port["name"]: port["containerPort"] for port in app["ports"]}
    settings = rendered.settings()
    assert ports == {"http": Settings.model_fields["flask_port"].default, "metrics": 9464}
    assert (int(settings["FLASK_PORT"]), int(settings["METRICS_PORT"])) == (ports["http"], ports["metrics"])


def test_paths_of_the_settings_are_mounted(rendered):
    app = rendered.app()
    (init,) = rendered.pod("sam-app")["initContainers"]
    settings = rendered.settings()
    mounts = {mount["mountPath"]: mount for mount in app["volumeMounts"]}
    assert settings["DATA_DIR"] in mounts
    folder = settings["SAM_MODEL_PATH"].rpartition("/")[0]
    assert mounts[folder]["readOnly"]
    assert init["command"][-2:] == ["--to", settings["SAM_MODEL_PATH"]]
    assert {"name": mounts[folder]["name"], "mountPath": folder} in init["volumeMounts"]


def test_probes_ask_routes_that_the_service_has(rendered, app):
    public = {rule.rule for rule in app.url_map.iter_rules() if "GET" in rule.methods}
    probes = {
        name: rendered.app()[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")
    }
    assert {probe["path"] for probe in probes.values()} <= public
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert probes["readiness"]["path"] == "/health/ready"
    assert probes["liveness"]["path"] == "/health/live"  # a full queue is no reason to restart


def test_running_requests_finish_before_a_pod_is_killed(rendered, environment):
    pod = rendered.pod("sam-app")
    _, pause = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    code = f"import runpy; print(runpy.run_path({str(ROOT / 'gunicorn.conf.py')!r})['graceful_timeout'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    graceful = int(done.stdout)
    assert pod["terminationGracePeriodSeconds"] > int(pause) + graceful
    assert graceful >= float(environment["REQUEST_TIMEOUT_S"])


def test_proxies_wait_longer_than_a_request_may_take(rendered):
    longest = float(rendered.settings()["REQUEST_TIMEOUT_S"])
    for ingress in rendered.of("Ingress"):
        notes = ingress["metadata"]["annotations"]
        times = [value for name, value in notes.items() if name.endswith(("read-timeout", "send-timeout"))]
        assert len(times) == 4
        assert all(int(value.removesuffix("s")) > longest for value in times)
        sizes = [value for name, value in notes.items() if name.endswith("body-size")]
        assert sizes == ["100m", "100m"]
    for route in rendered.of("VirtualService"):
        assert all(int(rule["timeout"].removesuffix("s")) > longest for rule in route["spec"]["http"])


def test_every_container_is_confined(rendered):
    labels = rendered.get("Namespace", NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for item in rendered.workloads():
        spec = item["spec"]["template"]["spec"]
        assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
    assert rendered.pod("sam-app")["securityContext"]["runAsUser"] == 10001


def test_images_are_pinned_and_the_service_has_the_project_s_version(rendered):
    for item in rendered.workloads():
        for container in containers(item["spec"]["template"]["spec"]):
            name, _, tag = container["image"].partition(":")
            assert tag
            assert tag != "latest"
            if name == "sam-droplets":
                assert tag in (VERSION, f"{VERSION}-cuda", "local")
