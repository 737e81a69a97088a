"""k8s/ray: a job of KubeRay that runs the command line over all pictures of a volume."""

from __future__ import annotations

import re

import kubernetes_validate
import pytest

from config import VERSION
from tests.cli.typed import segment_as_typed
from tests.deployment.manifests import K8S, Manifest, Rendered, containers, quantity, render
from tests.deployment.test_kubernetes import OLDEST


@pytest.fixture
def rendered() -> Rendered:
    return render("ray")


@pytest.fixture
def cluster(rendered) -> Manifest:
    (job,) = rendered.of("RayJob")
    return job["spec"]["rayClusterSpec"]


@pytest.fixture
def pods(cluster) -> list[Manifest]:
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def test_every_object_and_pod_fits_its_schema(rendered, pods):
    """KubeRay's own schema is not at hand: of the job, its pods are checked."""
    plain = [item for item in rendered.objects if item["kind"] != "RayJob"]
    templates = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod} for pod in pods]
    for item in (*plain, *templates):
        for version in (OLDEST, kubernetes_validate.latest_version()):
            kubernetes_validate.validate(item, version, strict=True)


def test_the_command_is_one_that_the_command_line_has(rendered, cluster, pods):
    (job,) = rendered.of("RayJob")
    python, arguments = job["spec"]["entrypoint"].split(" -m cli segment ")
    assert python == "/opt/venv/bin/python"
    asked = segment_as_typed(arguments)
    assert (asked["engine"], asked["address"], asked["json"]) == ("ray", "auto", True)
    head, worker = ({m["mountPath"] for m in pod["containers"][0]["volumeMounts"]} for pod in pods)
    assert {*asked["inputs"], str(asked["out"]), "/models"} <= head
    assert {*asked["inputs"], "/models"} <= worker
    (group,) = cluster["workerGroupSpecs"]
    limits = pods[1]["containers"][0]["resources"]["limits"]
    assert asked["workers"] == group["replicas"] * int(limits["cpu"])


def test_a_worker_of_each_core_has_its_memory(pods):
    pytest.importorskip("ray", reason="Ray is not installed")
    from batch.ray_engine import WORKER_MEMORY

    limits = pods[1]["containers"][0]["resources"]["limits"]
    assert int(limits["cpu"]) * WORKER_MEMORY <= quantity(limits["memory"])


def test_its_pods_may_run_and_find_their_volumes(rendered, pods):
    claims = {item["metadata"]["name"] for item in rendered.of("PersistentVolumeClaim")}
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = {mount["name"] for one in containers(pod) for mount in one["volumeMounts"]}
        assert mounted == set(volumes)
        used = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in volumes.values()
            if "persistentVolumeClaim" in volume
        }
        assert used <= claims
        for container in containers(pod):
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["image"] == f"sam-droplets-ray:{VERSION}"


def test_versions_of_the_image_are_those_of_the_job(cluster):
    dockerfile = (K8S / "ray" / "Dockerfile").read_text()
    assert re.findall(r"^FROM (.*)$", dockerfile, re.MULTILINE) == [f"sam-droplets:{VERSION}"]
    assert re.findall(r"ray\[[\w,]+\]==([\d.]+)", dockerfile) == [cluster["rayVersion"]]
