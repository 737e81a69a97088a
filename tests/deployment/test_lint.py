"""What other tools say of the deployment's files."""

from __future__ import annotations

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

from tests.deployment.tools import ROOT, run

FILES = [
    *ROOT.glob("docker-compose*.yml"),
    *ROOT.glob("Dockerfile*"),
    ROOT / ".env.example",
    *(path for name in ("cloudflared", "monitoring") for path in (ROOT / name).rglob("*") if path.is_file()),
]


def test_yaml_is_tidy():
    done = run(["yamllint", "--strict", *(str(path) for path in FILES if path.suffix == ".yml")])
    assert done.returncode == 0, done.stdout


def test_shell_scripts_are_sound():
    folders = ("scripts", "cloudflared", "k8s", "tests/e2e")
    scripts = [ROOT / ".ci" / "run", *(path for name in folders for path in (ROOT / name).rglob("*.sh"))]
    done = run(["shellcheck", *map(str, scripts)])
    assert done.returncode == 0, done.stdout


def test_no_file_holds_a_secret():
    found = SecretsCollection()
    with default_settings():
        for path in FILES:
            if path.name != "credentials.json":  # the operator's own, which git ignores
                found.scan_file(str(path))
    assert [(name, secret.type, secret.line_number) for name, secret in found] == []
