"""Small pictures, each with a fault that was seen: ../shared/cases, which may not be copied here."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.model import forgetful
from droplets.analysis import Analysis
from droplets.finding.segmenter import Segmenter
from droplets.options import AnalysisOptions, Options
from droplets.pipeline import analyze
from droplets.reading.image import decode_image
from tests.conftest import ROOT
from tests.droplets.sam.conftest import CHECKPOINT

CASES = ROOT.parent / "shared" / "cases"

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not CASES.is_dir(), reason="the pictures lie beside the project, in ../shared/cases"),
]


@pytest.fixture(scope="module")
def analysed():
    generate = forgetful(Segmenter(CHECKPOINT, ROOT / "model" / "droplet_head.safetensors", "cpu"))

    def analysis(name: str) -> Analysis:
        image = decode_image((CASES / name).read_bytes(), max_pixels=10**8)
        return analyze(image, generate, AnalysisOptions(Options()))

    return analysis


@pytest.mark.parametrize(
    ("name", "droplets", "tolerance"),
    [
        ("caption.png", 0, 1),
        ("cut_by_border.png", 0, 0),
        ("double_emulsion_green.png", 21, 1),
        ("double_emulsion_grey.png", 21, 1),
        ("bf.tif", 57, 0),
        ("glow_38px.tif", 106, 3),
    ],
)
def test_there_are_as_many_droplets_as_a_person_counts(analysed, name, droplets, tolerance):
    kinds = Counter(droplet.kind for droplet in analysed(name).droplets)
    assert kinds["droplet"] == pytest.approx(droplets, abs=tolerance)


def test_there_is_no_bead_in_droplets_that_glow(analysed):
    assert Counter(droplet.kind for droplet in analysed("glow_38px.tif").droplets)["bead"] == 0


def test_curves_do_not_jump_between_the_rims_of_broad_rings(analysed):
    large = [one for one in analysed("broad_rings.png").droplets if one.shape.equivalent_diameter > 50]
    for droplet in large:
        middle = droplet.boundary.contour.mean(axis=0)
        away = np.hypot(*(droplet.boundary.contour - middle).T)
        assert away.std() < 0.02 * away.mean()


def test_cells_in_droplets_are_found(analysed):
    cells = [one for one in analysed("cells_in_droplets.png").droplets if one.kind == "bead"]
    assert 3 <= len(cells) <= 5


def test_a_resolution_of_a_camera_gives_no_pixel_size(analysed):
    found = analysed("bf_336dpi.tif")
    assert found.pixel_size is None
    assert len(found.droplets) == 57


def test_the_same_droplets_are_seen_in_one_colour_and_in_grey(analysed):
    green, grey = (analysed(f"double_emulsion_{colour}.png").droplets for colour in ("green", "grey"))
    assert len(green) == len(grey)


def test_droplets_that_glow_are_droplets_though_they_are_small(analysed):
    kinds = Counter(droplet.kind for droplet in analysed("glow_18px.tif").droplets)
    assert kinds["droplet"] == pytest.approx(323, abs=6)
    assert kinds["bead"] == 0
