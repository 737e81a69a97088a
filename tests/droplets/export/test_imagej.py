"""ROIs that roifile reads back cover the same pixels in ImageJ's sense."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import roifile

from droplets.analysis import Analysis
from droplets.export.imagej import LARGEST, roi_set
from droplets.export.kinds import COLOURS
from tests.droplets.export.filling import HEIGHT, WIDTH, analysed, every_mask, filled, shapes
from tests.droplets.shapes import disc, figured, in_frame, rectangle


@pytest.fixture
def read(tmp_path):
    def read(analysis: Analysis) -> list[roifile.ImagejRoi]:
        path = tmp_path / "rois.zip"
        path.write_bytes(roi_set(analysis))
        rois = roifile.roiread(path)
        assert isinstance(rois, list)
        return rois

    return read


def corners(roi: roifile.ImagejRoi) -> list[np.ndarray]:
    """Rings in pixel corners, none closed by a copy of its first point."""
    if roi.composite:
        return [ring[:-1] for ring in roi.coordinates(multi=True)]
    return [roi.integer_coordinates + np.array([roi.left, roi.top])]


def test_every_mask_comes_back(read):
    masks = every_mask()
    rois = read(analysed(masks)[1])
    assert len(rois) == len(masks)
    for roi, mask in zip(rois, masks, strict=True):
        assert np.array_equal(filled(corners(roi)), in_frame(mask, WIDTH, HEIGHT))


def test_bounds_are_the_box(read):
    masks = every_mask(30)
    for roi, mask in zip(read(analysed(masks)[1]), masks, strict=True):
        assert (roi.left, roi.top, roi.right - roi.left, roi.bottom - roi.top) == mask.box
        assert roi.position == 1


def test_names_and_colours_tell_the_kind(read):
    masks = [disc(30, 30, 20), disc(30, 30, 3), rectangle(0, 0, 5, 2)]
    rois = read(analysed(masks, {1: "bead", 2: "other"}, {1: 0})[1])
    assert [roi.name for roi in rois] == ["droplet-0000", "bead-0001", "other-0002"]
    assert [tuple(roi.stroke_color) for roi in rois] == [(255, *colour) for colour in COLOURS.values()]


def test_only_holes_and_parts_need_a_composite(read):
    named = shapes()
    rois = dict(zip(named, read(analysed(named.values())[1]), strict=True))
    assert rois["disc"].roitype == roifile.ROI_TYPE.TRACED
    assert {name for name, roi in rois.items() if roi.composite} == {
        "ring",
        "disc in a ring",
        "two parts",
        "pixels that meet in a corner",
        "ring closed by a corner",
        "holes that meet in a corner",
        "chessboard",
    }


def test_far_out_in_a_long_picture(read):
    for x in (40000, LARGEST - 2, LARGEST - 1, 70000):
        droplet = replace(figured(), mask=rectangle(x, 5, 2, 3))
        (roi,) = read(Analysis([droplet], 1, {}, {}))
        (ring,) = corners(roi)
        assert sorted(map(tuple, ring.tolist())) == [(x, 5), (x, 8), (x + 2, 5), (x + 2, 8)]


def test_nothing_found_is_an_empty_set(read):
    assert read(Analysis([], 0, {}, {})) == []
