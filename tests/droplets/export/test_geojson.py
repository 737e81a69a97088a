"""GeoJSON that other libraries take for valid, with the same pixels and figures."""

from __future__ import annotations

import geojson
import numpy as np
import shapely
from shapely.geometry import shape

from droplets.analysis import Analysis
from droplets.export.geojson import feature_collection
from droplets.export.kinds import COLOURS
from droplets.types import PixelSize
from tests.droplets.export.filling import HEIGHT, WIDTH, analysed, every_mask, shapes
from tests.droplets.shapes import disc, in_frame, rectangle


def features(analysis: Analysis) -> list[geojson.Feature]:
    collection = geojson.loads(feature_collection(analysis))
    assert isinstance(collection, geojson.FeatureCollection)
    assert collection.is_valid, collection.errors()
    return collection["features"]


def test_every_mask_comes_back_as_a_valid_polygon():
    masks = every_mask()
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    for feature, mask in zip(features(analysed(masks)[1]), masks, strict=True):
        polygon = shape(feature["geometry"])
        assert polygon.is_valid, shapely.is_valid_reason(polygon)
        assert np.array_equal(shapely.contains_xy(polygon, columns, rows), in_frame(mask, WIDTH, HEIGHT))


def test_rings_are_closed_and_right_handed():
    for feature in features(analysed(every_mask(50))[1]):
        geometry = feature["geometry"]
        parts = geometry["coordinates"]
        for part in [parts] if geometry["type"] == "Polygon" else parts:
            for number, ring in enumerate(part):
                assert ring[0] == ring[-1]
                assert shapely.LinearRing(ring).is_ccw == (number == 0)


def test_holes_are_inner_rings():
    (feature,) = features(analysed([shapes()["ring"]])[1])
    assert feature["geometry"]["type"] == "Polygon"
    assert len(feature["geometry"]["coordinates"]) == 2


def test_properties_are_those_that_qupath_reads():
    masks = [disc(30, 30, 20), disc(30, 30, 3), rectangle(0, 0, 5, 2)]
    _, analysis = analysed(masks, {1: "bead", 2: "other"}, {1: 0}, PixelSize(2.0, "request"))
    found = [feature["properties"] for feature in features(analysis)]
    assert [each["objectType"] for each in found] == ["detection"] * 3
    assert [each["name"] for each in found] == ["droplet-0000", "bead-0001", "other-0002"]
    assert [each["classification"] for each in found] == [
        {"name": kind, "color": list(colour)} for kind, colour in COLOURS.items()
    ]
    measurements = {each["name"]: each["value"] for each in found[2]["measurements"]}
    assert (measurements["area_px"], measurements["area_um2"]) == (10, 40)


def test_measurements_are_numbers_that_are_known():
    for feature in features(analysed([disc(30, 30, 20)])[1]):
        measurements = feature["properties"]["measurements"]
        assert all(type(each["value"]) in (int, float) for each in measurements)
        assert "volume_pl" not in {each["name"] for each in measurements}
