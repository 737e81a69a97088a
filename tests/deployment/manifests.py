"""The manifests in k8s/ as kubectl renders them, and what tests ask of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.deployment.tools import ROOT, run

K8S = ROOT / "k8s"
FOLDERS = ["", *(f"overlays/{name}" for name in ("gpu", "monitoring", "mesh", "dev", "jobs", "keda"))]
""""" is production."""
NAMESPACE = "sam-droplets"
NAME = "app.kubernetes.io/name"

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The objects of one kustomization."""

    objects: tuple[Manifest, ...]

    def of(self, kind: str) -> list[Manifest]:
        """All objects of a kind."""
        return [item for item in self.objects if item["kind"] == kind]

    def get(self, kind: str, name: str) -> Manifest:
        """The object of a kind and name; a generated name may end in its hash."""
        found = [item for item in self.of(kind) if _bare_name(item) == name]
        assert len(found) == 1, f"{len(found)} objects {kind}/{name}"
        return found[0]

    def workloads(self) -> list[Manifest]:
        """What starts pods."""
        return self.of("Deployment") + self.of("StatefulSet")

    def pod(self, name: str) -> Manifest:
        """The pod template's spec of a workload."""
        found = [item for item in self.workloads() if item["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} workloads {name}"
        return found[0]["spec"]["template"]["spec"]

    def app(self) -> Manifest:
        """The container of the service."""
        (container,) = self.pod("sam-app")["containers"]
        return container

    def settings(self) -> dict[str, str]:
        """The environment that the ConfigMap gives the service."""
        return self.get("ConfigMap", "sam-app")["data"]


def _bare_name(item: Manifest) -> str:
    name: str = item["metadata"]["name"]
    return re.sub(r"-[2456789bcdfghkmt]{10}$", "", name) if item["kind"] == "ConfigMap" else name


def containers(spec: Manifest) -> Iterator[Manifest]:
    """Init containers and containers of a pod."""
    yield from spec.get("initContainers", [])
    yield from spec["containers"]


@cache
def render(folder: str) -> Rendered:
    """The kustomization in a folder of k8s/; "" is production."""
    return render_path(K8S / folder)


def render_path(folder: Path) -> Rendered:
    """The kustomization in any folder."""
    done = run(["kubectl", "kustomize", str(folder)])
    assert done.returncode == 0, done.stderr
    assert not done.stderr, f"kustomize warns: {done.stderr}"
    return Rendered(tuple(yaml.safe_load_all(done.stdout)))


def quantity(value: str | float) -> float:
    """A Kubernetes quantity as a number: 500m is 0.5, 4Gi is 4 * 2**30."""
    text = str(value)
    for suffix, factor in {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "m": 1e-3}.items():
        if text.endswith(suffix):
            return float(text.removesuffix(suffix)) * factor
    return float(text)


def render_with(*names: str, folder: Path) -> Rendered:
    """Production with components of k8s/components; the kustomization is written to `folder`."""
    kustomization = {
        "resources": [os.path.relpath(K8S / "overlays" / "production", folder)],
        "components": [os.path.relpath(K8S / "components" / name, folder) for name in names],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return render_path(folder)
