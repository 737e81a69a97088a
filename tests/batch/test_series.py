"""Which pictures are frames of one series."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch.files import File, Listing, Picture
from batch.series import series_of
from droplets.errors import BadRequest


def found(*names: str) -> dict[str, list[int]]:
    """Numbers of each series of stills with these names."""
    pictures = tuple(Picture(name, File(name, Path(name), None, 1, 1)) for name in sorted(names))
    series = series_of(Listing(pictures), 0.5)
    assert all(one.interval_s == 0.5 for one in series)
    assert all(picture.name in names for one in series for picture in one.pictures.values())
    return {one.source: list(one.pictures) for one in series}


@pytest.mark.parametrize(
    ("names", "series"),
    [
        (("img_11.png", "img_10.png", "img_9.png", "img_7.png", "map.png"), {"img_#.png": [7, 9, 10, 11]}),
        (("img_0008.png", "img_0009.png", "img_0010.png"), {"img_#.png": [8, 9, 10]}),
        (
            (
                "a/run1_07.tif",
                "a/run1_08.tif",
                "a/run2_07.tif",
                "a/run2_08.tif",
                "b/run1_07.tif",
                "b/run1_09.tif",
            ),
            {"a/run1_#.tif": [7, 8], "a/run2_#.tif": [7, 8], "b/run1_#.tif": [7, 9]},
        ),
        (("t01_z3_ch00.tif", "t02_z3_ch00.tif", "t03_z3_ch00.tif"), {"t#_z3_ch00.tif": [1, 2, 3]}),
        (("x.zip/0.bmp", "x.zip/5.bmp", "x.zip/15.bmp"), {"x.zip/#.bmp": [0, 5, 15]}),
        (("1.png", "1.tif", "a1.png", "b2.png"), {}),
        (("at_20260101120000.png", "at_20260101120001.png"), {}),  # a time of many digits
        (("at_120000.png", "at_120059.png", "at_120500.png"), {}),  # a time, whose numbers are far apart
    ],
)
def test_stills_are_a_series_by_the_last_number_that_differs(names, series):
    assert found(*names) == series


def test_two_stills_of_one_number_are_named():
    with pytest.raises(BadRequest, match=r"a_01\.png and a_1\.png are both frame 1; rename one"):
        found("a_01.png", "a_1.png", "a_2.png")


def test_gaps_are_told_by_the_step_of_the_numbers():
    def gaps(*numbers: int) -> str:
        pictures = tuple(
            Picture(name, File(name, Path(name), None, 1, 1))
            for name in (f"{number}.png" for number in numbers)
        )
        (series,) = series_of(Listing(pictures), None)
        return series.gaps

    assert gaps(1, 2, 3) == gaps(0, 10, 20) == ""
    assert gaps(1, 2, 4, 7, 8) == "3, 5-6"
    assert gaps(10, 30, 40) == "20"
    assert gaps(*(i for i in range(60) if i % 5)).startswith("5, 10, 15, ")
    assert gaps(*(i for i in range(60) if i % 5)).endswith(", 40, ...")
