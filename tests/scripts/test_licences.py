"""The requirements' licences are ones that the project takes."""

from __future__ import annotations

import pytest

from scripts.licences import allowed, closure, licence


def test_every_requirement_has_a_licence_that_is_allowed():
    found = {package.metadata["Name"].lower(): licence(package) for package in closure()}
    assert {"flask", "torch", "numpy", "werkzeug"} <= set(found)  # also what a requirement asks for
    assert [name for name, said in found.items() if not allowed(said)] == []


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        ("MIT", True),
        ("MPL-2.0 AND MIT", True),
        ("GPL-3.0-or-later", False),
        ("MIT AND LGPL-2.1-only", False),
        ("Proprietary", False),
        ("not said", False),
    ],
)
def test_copyleft_and_what_is_not_said_is_not_taken(said, taken):
    assert allowed(said) is taken
