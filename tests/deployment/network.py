"""Who may reach whom: Kubernetes' rules for NetworkPolicies, applied to rendered manifests."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from tests.deployment.manifests import NAME, NAMESPACE, Manifest, Rendered


@dataclass(frozen=True)
class Peer:
    """A pod, or an address outside the cluster."""

    labels: dict[str, str] = field(default_factory=dict)
    namespace: str = NAMESPACE
    address: str | None = None


def ours(name: str) -> Peer:
    """A pod of the project."""
    return Peer({NAME: name})


def allowed(rendered: Rendered, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Whether the policies let `source` open a connection to `target`."""
    policies = rendered.of("NetworkPolicy")
    return _passes(policies, "Egress", source, target, port, protocol) and _passes(
        policies, "Ingress", target, source, port, protocol
    )


def _passes(
    policies: list[Manifest], direction: str, pod: Peer, other: Peer, port: int, protocol: str
) -> bool:
    """One direction: a pod that no policy selects is open, otherwise one rule must fit."""
    if pod.address is not None or pod.namespace != NAMESPACE:
        return True  # not ours to limit
    selecting = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"] and matches(policy["spec"]["podSelector"], pod.labels)
    ]
    peers = "to" if direction == "Egress" else "from"
    rules = [rule for spec in selecting for rule in spec.get(direction.lower(), [])]
    return not selecting or any(
        _port_fits(rule, port, protocol) and any(_peer_fits(peer, other) for peer in rule[peers])
        for rule in rules
    )


def _port_fits(rule: Manifest, port: int, protocol: str) -> bool:
    return any(entry["port"] == port and entry["protocol"] == protocol for entry in rule["ports"])


def _peer_fits(rule: Manifest, peer: Peer) -> bool:
    if "ipBlock" in rule:
        block = rule["ipBlock"]
        return (
            peer.address is not None
            and ip_address(peer.address) in ip_network(block["cidr"])
            and not any(ip_address(peer.address) in ip_network(part) for part in block.get("except", []))
        )
    if peer.address is not None:
        return False
    namespace = {"kubernetes.io/metadata.name": peer.namespace}
    same = (
        matches(rule["namespaceSelector"], namespace)
        if "namespaceSelector" in rule
        else peer.namespace == NAMESPACE
    )
    return same and matches(rule.get("podSelector", {}), peer.labels)


def matches(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector fits; an empty one fits everything."""
    assert set(selector) <= {"matchLabels"}, "the tests know no other selectors"
    return selector.get("matchLabels", {}).items() <= labels.items()
