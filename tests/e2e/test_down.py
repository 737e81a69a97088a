"""What is taken down is gone."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.e2e

KINDS = (["ps", "--all", "--quiet"], ["network", "ls", "--quiet"], ["volume", "ls", "--quiet"])


def test_down_leaves_nothing_behind(make_stack, services):
    other = make_stack()
    other.services.extend(services)

    def left() -> list[str]:
        label = f"--filter=label=com.docker.compose.project={other.project}"
        return ["".join(other.engine.docker(*kind, label).split()) for kind in KINDS]

    other.up(1)
    assert all(left())
    other.down()
    assert left() == ["", "", ""]
