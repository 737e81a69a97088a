"""Writes k8s/components/monitoring/prometheusrule.yaml from monitoring/alerts.yml.

    python -m scripts.prometheus_rule

The Prometheus operator takes alert rules only inside an object of its own.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALERTS = ROOT / "monitoring" / "alerts.yml"
RULE = ROOT / "k8s" / "components" / "monitoring" / "prometheusrule.yaml"
HEAD = """\
# Written by `python -m scripts.prometheus_rule` from monitoring/alerts.yml: change the rules there.
# yamllint disable rule:line-length
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: sam-app
  labels:
    release: kube-prometheus-stack
spec:
"""


def prometheus_rule(alerts: str) -> str:
    """The object that holds the rules of the YAML text `alerts`, whose comments stay."""
    groups = alerts[alerts.index("groups:\n") :]
    return HEAD + textwrap.indent(groups, "  ")


def main() -> None:
    """Write the file."""
    RULE.write_text(prometheus_rule(ALERTS.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
