"""The Makefile says what it has."""

from __future__ import annotations

import re
import subprocess

from tests.conftest import ROOT


def test_help_names_every_target():
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    named = [line.split()[0] for line in done.stdout.splitlines()]
    [targets] = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert named == targets.split()
