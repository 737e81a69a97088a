"""k8s/: what the manifests must agree on among themselves and with the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module

import kubernetes_validate
import pytest
import yaml

from config import Settings, load_settings
from tests.deployment.manifests import (
    K8S,
    NAMESPACE,
    ROOT,
    Rendered,
    containers,
    quantity,
    render,
    render_path,
)
from tests.deployment.network import matches

FOLDERS = ["", "overlays/gpu", "overlays/monitoring", "overlays/mesh", "overlays/dev"]
CUSTOM = {
    "monitoring.coreos.com": "cloudcoil.models.prometheus_operator",
    "networking.istio.io": "cloudcoil.models.istio.networking",
    "security.istio.io": "cloudcoil.models.istio.security",
}


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.removeprefix("overlays/") or "production")
def rendered(request) -> Rendered:
    return render(request.param)


@pytest.fixture(scope="module")
def secrets() -> Rendered:
    return Rendered(tuple(yaml.safe_load_all((K8S / "secrets.example.yaml").read_text())))


def test_every_object_fits_its_schema(rendered, secrets):
    for item in rendered.objects + secrets.objects:
        group, _, version = item["apiVersion"].rpartition("/")
        if group in CUSTOM:
            model = getattr(import_module(f"{CUSTOM[group]}.{version}"), item["kind"])
            known = model.model_validate(item).model_dump(by_alias=True, exclude_none=True, mode="json")
            assert known == item  # a field that the model does not know is gone
        else:
            kubernetes_validate.validate(item, kubernetes_validate.latest_version(), strict=True)


def test_everything_lies_in_the_namespace_and_is_there_once(rendered):
    names = [(item["kind"], item["metadata"]["name"]) for item in rendered.objects]
    assert len(set(names)) == len(names)
    assert [item["metadata"]["name"] for item in rendered.of("Namespace")] == [NAMESPACE]
    for item in rendered.objects:
        assert item["kind"] == "Namespace" or item["metadata"]["namespace"] == NAMESPACE


def test_components_can_be_combined(tmp_path):
    parts = [
        os.path.relpath(K8S / "components" / name, tmp_path)
        for name in ("gpu", "monitoring", "mesh", "sealed")
    ]
    kustomization = {
        "resources": [os.path.relpath(K8S / "overlays" / "production", tmp_path)],
        "components": parts,
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    together = render_path(tmp_path)
    assert together.settings()["DEVICE"] == "cuda"
    assert together.of("ServiceMonitor")
    assert together.of("VirtualService")


def test_selectors_find_their_pods_and_nothing_else(rendered):
    pods = {
        item["metadata"]["name"]: item["spec"]["template"]["metadata"]["labels"]
        for item in rendered.workloads()
    }

    def found(selector):
        return [name for name, labels in pods.items() if matches(selector, labels)]

    for item in rendered.workloads():
        assert found(item["spec"]["selector"]) == [item["metadata"]["name"]]
        for constraint in item["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            assert found(constraint["labelSelector"]) == [item["metadata"]["name"]]
    for service in rendered.of("Service"):
        assert found({"matchLabels": service["spec"]["selector"]}) == [
            service["metadata"]["labels"]["app.kubernetes.io/name"]
        ]
    for budget in rendered.of("PodDisruptionBudget"):
        assert found(budget["spec"]["selector"]) == [budget["metadata"]["name"]]
    for policy in rendered.of("NetworkPolicy"):
        assert found(policy["spec"]["podSelector"]), policy["metadata"]["name"]
    for monitor in rendered.of("ServiceMonitor"):
        services = [
            item
            for item in rendered.of("Service")
            if matches(monitor["spec"]["selector"], item["metadata"]["labels"])
        ]
        assert len(services) == 1
        assert {end["port"] for end in monitor["spec"]["endpoints"]} <= {
            port["name"] for port in services[0]["spec"]["ports"]
        }


def test_services_lead_to_ports_that_containers_have(rendered):
    for service in rendered.of("Service"):
        pod = rendered.pod(service["metadata"]["labels"]["app.kubernetes.io/name"])
        ports = {
            port["name"]: port["containerPort"] for item in containers(pod) for port in item.get("ports", [])
        }
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]


def test_ingress_and_mesh_lead_to_the_service(rendered):
    service = rendered.get("Service", "sam-app")
    ports = {port["name"]: port["port"] for port in service["spec"]["ports"]}
    for ingress in rendered.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                assert path["backend"]["service"] == {"name": "sam-app", "port": {"name": "http"}}
    for route in rendered.of("VirtualService"):
        assert {
            way["destination"]["port"]["number"] for rule in route["spec"]["http"] for way in rule["route"]
        } == {ports["http"]}
    for rule in rendered.of("DestinationRule"):
        assert rule["spec"]["host"] == "sam-app"


def test_requests_are_within_limits_and_everything_has_both(rendered):
    for item in rendered.workloads():
        for container in containers(item["spec"]["template"]["spec"]):
            requests, limits = container["resources"]["requests"], container["resources"]["limits"]
            assert set(requests) == set(limits) >= {"cpu", "memory"}
            for name, value in requests.items():
                assert 0 < quantity(value) <= quantity(limits[name]), (container["name"], name)


def test_production_asks_for_2_cpus_and_4_gib_and_takes_at_most_twice_that():
    (app,) = render("").pod("sam-app")["containers"]
    assert app["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"cpu": "4", "memory": "8Gi"},
    }


def test_the_autoscaler_keeps_2_to_10_pods_at_70_percent():
    spec = render("").get("HorizontalPodAutoscaler", "sam-app-hpa")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 10)
    (metric,) = spec["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}


def test_the_autoscaler_alone_sets_the_number_of_pods(rendered):
    for scaler in rendered.of("HorizontalPodAutoscaler"):
        target = rendered.get(
            scaler["spec"]["scaleTargetRef"]["kind"], scaler["spec"]["scaleTargetRef"]["name"]
        )
        assert "replicas" not in target["spec"]
        assert 1 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]


def test_worker_threads_fill_the_cpu_limit(rendered):
    (app,) = rendered.pod("sam-app")["containers"]
    settings = rendered.settings()
    cpus = quantity(app["resources"]["limits"]["cpu"])
    assert int(settings["WORKERS"]) * int(settings["OMP_NUM_THREADS"]) == cpus
    assert settings["MKL_NUM_THREADS"] == settings["OMP_NUM_THREADS"]


def test_every_mount_has_a_volume_and_every_volume_is_mounted(rendered):
    for item in rendered.workloads():
        spec = item["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        volumes |= {claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", [])}
        mounted = {mount["name"] for container in containers(spec) for mount in container["volumeMounts"]}
        assert mounted == volumes


def test_every_reference_to_a_configmap_secret_or_claim_leads_somewhere(rendered, secrets):
    there = {(item["kind"], item["metadata"]["name"]) for item in rendered.objects + secrets.objects}
    keys = {item["metadata"]["name"]: set(item["stringData"]) for item in secrets.objects}
    for item in rendered.workloads():
        spec = item["spec"]["template"]["spec"]
        for volume in spec.get("volumes", []):
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there
            if "secret" in volume:
                assert {entry["key"] for entry in volume["secret"]["items"]} <= keys[
                    volume["secret"]["secretName"]
                ]
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in there
        for container in containers(spec):
            for source in container.get("envFrom", []):
                ((kind, reference),) = source.items()
                kind = {"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind]
                assert (kind, reference["name"]) in there
            for variable in container.get("env", []):
                if "valueFrom" in variable:
                    reference = variable["valueFrom"]["secretKeyRef"]
                    assert reference["key"] in keys[reference["name"]]


def test_the_environment_is_one_that_the_service_reads(rendered, secrets):
    names = set(rendered.settings()) | set(secrets.get("Secret", "sam-app")["stringData"])
    (app,) = rendered.pod("sam-app")["containers"]
    values = {variable["name"]: variable.get("value", "") for variable in app["env"]}
    for name, value in values.items():
        if f"$({name})" not in "".join(values.values()):
            names.add(name)
        for used in re.findall(r"\$\((\w+)\)", value):  # Kubernetes puts in only what stands above
            assert list(values).index(used) < list(values).index(name)
    assert {name.lower() for name in names} <= set(Settings.model_fields)


def test_the_settings_start_the_service(rendered, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    settings = {**rendered.settings(), "API_KEYS": f"sha256${'0' * 64}:Ada:5", "DATA_DIR": str(tmp_path)}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert not load_settings().is_loopback


def test_placeholders_of_the_secrets_do_not_start_the_service(secrets, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in secrets.get("Secret", "sam-app")["stringData"].items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match="API_KEYS: each entry must read key:name:limit"):
        load_settings()
    monkeypatch.setenv("API_KEYS", f"sha256${'0' * 64}:Ada:5")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings = load_settings()
    assert settings.admin_api_key is settings.health_check_key is None


def test_no_secret_is_rendered_so_that_an_apply_never_replaces_one(rendered):
    assert not rendered.of("Secret")


def test_ports_are_those_of_the_settings(rendered):
    (app,) = rendered.pod("sam-app")["containers"]
    ports = {port["name"]: port["containerPort"] for port in app["ports"]}
    settings = rendered.settings()
    assert ports == {"http": Settings.model_fields["flask_port"].default, "metrics": 9464}
    assert (int(settings["FLASK_PORT"]), int(settings["METRICS_PORT"])) == (ports["http"], ports["metrics"])


def test_paths_of_the_settings_are_mounted(rendered):
    (app,) = rendered.pod("sam-app")["containers"]
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
    (container,) = rendered.pod("sam-app")["containers"]
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {probe["path"] for probe in probes.values()} <= public
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert probes["readiness"]["path"] == "/health/ready"
    assert probes["liveness"]["path"] == "/health/live"  # a full queue is no reason to restart


def test_running_requests_finish_before_a_pod_is_killed(rendered, monkeypatch, tmp_path):
    pod = rendered.pod("sam-app")
    _, pause = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEYS", f"sha256${'0' * 64}:Ada:5")
    for name, value in rendered.settings().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    gunicorn: dict[str, object] = {}
    exec((ROOT / "gunicorn.conf.py").read_text(), gunicorn)  # noqa: S102 - as gunicorn does
    assert pod["terminationGracePeriodSeconds"] > int(pause) + gunicorn["graceful_timeout"]
    assert gunicorn["graceful_timeout"] >= float(rendered.settings()["REQUEST_TIMEOUT_S"])


def test_proxies_wait_longer_than_a_request_may_take(rendered):
    longest = float(rendered.settings()["REQUEST_TIMEOUT_S"])
    for ingress in rendered.of("Ingress"):
        notes = ingress["metadata"]["annotations"]
        for name in ("read", "send"):
            assert int(notes[f"nginx.ingress.kubernetes.io/proxy-{name}-timeout"]) > longest
        assert notes["nginx.ingress.kubernetes.io/proxy-body-size"] == "100m"
    for route in rendered.of("VirtualService"):
        assert all(int(rule["timeout"].removesuffix("s")) > longest for rule in route["spec"]["http"])


def test_every_container_is_confined(rendered):
    assert rendered.get("Namespace", NAMESPACE)["metadata"]["labels"][
        "pod-security.kubernetes.io/enforce"
    ] == ("restricted")
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
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    for item in rendered.workloads():
        for container in containers(item["spec"]["template"]["spec"]):
            name, _, tag = container["image"].partition(":")
            assert tag
            assert tag != "latest"
            if name == "sam-droplets":
                assert tag in (version, f"{version}-cuda", "local")


def test_rollouts_never_take_the_last_pod(rendered):
    production = render("").get("Deployment", "sam-app")["spec"]["strategy"]["rollingUpdate"]
    assert production == {"maxUnavailable": 0, "maxSurge": 1}
    for budget in rendered.of("PodDisruptionBudget"):
        assert budget["spec"]["maxUnavailable"] == 1


def test_the_gpu_overlay_gives_each_pod_one_gpu_and_needs_no_spare_one():
    gpu = render("overlays/gpu")
    pod = gpu.pod("sam-app")
    (app,) = pod["containers"]
    assert (
        app["resources"]["limits"]["nvidia.com/gpu"] == app["resources"]["requests"]["nvidia.com/gpu"] == "1"
    )
    assert {item["image"].rpartition("-")[2] for item in containers(pod)} == {"cuda"}
    assert gpu.settings()["DEVICE"] == "cuda"
    assert gpu.settings()["WORKERS"] == "1"
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert gpu.get("Deployment", "sam-app")["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 0


def test_the_mesh_takes_plain_text_only_on_metrics_ports():
    mesh = render("overlays/mesh")
    assert mesh.get("Namespace", NAMESPACE)["metadata"]["labels"]["istio-injection"] == "enabled"
    for rule in mesh.of("PeerAuthentication"):
        assert rule["spec"]["mtls"]["mode"] == "STRICT"
        assert set(rule["spec"].get("portLevelMtls", {})) <= {"9464", "2000"}
    assert not mesh.of("Ingress")


def test_one_host_name_stands_in_all_places(rendered):
    hosts = {rule["host"] for item in rendered.of("Ingress") for rule in item["spec"]["rules"]}
    hosts |= {
        host for item in rendered.of("Ingress") for entry in item["spec"]["tls"] for host in entry["hosts"]
    }
    hosts |= {
        host
        for item in rendered.of("Gateway")
        for entry in item["spec"]["servers"]
        for host in entry["hosts"]
    }
    hosts |= {host for item in rendered.of("VirtualService") for host in item["spec"]["hosts"]} - {"sam-app"}
    rules = yaml.safe_load((K8S / "cloudflared" / "config.yml").read_text())["ingress"]
    assert hosts <= {rule["hostname"] for rule in rules if "hostname" in rule}


def test_the_files_are_tidy():
    lint = [sys.executable, "-m", "yamllint", "--strict", "k8s"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
