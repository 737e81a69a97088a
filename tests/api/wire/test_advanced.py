"""What /advanced_analysis adds to a segmentation: on hand-made droplets, and over HTTP with the model."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image as PillowImage

from api.schemas.advanced import AdvancedAnalysis, Clusters, Contents, Encapsulation, Neighbours
from api.wire.advanced import advanced, contents, drawings
from droplets.analysis import Analysis
from droplets.options import Options
from droplets.types import PixelSize
from tests.conftest import KEY
from tests.droplets.shapes import disc, figured, measured, picture

PLOTS = {"diameter_histogram", "beads_per_droplet", "intensity_diameter"}
GREY = np.full((120, 160), 80, np.uint8)


def analysis(droplets, size=None):
    return Analysis(droplets, len(droplets), {}, {}, size)


def grid():
    """48 discs of 8 pixels in 8 columns and 6 rows, a bead in every third one."""
    places = [(12 + 19 * column, 12 + 19 * row) for row in range(6) for column in range(8)]
    droplets = [measured(disc(x, y, 8), GREY) for x, y in places]
    beads = [
        measured(disc(x, y, 2), GREY, kind="bead", parent=i) for i, (x, y) in enumerate(places) if i % 3 == 0
    ]
    return droplets + beads


class TestBody:
    def test_every_part_validates_against_its_schema(self):
        body = advanced(picture(GREY), analysis(grid(), PixelSize(2.0, "request")), Options())
        assert set(body) == {"clusters", "contents", "encapsulation", "neighbours"}
        for name, schema in (
            ("clusters", Clusters),
            ("encapsulation", Encapsulation),
            ("neighbours", Neighbours),
        ):
            schema.model_validate_json(json.dumps(body[name], allow_nan=False), strict=True)
        for entry in body["contents"]:
            Contents.model_validate_json(json.dumps(entry, allow_nan=False), strict=True)

    def test_the_parts_are_about_the_same_droplets(self):
        body = advanced(picture(GREY), analysis(grid()), Options())
        assert body["encapsulation"]["droplets"] == len(body["contents"]) == 48
        assert body["encapsulation"]["beads"] == sum(entry["beads"] for entry in body["contents"]) == 16
        assert body["clusters"]["labels"] == [0] * 48 + [None] * 16
        assert body["neighbours"]["interior"] > 10

    def test_neighbours_are_those_of_the_region(self):
        droplets = grid()
        whole = advanced(picture(GREY), analysis(droplets), Options())["neighbours"]
        part = advanced(picture(GREY), analysis(droplets), Options(roi=[2, 2, 120, 100]))["neighbours"]
        assert part["interior"] < whole["interior"]

    def test_plots_are_pngs(self):
        found = analysis(grid())
        drawn = drawings(found, advanced(picture(GREY), found, Options()))
        assert set(drawn) == PLOTS
        for png in drawn.values():
            assert PillowImage.open(io.BytesIO(png)).format == "PNG"

    @pytest.mark.parametrize("droplets", [[], grid()[:1], grid()[:2]], ids=["none", "one", "two"])
    def test_few_droplets(self, droplets):
        body = advanced(picture(GREY), analysis(droplets), Options())
        assert set(drawings(analysis(droplets), body)) == PLOTS
        json.dumps(body, allow_nan=False)
        assert len(body["contents"]) == len(droplets)


def test_contents_name_the_children_with_their_intensities():
    droplets = [
        figured(),
        figured(),
        figured(kind="bead", parent=1, area=20, diameter=5, grey=(30, 5, 60, 2, 31)),
        figured(kind="other", parent=1),
    ]
    first, second = contents(droplets)
    assert first == {"id": 0, "beads": 0, "children": []}
    assert (second["id"], second["beads"]) == (1, 1)
    assert [child["id"] for child in second["children"]] == [2, 3]
    assert second["children"][0] == {
        "id": 2,
        "kind": "bead",
        "equivalent_diameter": 5,
        "mean_intensity": 30,
        "max_intensity": 60,
        "integrated_intensity": 600,
    }


class TestRoute:
    def test_the_key_is_required(self, client):
        assert client.post("/advanced_analysis", json={"image": "AAAA"}).status_code == 401

    def test_nothing_is_400(self, client):
        assert client.post("/advanced_analysis", headers={"X-API-Key": KEY}).status_code == 400

    @pytest.mark.parametrize("groups", [{"options": {"plots": 1}}, {"option": {}}])
    def test_wrong_options_are_400_in_both_forms(self, client, discs, groups):
        image = base64.b64encode(discs).decode()
        by_json = client.post(
            "/advanced_analysis", json={"image": image, **groups}, headers={"X-API-Key": KEY}
        )
        assert by_json.status_code == post_file(client, discs, **groups).status_code == 400

    @pytest.mark.model
    def test_it_answers_a_segmentation_and_more_in_both_forms(self, model_app, discs):
        client = model_app.test_client()
        options = {"quality": "fast", "pixel_size_um": 2.0, "plots": True}
        by_file = post_file(client, discs, options=options)
        assert by_file.status_code == 200, by_file.text
        AdvancedAnalysis.model_validate_json(by_file.text, strict=True)
        image = base64.b64encode(discs).decode()
        by_json = client.post(
            "/advanced_analysis", json={"image": image, "options": options}, headers={"X-API-Key": KEY}
        )
        plain = client.post("/segment", json={"image": image, "options": options}, headers={"X-API-Key": KEY})
        changing = ("request_id", "timing_ms")
        first, second, third = (
            {name: value for name, value in answer.json.items() if name not in changing}
            for answer in (by_file, by_json, plain)
        )
        assert first == second
        assert third == {name: first[name] for name in third}
        assert set(first["plots"]) == PLOTS
        assert all(url.startswith("data:image/png;base64,iVBOR") for url in first["plots"].values())
        assert [entry["id"] for entry in first["contents"]] == [
            mask["id"] for mask in first["masks"] if mask["kind"] == "droplet"
        ]


def post_file(client, data, **groups):
    form = {name: json.dumps(value) for name, value in groups.items()}
    return client.post(
        "/advanced_analysis",
        data={"file": (io.BytesIO(data), "picture.png"), **form},
        headers={"X-API-Key": KEY},
    )
