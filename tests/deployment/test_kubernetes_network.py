"""k8s/: who may reach whom, computed from the NetworkPolicies."""

from __future__ import annotations

import pytest

from tests.deployment.manifests import FOLDERS, NAME, Rendered, render
from tests.deployment.network import Peer, allowed, ours

PEERS = {
    "app": ours("sam-app"),
    "worker": ours("sam-worker"),
    "redis": ours("redis"),
    "tunnel": ours("cloudflare-tunnel"),
    "stranger in the namespace": ours("stranger"),
    "stranger": Peer({NAME: "sam-app"}, "default"),
    "ingress": Peer({NAME: "nginx-ingress"}, "nginx-ingress"),
    "older ingress": Peer({NAME: "ingress-nginx"}, "ingress-nginx"),
    "other in ingress": Peer({NAME: "other"}, "nginx-ingress"),
    "prometheus": Peer({NAME: "prometheus"}, "monitoring"),
    "grafana": Peer({NAME: "grafana"}, "monitoring"),
    "gateway": Peer({"istio": "ingress"}, "istio-ingress"),
    "istiod": Peer({"app": "istiod"}, "istio-system"),
    "keda": Peer({"app": "keda-operator"}, "keda"),
    "dns": Peer({"k8s-app": "kube-dns"}, "kube-system"),
    "internet": Peer(address="203.0.113.9"),
    "node": Peer(address="10.0.0.7"),
    "cloud's metadata": Peer(address="169.254.169.254"),
}
PORTS = [(port, "TCP") for port in (22, 53, 80, 443, 2000, 6379, 7844, 9464, 9487, 15012)]
PORTS += [(53, "UDP"), (443, "UDP"), (7844, "UDP")]
OURS = ("app", "worker", "redis", "tunnel")
WORKERS = {("worker", "redis", 6379, "TCP"), ("worker", "dns", 53, "TCP"), ("worker", "dns", 53, "UDP")}

DNS = {(name, "dns", 53, protocol) for name in ("app", "tunnel") for protocol in ("TCP", "UDP")}
INGRESS = {("ingress", "app", 9487, "TCP"), ("older ingress", "app", 9487, "TCP")}
PRODUCTION = (
    DNS
    | INGRESS
    | {
        ("app", "redis", 6379, "TCP"),
        ("app", "tunnel", 2000, "TCP"),
        ("tunnel", "app", 9487, "TCP"),
        ("tunnel", "internet", 7844, "TCP"),
        ("tunnel", "internet", 7844, "UDP"),
    }
)
WATCHED = {("prometheus", "app", 9464, "TCP"), ("prometheus", "tunnel", 2000, "TCP")}
MESH = {(name, "istiod", 15012, "TCP") for name in (*OURS, "stranger in the namespace")} | {
    (name, "dns", 53, protocol)
    for name in ("worker", "redis", "stranger in the namespace")
    for protocol in ("TCP", "UDP")
}


def reach(rendered) -> set[tuple[str, str, int, str]]:
    """All connections from or to the project's pods that the policies let through."""
    return {
        (source, target, port, protocol)
        for source in PEERS
        for target in PEERS
        for port, protocol in PORTS
        if source != target
        and (source in OURS or target in OURS or "namespace" in source)
        and allowed(rendered, PEERS[source], PEERS[target], port, protocol)
    }


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("", PRODUCTION),
        ("overlays/gpu", PRODUCTION),
        ("overlays/monitoring", PRODUCTION | WATCHED),
        (
            "overlays/mesh",
            (PRODUCTION | MESH | {("gateway", "app", 9487, "TCP")}) - INGRESS,
        ),
        (
            "overlays/dev",
            {line for line in PRODUCTION - INGRESS if "tunnel" not in line},
        ),
        ("overlays/jobs", PRODUCTION | WORKERS),
        ("overlays/keda", PRODUCTION | WORKERS | {("keda", "redis", 6379, "TCP")}),
    ],
)
def test_exactly_these_connections_are_possible(folder, expected):
    assert reach(render(folder)) == expected


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_service_reaches_no_public_address(folder):
    assert not {line for line in reach(render(folder)) if line[:2] == ("app", "internet")}


def test_what_fills_the_volume_reaches_the_internet_and_no_neighbour():
    rendered = Rendered((*render("").objects, *render("model").objects))
    lines = {
        (target, port, protocol)
        for target in PEERS
        for port, protocol in PORTS
        if allowed(rendered, ours("sam-model"), PEERS[target], port, protocol)
    }
    assert lines == {("internet", 443, "TCP"), ("dns", 53, "TCP"), ("dns", 53, "UDP")}
    assert reach(rendered) == PRODUCTION
    (job,) = rendered.of("Job")
    pod, app = job["spec"]["template"]["spec"], rendered.pod("sam-app")
    assert pod["containers"][0]["image"] == rendered.app()["image"]
    assert pod["containers"][0]["command"] == app["initContainers"][0]["command"]
    assert pod["containers"][0]["securityContext"] == rendered.app()["securityContext"]
    assert pod["securityContext"] == app["securityContext"]
    assert pod["volumes"][0] in app["volumes"]
