"""The kustomizations that tests go through."""

from __future__ import annotations

import pytest
import yaml

from tests.deployment.manifests import FOLDERS, K8S, Rendered, render


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.removeprefix("overlays/") or "production")
def rendered(request) -> Rendered:
    """Each kustomization in turn."""
    return render(request.param)


@pytest.fixture(scope="session")
def secrets() -> Rendered:
    """The Secrets that an operator fills in."""
    return Rendered(tuple(yaml.safe_load_all((K8S / "secrets.example.yaml").read_text())))
