"""POST /download_analysis: the ZIP of everything, over HTTP with the model."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import pytest

from api.schemas.advanced import AdvancedAnalysis
from tests.conftest import KEY

FILES = {
    "summary.md",
    "droplets.csv",
    "overlay.png",
    "rois_imagej.zip",
    "labels.tif",
    "outlines.geojson",
    "masks_coco.json",
    "analysis.json",
    "plots/diameter_histogram.png",
    "plots/beads_per_droplet.png",
    "plots/intensity_diameter.png",
}


def post(client, data, name="../frame 1.png", **options):
    return client.post(
        "/download_analysis",
        data={"file": (io.BytesIO(data), name), "options": json.dumps(options)},
        headers={"X-API-Key": KEY},
    )


def test_the_key_is_required(client):
    assert client.post("/download_analysis", json={"image": "AAAA"}).status_code == 401


def test_a_wrong_option_is_a_400_in_json(client, discs):
    answer = post(client, discs, quality="best")
    assert (answer.status_code, answer.json["success"]) == (400, False)


@pytest.mark.model
def test_every_format_describes_the_same_droplets(model_app, discs):
    answer = post(model_app.test_client(), discs, quality="fast", pixel_size_um=2.0)
    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="frame_1-analysis.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert set(archive.namelist()) == FILES
    body = archive.read("analysis.json").decode()
    AdvancedAnalysis.model_validate_json(body, strict=True)
    found = json.loads(body)["num_masks"]
    assert found >= 12
    assert len(archive.read("droplets.csv").decode().splitlines()) == 1 + found
    assert len(json.loads(archive.read("masks_coco.json"))["annotations"]) == found
    assert "frame 1.png" in archive.read("summary.md").decode()


@pytest.mark.model
def test_a_picture_in_json_is_called_picture(model_app, discs):
    answer = model_app.test_client().post(
        "/download_analysis",
        json={"image": base64.b64encode(discs).decode(), "options": {"quality": "fast"}},
        headers={"X-API-Key": KEY},
    )
    assert answer.headers["Content-Disposition"] == 'attachment; filename="picture-analysis.zip"'


@pytest.mark.model
@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("液滴.png", "picture"),
        (".png", "png"),
        ("a" * 300 + ".png", "a" * 100),
        ("drops.ome.tif", "drops.ome"),
    ],
)
def test_the_archive_has_the_picture_s_name(model_app, discs, name, stem):
    answer = post(model_app.test_client(), discs, name=name, quality="fast")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{stem}-analysis.zip"'
