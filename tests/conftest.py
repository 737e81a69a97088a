"""Settings, apps and keys that many tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.plumbing.logs import configure_logging
from api.plumbing.services import services
from app import create_app
from benchmarks.model import forgetful
from config import Settings
from droplets.finding.segmenter import Segmenter
from droplets.pipeline import GenerateMasks
from model.download import SourceUnavailable
from web import plotly

ROOT = Path(__file__).parent.parent
KEY = "test-key-of-ada-0001"
SMALL_KEY = "test-key-of-bob-0002"
OFF_KEY = "test-key-of-eve-0003"
ADMIN_KEY = "test-admin-key-0004"
HEALTH_KEY = "test-health-key-0005"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background; children inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def plotly_bundle() -> bytes:
    """The charts' JavaScript; the tests that need it are skipped without it, but never in CI."""
    try:
        plotly.fetch()
    except SourceUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the charts' JavaScript cannot be had: {error}")
    return plotly.BUNDLE.read_bytes()


@pytest.fixture
def make_settings(tmp_path) -> Callable[..., Settings]:
    """Settings of a test, free of the machine's environment and `.env`."""

    def make(**changes: object) -> Settings:
        values = {
            "api_keys": f"{KEY}:Ada:1000,{SMALL_KEY}:Bob:3,{OFF_KEY}:Eve:10:disabled",
            "admin_api_key": ADMIN_KEY,
            "health_check_key": HEALTH_KEY,
            "sam_model_path": ROOT / "model" / "mobile_sam.pt",
            "head_model_path": ROOT / "model" / "droplet_head.safetensors",
            "data_dir": tmp_path / "data",
            "log_level": "INFO",
        }
        return Settings(_env_file=None, **{**values, **changes})

    return make


@pytest.fixture
def make_app(make_settings) -> Iterator[Callable[..., Flask]]:
    """Apps with settings of the test's own; a model is loaded only if the test asks for masks."""
    apps = []

    def make(**changes: object) -> Flask:
        apps.append(create_app(make_settings(**changes)))
        return apps[-1]

    yield make
    for app in apps:
        services(app).close()
    configure_logging(make_settings())  # away from log files of the test


@pytest.fixture
def app(make_app) -> Flask:
    """An app with the settings of `make_settings`."""
    return make_app()


@pytest.fixture
def client(app) -> FlaskClient:
    """Client of `app`."""
    return app.test_client()


@pytest.fixture(scope="session")
def model_app(tmp_path_factory) -> Iterator[Flask]:
    """One app with the real model for all tests that need masks."""
    app = create_app(
        Settings(
            _env_file=None,
            api_keys=f"{KEY}:Ada:100000",
            sam_model_path=ROOT / "model" / "mobile_sam.pt",
            head_model_path=ROOT / "model" / "droplet_head.safetensors",
            data_dir=tmp_path_factory.mktemp("data"),
        )
    )
    yield app
    services(app).close()


@pytest.fixture(scope="session")
def segmenter() -> Segmenter:
    """The real model with its head, outside any app."""
    return Segmenter(ROOT / "model" / "mobile_sam.pt", ROOT / "model" / "droplet_head.safetensors", "cpu")


@pytest.fixture(scope="session")
def generate(segmenter) -> GenerateMasks:
    """Gives the masks of a picture to `droplets.pipeline.analyze`."""
    return forgetful(segmenter)


def png(pixels: np.ndarray) -> bytes:
    """PNG of HxW or HxWx3 (RGB) uint8 or uint16."""
    stored = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    return cv2.imencode(".png", stored)[1].tobytes()


@pytest.fixture(scope="session")
def discs() -> bytes:
    """PNG of 256x256 with twelve bright discs of 30 pixels on grey, clear of the border."""
    picture = np.full((256, 256, 3), 110, np.uint8)
    for row in range(3):
        for column in range(4):
            cv2.circle(picture, (40 + 58 * column, 50 + 75 * row), 15, (40, 40, 40), 4)
            cv2.circle(picture, (40 + 58 * column, 50 + 75 * row), 13, (200, 200, 200), -1)
    return png(cv2.GaussianBlur(picture, (3, 3), 0))
