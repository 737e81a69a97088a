"""Channel, plane and frame over HTTP; the masks are the truth of a rendered pair, without a model."""

from __future__ import annotations

import base64
import importlib.util
import io
import json

import cv2
import numpy as np
import pytest

from api.plumbing.services import services
from droplets.types import Generation
from tests.conftest import KEY, png
from tests.droplets.images import tiff
from tests.droplets.pairs import pair

TRUTH = pair(size=256, positives=0.2, seed=1)
BRIGHT = np.full((256, 256), 140, np.uint16)
TWO_CHANNELS = {
    order: tiff(
        np.stack([channels[name] for name in order.split()])[None],
        ome=True,
        photometric="minisblack",
        metadata={"axes": "TCYX", "Channel": {"Name": order.split()}},
    )
    for channels in [{"BF": BRIGHT, "FAM": TRUTH.fluorescence.astype(np.uint16)}]
    for order in ("BF FAM", "FAM BF")
}


@pytest.fixture
def client(app, monkeypatch):
    timing = {"queue": 0.0, "encode": 0.0, "generate": 0.0}
    monkeypatch.setattr(services(app).sam, "generate", lambda *_: Generation(tuple(TRUTH.masks), timing))
    return app.test_client()


def post(client, path: str, picture: bytes, *, fluorescence: bytes | None = None, **options):
    form = {"file": (io.BytesIO(picture), "a.tif"), "options": json.dumps(options)}
    if fluorescence is not None:
        form["fluorescence"] = (io.BytesIO(fluorescence), "b.tif")
    return client.post(path, data=form, headers={"X-API-Key": KEY})


@pytest.mark.parametrize("order", TWO_CHANNELS)
def test_the_fluorescence_may_be_another_channel_of_the_file_whichever_comes_first(client, order):
    bright = png(BRIGHT)
    two_files = post(client, "/segment_file", bright, fluorescence=png(TRUTH.fluorescence)).json
    one_file = post(
        client, "/segment_file", TWO_CHANNELS[order], channel="BF", fluorescence_channel="FAM"
    ).json
    assert one_file["ddpcr"] == two_files["ddpcr"]
    assert one_file["ddpcr"]["positives"] > 0
    place = order.split().index
    notes = one_file["image"]["notes"]
    assert f"channel {place('BF')} (BF) of 2" in notes
    channels = [f"{i} ({name})" for i, name in enumerate(order.split())]
    assert one_file["image"]["axes"] == {"frames": 1, "planes": 1, "channels": channels}
    assert two_files["image"]["axes"] == {"frames": 1, "planes": 1, "channels": []}
    assert {mask["excluded"] for mask in one_file["masks"] if mask["fluorescence"]} == {None}
    reasons = [mask["excluded"] for mask in one_file["masks"] if not mask["fluorescence"]]
    assert all(reasons)
    assert f"fluorescence: channel {place('FAM')} (FAM) of 2" in notes


def test_the_channel_of_a_fluorescence_picture_is_not_guessed(client):
    answer = post(client, "/segment_file", png(BRIGHT), fluorescence=TWO_CHANNELS["BF FAM"])
    assert answer.status_code == 400
    assert "options.fluorescence_channel must say which channel" in answer.json["message"]
    named = post(
        client, "/segment_file", png(BRIGHT), fluorescence=TWO_CHANNELS["BF FAM"], fluorescence_channel=1
    )
    assert named.json["ddpcr"]["positives"] > 0


def test_every_route_takes_the_same_plane(client):
    frames = np.stack([np.full((64, 64), 40 * frame, np.uint8) for frame in range(5)])
    data = tiff(frames, photometric="minisblack")
    shown = cv2.imdecode(
        np.frombuffer(post(client, "/preview", data, frame=3).data, np.uint8), cv2.IMREAD_COLOR
    )
    assert (shown == 120).all()
    figures = post(client, "/analyze_image", data, frame=3).json
    assert (figures["overall"]["mean"], figures["notes"]) == (120, ["frame 3 of 5"])
    body = {"image": base64.b64encode(data).decode(), "options": {"frame": 4}}
    assert client.post("/analyze_image", json=body, headers={"X-API-Key": KEY}).json["overall"]["mean"] == 160


def test_a_frame_of_a_video_is_taken_and_what_is_none_is_422(client, tmp_path):
    path = tmp_path / "a.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"FFV1"), 10, (64, 64))
    for frame in range(4):
        writer.write(np.full((64, 64, 3), 40 + 50 * frame, np.uint8))
    writer.release()
    video = path.read_bytes()
    answer = post(client, "/analyze_image", video, frame=3).json
    assert answer["overall"]["mean"] == pytest.approx(190, abs=3)
    assert (answer["format"], answer["notes"]) == ("AVI", ["frame 3 of 4"])
    broken = post(client, "/preview", video[:100])
    assert (broken.status_code, broken.json["error"]) == (422, "image cannot be decoded")
    assert "save it as AVI with MJPEG" in broken.json["message"]


@pytest.mark.skipif(importlib.util.find_spec("czifile") is not None, reason="the extra is installed")
def test_a_format_of_an_extra_that_is_not_installed_is_415_with_what_to_do(client):
    answer = post(client, "/preview", b"ZISRAWFILE" + bytes(500))
    assert answer.status_code == 415
    assert "install the extra microscopes, or save the picture as OME-TIFF" in answer.json["message"]


@pytest.mark.parametrize("path", ["/segment_file", "/preview", "/analyze_image"])
def test_a_frame_that_there_is_not_is_400_and_named(client, path):
    answer = post(client, path, png(BRIGHT), frame=1)
    assert (answer.status_code, answer.json["message"]) == (
        400,
        "options.frame is 1; the file has one frame.",
    )


@pytest.mark.parametrize("path", ["/preview", "/analyze_image"])
def test_options_are_checked_where_nothing_is_segmented_too(client, path):
    assert "options.fram is not known" in post(client, path, png(BRIGHT), fram=1).json["message"]


def test_droplets_are_not_looked_for_in_the_fluorescence_by_chance(client):
    answer = post(client, "/segment_file", TWO_CHANNELS["FAM BF"], fluorescence_channel="FAM")
    assert answer.status_code == 400
    assert "options.channel" in answer.json["message"]
    wanted = post(client, "/segment_file", TWO_CHANNELS["FAM BF"], fluorescence_channel="FAM", channel="FAM")
    assert wanted.status_code == 200
