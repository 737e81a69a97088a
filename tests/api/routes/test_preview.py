"""Pictures that browsers cannot show, as PNG that they can."""

from __future__ import annotations

import io
from contextlib import ExitStack

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from api.plumbing.services import services
from app import PICTURES_LOOKED_AT_ONCE
from tests.conftest import KEY


def post(client, picture: bytes, path: str = "/preview"):
    return client.post(path, data={"file": (io.BytesIO(picture), "a.tif")}, headers={"X-API-Key": KEY})


def test_a_16_bit_tiff_comes_as_8_bit_png_of_its_size_with_its_contrast(client):
    pixels = np.linspace(100, 4000, 64 * 48).reshape(48, 64).astype(np.uint16)
    file = io.BytesIO()
    tifffile.imwrite(file, pixels)
    answer = post(client, file.getvalue())
    assert answer.mimetype == "image/png"
    shown = cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert shown.dtype == np.uint8
    assert shown.shape == (48, 64, 3)
    assert int(shown.max()) - int(shown.min()) > 200


def test_red_stays_red(client):
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 2] = 255  # OpenCV's order
    answer = post(client, cv2.imencode(".png", red)[1].tobytes())
    assert (cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_COLOR) == red).all()


def test_without_a_key_or_a_picture_there_is_none(client):
    assert client.post("/preview").status_code == 401
    assert post(client, b"not a picture").status_code == 415


def test_a_picture_that_is_too_long_for_the_model_is_refused(client):
    file = io.BytesIO()
    Image.new("L", (1_100_000, 8)).save(file, "PNG")  # over what OpenCV writes
    answer = post(client, file.getvalue())
    assert answer.status_code == 400
    assert "times as long as it is wide" in answer.json["message"]


@pytest.mark.parametrize("path", ["/preview", "/analyze_image"])
def test_one_picture_too_many_is_told_when_to_come_back(app, client, monkeypatch, path):
    monkeypatch.setattr("api.wire.answer.LONGEST_WAIT_S", 0.01)
    picture = cv2.imencode(".png", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    with ExitStack() as others:
        for _ in range(PICTURES_LOOKED_AT_ONCE):
            others.enter_context(services(app).looking)
        busy = post(client, picture, path=path)
        assert (busy.status_code, busy.json["error"]) == (503, "busy")
        assert busy.headers["Retry-After"] in {"1", "2"}
        assert client.get("/health").status_code == 200
    for _ in range(PICTURES_LOOKED_AT_ONCE + 1):
        assert post(client, b"not a picture", path=path).status_code == 415  # gives its place back
    assert post(client, picture, path=path).status_code == 200
