"""docs/labs/tutorial.md says what is drawn in its pictures, and what the service finds in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest

from examples.render import FOLDER, PCR_UM, render_beads, render_pcr, render_sample
from tests.conftest import KEY, ROOT
from training.rendering.plain import TrueDroplet

TEXT = (ROOT / "docs" / "labs" / "tutorial.md").read_text(encoding="utf-8")
PARTS = TEXT.split("\n## ")[1:4]
Figures = dict[str, list[float]]


def told(part: str, column: int) -> Figures:
    """A column of a part's table, by the names of its rows."""
    rows = re.findall(r"^\| ([^|]+) \| ([\d., ]+) \| ([\d., ]+) \|$", part, re.MULTILINE)
    return {row[0]: [float(number) for number in row[column].split(", ")] for row in rows}


def drawn(droplets: Sequence[TrueDroplet], um: float = 1) -> Figures:
    """Figures over the whole droplets of a rendering."""
    whole = [each for each in droplets if not each.touches_border]
    beads = np.bincount([len(each.beads) for each in whole], minlength=4)
    return {
        "whole droplets": [len(whole)],
        "mean diameter": [np.mean([2 * each.radius for each in whole]) * um],
        "positive droplets": [sum(bool(each.positive) for each in whole)],
        "beads in whole droplets": [sum(len(each.beads) for each in whole)],
        "droplets with 0, 1, 2, 3, 4 beads": beads.tolist(),
    }


def found(app, *names: str) -> Figures:
    """The same of the service's answer to pictures of examples/: one, or one and its fluorescence."""
    pictures = zip(("file", "fluorescence"), names, strict=False)
    form = {field: (FOLDER / name).open("rb") for field, name in pictures}
    answer = app.test_client().post("/advanced_analysis", data=form, headers={"X-API-Key": KEY}).json
    statistics, loading = answer["summary_statistics"], answer["encapsulation"]
    return {
        "whole droplets": [statistics["measured"]],
        "mean diameter": [(statistics["diameter_um"] or statistics["diameter"])["mean"]],
        "positive droplets": [(answer["ddpcr"] or {}).get("positives", 0)],
        "beads in whole droplets": [loading["beads"]],
        "droplets with 0, 1, 2, 3, 4 beads": loading["observed"],
    }


PICTURES = [
    (PARTS[0], render_sample().droplets, 1, ("droplets.png",)),
    (PARTS[1], render_pcr()[0].droplets, PCR_UM, ("pcr-brightfield.tif", "pcr-fluorescence.tif")),
    (PARTS[2], render_beads().droplets, 1, ("beads.png",)),
]


@pytest.mark.parametrize(("part", "droplets", "um", "names"), PICTURES, ids=["first", "pcr", "beads"])
def test_what_is_drawn(part, droplets, um, names):
    figures, true = told(part, 1), drawn(droplets, um)
    assert len(figures) >= 3
    for name, numbers in figures.items():
        assert numbers == pytest.approx(true[name], abs=0.051), name


@pytest.mark.model
@pytest.mark.parametrize(("part", "droplets", "um", "names"), PICTURES, ids=["first", "pcr", "beads"])
def test_what_is_found(model_app, part, droplets, um, names):
    answered = found(model_app, *names)
    for name, numbers in told(part, 2).items():  # another processor rounds otherwise
        assert numbers == pytest.approx(answered[name], abs=1, rel=0.01), name


def test_every_picture_that_it_works_with_is_there():
    named = set(re.findall(r"examples/([\w.-]+)", TEXT))
    assert set(chain.from_iterable(names for *_, names in PICTURES)) <= named
    assert all((FOLDER / name).is_file() for name in named)
