"""The rows that methods are compared by."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.model import as_image
from benchmarks.pictures import BENCH, disc

SCORE = BENCH.parent / "score.py"


def tally(hits, wrong, missed):
    return {"tp": hits, "fp": wrong, "fn": missed}


def test_a_row_sums_up_all_pictures():
    score = peers.Score()
    score.add({0.5: tally(8, 1, 0), 0.75: tally(6, 3, 2), 0.9: tally(0, 9, 8)}, seconds=1.0)
    score.add({0.5: tally(1, 0, 1), 0.75: tally(0, 1, 2), 0.9: tally(0, 1, 2)}, seconds=3.0)

    row = score.row("some", "told")

    assert row["true"] == 10
    assert row["found"] == 10
    assert row["F1@0.5"] == pytest.approx(0.9)
    assert row["F1@0.9"] == 0
    assert row["seconds"] == 2.0


def test_the_table_has_a_cell_for_each_column():
    row = peers.Score(seconds=[1.0]).row("some", "told")

    line = peers._line(row[column] for column in peers.HEADER)

    assert len(line.split()) == len(peers.HEADER)
    assert set(row) == set(peers.HEADER)
    assert json.loads(json.dumps(row)) == row


def test_without_reference_pictures_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["peers", "--data", str(tmp_path / "dev")])

    peers.main()

    assert "no reference pictures" in capsys.readouterr().out


def test_a_mask_at_the_border_is_told_from_others():
    image = as_image(np.zeros((40, 60, 3), np.uint8))
    score = SimpleNamespace(Region=lambda x, y, pixels, touches_border: touches_border)

    assert not peers.region(disc(20, 20, 5), image, score)
    assert peers.region(disc(54, 20, 5), image, score)


@pytest.mark.skipif(not SCORE.exists(), reason="the reference's score.py is not there")
def test_methods_are_scored_by_the_references_rules():
    score = peers._module(SCORE)
    image = as_image(np.zeros((60, 90, 3), np.uint8))
    truth = [peers.region(disc(x, 30, 10), image, score) for x in (20, 60)]
    ignore = np.zeros((60, 90), np.bool_)
    ignore[:20] = True
    found = [disc(20, 30, 10), disc(60, 30, 3), disc(40, 15, 5), disc(40, 45, 1.2)]

    case = peers.Case(image, truth, ignore, smallest=2)
    [row] = peers.compare("one", [case], {"fixed": lambda case: found}, score)

    assert case.radii == pytest.approx((10, 10), abs=0.2)
    assert row["true"] == 2
    assert row["found"] == 2  # the right one, and one that is too small a part of the other
    assert row["precision"] == row["recall"] == row["F1@0.9"] == 0.5
