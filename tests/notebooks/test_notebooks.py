"""The notebooks run from top to bottom, end in a figure, and come to what was drawn."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

pytestmark = pytest.mark.model
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The project as pip installs it: importable, with its command, from any folder."""
    command = tmp_path / "bin" / "sam-droplet"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -W ignore -m cli "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def executed(name: str, folder: Path) -> list[dict]:
    """Outputs of a notebook's cells that computed in a folder."""
    book = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [output for cell in book.cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_no_output_is_kept(path):
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in book.cells)


def test_the_quickstart_measures_the_diameters_that_were_drawn(installed, tmp_path):
    outputs = executed("quickstart.ipynb", tmp_path)
    assert "image/png" in outputs[-1]["data"]
    rows = table(tmp_path / "results" / "pictures.csv")
    assert [float(row["mean_px"]) for row in rows] == pytest.approx([24, 30, 38], rel=0.05)


def test_the_intervals_of_digital_pcr_hold_what_was_drawn(installed, tmp_path):
    outputs = executed("ddpcr.ipynb", tmp_path)
    assert "image/png" in outputs[-1]["data"]
    rows = table(tmp_path / "pcr-results" / "pictures.csv")
    assert len(rows) == 3
    for row, positives in zip(rows, (0.1, 0.3, 0.6), strict=True):
        assert int(row["positives"]) / int(row["partitions"]) == pytest.approx(positives, abs=0.06)
