"""A digital PCR pair counts alike however its two pictures are stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from droplets.options import AnalysisOptions, Options
from droplets.pipeline import analyze
from droplets.reading.image import decode_image

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not CASES.is_dir(), reason=f"the reference pictures are not at {CASES}"),
]


@pytest.mark.parametrize(
    ("name", "second", "asked"),
    [
        ("bf.tif", "fl.tif", {}),
        ("bf_miniswhite.tif", "fl_miniswhite.tif", {}),
        ("bf.tif", "two_channel.ome.tif", {"fluorescence_channel": "FAM"}),
        ("two_channel.ome.tif", "two_channel.ome.tif", {"channel": "BF", "fluorescence_channel": 1}),
    ],
)
def test_as_many_are_positive_however_the_pair_is_stored(generate, name, second, asked):
    options = Options(**asked)
    image, light = (
        decode_image((CASES / each).read_bytes(), max_pixels=10**8, selection=wanted)
        for each, wanted in ((name, options.selection), (second, options.fluorescence_selections[0]))
    )
    found = analyze(image, generate, AnalysisOptions(options), [light]).ddpcr
    assert (found.n, found.positives) == (pytest.approx(57, abs=1), 18)
