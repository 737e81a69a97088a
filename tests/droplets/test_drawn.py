"""Outlines that a client draws, and the polygon in which centres must lie."""

from __future__ import annotations

import json

import numpy as np
import pytest
from roifile import ImagejRoi

from droplets.analysis import Analysis
from droplets.drawn import BY_HAND
from droplets.errors import BadRequest
from droplets.export.bundle import bundle
from droplets.figures.packing import neighbours
from droplets.figures.sizes import summary
from droplets.objects.filters import Filters
from droplets.objects.measure import intensity
from droplets.objects.polygons import box_within, crosses_itself, distance, filled, holds
from droplets.options import AnalysisOptions, Options
from droplets.pipeline import analyze
from droplets.types import Droplet, Generation, Mask
from tests.droplets.export.test_bundle import opened
from tests.droplets.shapes import disc, in_frame, picture

WIDTH, HEIGHT = 200, 160
IMAGE = picture(np.random.default_rng(17).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8))
LARGE, MIDDLE = disc(50, 60, 20), disc(120, 60, 15)
BEAD = disc(44, 60, 3, bead_probability=0.9, inner=True)
STAR = np.array([[60, 20], [75, 90], [10, 45], [110, 45], [45, 90]], float)


def found(*masks: Mask, filters: Filters | None = None, **options: object) -> Analysis:
    wanted = AnalysisOptions(
        Options.parse({"refine_edges": False, "contents": False, **options}, "options"), filters or Filters()
    )
    answer = Generation(masks, {"queue": 0.0, "encode": 0.0, "generate": 0.0})
    analysis = analyze(IMAGE, lambda _: answer, wanted)
    assert len(analysis.droplets) + sum(analysis.removed.values()) == analysis.found
    return analysis


def by_hand(analysis: Analysis) -> list[Droplet]:
    return [one for one in analysis.droplets if one.mask.found_by == "hand"]


def test_a_circle_becomes_an_object_just_as_it_is_whatever_the_filters_say():
    analysis = found(LARGE, MIDDLE, filters=Filters(diameter_min=25), drawn=[[150.25, 120.5, 9.75]])
    (one,) = by_hand(analysis)
    assert np.array_equal(
        in_frame(one.mask, WIDTH, HEIGHT), in_frame(disc(150.25, 120.5, 9.75), WIDTH, HEIGHT)
    )
    assert one.shape.equivalent_diameter == pytest.approx(19.5, abs=1e-4)
    assert one.shape.circularity > 0.999
    assert one.intensity == intensity(IMAGE.original, one.mask)
    assert (one.kind, one.parent, one.confidence, one.uncertainty) == ("droplet", None, 1.0, None)
    assert one.boundary.kept_because == BY_HAND
    assert [each.mask.area for each in analysis.droplets] == [LARGE.area, MIDDLE.area, one.mask.area]
    assert by_hand(found(drawn=[[150, 120, 9]], objects="beads"))[0].kind == "bead"


def test_what_lies_in_a_droplet_is_its_content_and_what_a_drawn_one_holds_is_its_own():
    inside = by_hand(found(LARGE, MIDDLE, drawn=[[50, 60, 5], [120, 60, 9]]))
    assert [(one.kind, one.parent) for one in inside] == [("droplet", 1), ("bead", 0)]
    around = found(MIDDLE, BEAD, drawn=[[50, 60, 20]]).droplets
    assert [(one.kind, one.parent, one.mask.found_by == "hand") for one in around] == [
        ("droplet", None, True),
        ("droplet", None, False),
        ("bead", 0, False),
    ]


def test_with_exclusions_one_is_split_and_two_are_merged_and_keep_their_beads():
    left, right = [[30, 40], [50, 40], [50, 80], [30, 80]], [[50, 40], [70, 40], [70, 80], [50, 80]]
    split = found(LARGE, BEAD, drawn=[left, right], exclude=[[55, 60]])
    assert split.removed["excluded"] == 1
    assert [(one.kind, one.parent, round(one.mask.centroid[0])) for one in split.droplets] == [
        ("droplet", None, 40),
        ("droplet", None, 60),
        ("bead", 0, 44),
    ]
    merged = found(LARGE, MIDDLE, BEAD, drawn=[[85, 60, 60]], exclude=[[60, 60], [120, 60]])
    assert [(one.kind, one.parent) for one in merged.droplets] == [("droplet", None), ("bead", 0)]


def test_an_outline_is_cut_where_picture_or_region_end():
    (whole,) = by_hand(found(drawn=[[0, 80, 10]]))
    assert whole.border.touching == ["left"]
    assert whole.shape.equivalent_diameter == pytest.approx(20 / np.sqrt(2), abs=0.7)
    (part,) = by_hand(found(drawn=[[60, 80, 10]], roi=[60, 40, 90, 70]))
    assert (part.mask.x, part.mask.box[2:]) == (60, (11, 21))


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ([300, 80, 20], "drawn.1 has less than a pixel in the picture"),
        ([50.5, 50.5, 0.4], "drawn.1 has less than a pixel"),
        ([50, 50, 0.01], "drawn.1 has less than a pixel"),
        ([[10, 10.2], [90, 10.2], [90, 10.6]], "drawn.1 has less than a pixel"),
        ([1e300, 50, 5], "drawn.1 reaches further"),
        (STAR.tolist(), "drawn.1 crosses itself"),
    ],
)
def test_an_outline_that_is_none_is_refused_before_the_model_runs(shape, why):
    with pytest.raises(BadRequest, match=why):
        found(drawn=[[50, 50, 5], shape])


def test_outlines_far_larger_than_the_picture_are_refused():
    with pytest.raises(BadRequest, match="far larger than the picture"):
        found(drawn=[[100, 80, 1000]] * 500)


def test_a_polygon_keeps_what_has_its_centre_inside_whole():
    analysis = found(LARGE, BEAD, MIDDLE, roi=[[48, 5], [150, 5], [150, 150], [48, 150]], drawn=[[20, 20, 9]])
    assert [(one.kind, one.mask.area, one.parent) for one in analysis.droplets] == [
        ("droplet", LARGE.area, None),
        ("droplet", MIDDLE.area, None),
        ("bead", BEAD.area, 0),
    ]
    assert analysis.removed["outside"] == 1
    assert found(LARGE, BEAD, roi=[[90, 5], [150, 5], [150, 150]]).removed["outside"] == 2
    with pytest.raises(
        BadRequest, match=r"options\.roi: every corner must lie within the picture of 200 x 160"
    ):
        found(roi=[[0, 0], [200, 0], [0, 100]])


def test_neighbours_in_a_polygon_are_those_of_the_whole_picture():
    centres = [(20 + 30 * x, 20 + 30 * y) for x in range(6) for y in range(5)]
    masks = [disc(x + 3 * np.sin(y), y + 3 * np.cos(x), 12) for x, y in centres]
    region = np.array([[30, 10], [190, 40], [150, 150], [20, 130]], float)
    frame = (0, 0, WIDTH, HEIGHT)
    whole = neighbours(found(*masks).droplets, frame, None)["droplets"]
    part = found(*masks, roi=region.tolist()).droplets
    some = neighbours(part, frame, None, region)
    known = {round(each["nearest_distance"], 9) for each in whole}
    assert 0 < some["interior"] < len(whole)
    assert all(round(each["nearest_distance"], 9) in known for each in some["droplets"])
    area = filled(region, WIDTH, HEIGHT).area
    assert some["covered_fraction"] == sum(one.mask.area for one in part) / area


def test_every_export_says_what_was_made_by_hand():
    analysis = found(LARGE, drawn=[[150, 120, 9]])
    files = opened(bundle(IMAGE, analysis, name="a.png", summary=summary(analysis.droplets, None)))
    assert [row.split(",") for row in files["droplets.csv"].decode().splitlines()][2].count("hand") == 1
    features = json.loads(files["outlines.geojson"])["features"]
    assert [each["properties"]["found_by"] for each in features] == ["prompt", "hand"]
    annotations = json.loads(files["masks_coco.json"])["annotations"]
    assert [each["droplet"]["found_by"] for each in annotations] == ["prompt", "hand"]
    assert annotations[1]["droplet"]["boundary_residual_px"] is None
    rois = [ImagejRoi.frombytes(each) for each in opened(files["rois_imagej.zip"]).values()]
    assert [roi.properties["found_by"] for roi in rois] == ["prompt", "hand"]
    assert "| kept, of these found by hand | 1 |" in files["summary.md"].decode()


def test_a_polygon_holds_by_the_even_odd_rule_in_points_and_pixels():
    assert crosses_itself(STAR)
    assert not crosses_itself(STAR[[0, 3, 1, 4, 2]])
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    points = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(float)
    for polygon in (STAR, STAR - 40, STAR + 0.3, STAR[:3] * 3):
        mask = filled(polygon, WIDTH, HEIGHT)
        assert np.array_equal(in_frame(mask, WIDTH, HEIGHT).ravel(), holds(polygon, points))
        assert mask.box[0] >= box_within(polygon, WIDTH, HEIGHT)[0]
    assert not holds(STAR, np.array([[60.0, 55.0]]))[0]
    assert filled(STAR - 500, WIDTH, HEIGHT) is None
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], float)
    assert distance(square, np.array([[2, 1], [7, 8], [4, 4]], float)).tolist() == [1, 5, 0]
