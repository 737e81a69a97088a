"""k8s/: every object is well formed, and what refers to another finds it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import kubernetes_validate
import yaml

from tests.deployment.manifests import FOLDERS, K8S, NAMESPACE, ROOT, containers, render
from tests.deployment.network import matches

OLDEST = "1.30"  # the oldest version that docs/operators/kubernetes.md names
CUSTOM = {
    "keda.sh": "cloudcoil.models.keda",
    "monitoring.coreos.com": "cloudcoil.models.prometheus_operator",
    "networking.istio.io": "cloudcoil.models.istio.networking",
    "security.istio.io": "cloudcoil.models.istio.security",
}


def test_every_object_fits_its_schema(secrets):
    everything = [item for folder in (*FOLDERS, "model") for item in render(folder).objects + secrets.objects]
    for item in {json.dumps(item): item for item in everything}.values():  # each once
        group, _, version = item["apiVersion"].rpartition("/")
        if group in CUSTOM:
            model = getattr(import_module(f"{CUSTOM[group]}.{version}"), item["kind"])
            known = model.model_validate(item).model_dump(by_alias=True, exclude_none=True, mode="json")
            assert known == item  # a field that the model does not know is gone
        else:
            for version in (OLDEST, kubernetes_validate.latest_version()):
                kubernetes_validate.validate(item, version, strict=True)


def test_everything_lies_in_the_namespace_and_is_there_once(rendered):
    names = [(item["kind"], item["metadata"]["name"]) for item in rendered.objects]
    assert len(set(names)) == len(names)
    assert [item["metadata"]["name"] for item in rendered.of("Namespace")] == [NAMESPACE]
    for item in rendered.objects:
        assert item["kind"] == "Namespace" or item["metadata"]["namespace"] == NAMESPACE


def test_no_secret_is_rendered_so_that_an_apply_never_replaces_one(rendered):
    assert not rendered.of("Secret")


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


def test_one_host_name_stands_in_all_places(rendered):
    hosts = {"sam-app"}  # its name within the mesh
    for item in rendered.of("Ingress"):
        hosts.update(rule["host"] for rule in item["spec"]["rules"])
        hosts.update(*(entry["hosts"] for entry in item["spec"]["tls"]))
    for item in rendered.of("Gateway"):
        hosts.update(*(entry["hosts"] for entry in item["spec"]["servers"]))
    for item in rendered.of("VirtualService"):
        hosts.update(item["spec"]["hosts"])
    rules = yaml.safe_load((K8S / "cloudflared" / "config.yml").read_text())["ingress"]
    assert hosts <= {"sam-app", *(rule["hostname"] for rule in rules if "hostname" in rule)}


def test_the_files_are_tidy():
    lint = [sys.executable, "-m", "yamllint", "--strict", "k8s"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
