"""The commands beside the promises of docs/operators: each names tests that are there."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

COMMAND = re.compile(r"`(tests/[\w/*.]+)(?: -k (?:\"([^\"]+)\"|(\w+)))?`")


@pytest.mark.parametrize("page", ["reliability.md", "security.md"])
def test_each_promise_names_tests_that_are_there(page):
    found = COMMAND.findall((ROOT / "docs" / "operators" / page).read_text(encoding="utf-8"))
    assert len(found) > 8
    for path, *chosen in found:
        files = list(ROOT.glob(path))
        assert files, path
        names = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
        for word in filter(None, "".join(chosen).split(" or ")):
            assert re.search(rf"^ *(?:def|class) [Tt]est\w*{word}", names, re.MULTILINE), (path, word)
