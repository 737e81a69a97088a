"""A request has one answer, whatever the service remembers of its picture."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask import Flask

from api.plumbing.services import services
from app import create_app
from config import Settings
from droplets.finding.segmenter import EFFORTS
from tests.conftest import KEY, ROOT, png
from training.rendering.plain import render_brightfield

pytestmark = pytest.mark.model

QUALITIES = ("fast", "balanced", "thorough")
RENDERING = render_brightfield(320, 240, count=60, diameter=22, beads_per_droplet=0.5, seed=5)
PICTURE = png(RENDERING.pixels)
ONE, OTHER = (
    [round(droplet.x, 1), round(droplet.y, 1)]
    for droplet in [droplet for droplet in RENDERING.droplets if not droplet.touches_border][3:5]
)
ASKED: dict[str, dict[str, Any]] = {
    "everything": {},
    "the page's click": {"points": [ONE], "automatic_filters": False, "mask_format": "polygon"},
    "points": {"points": [ONE, OTHER]},
    "add": {"add": [ONE, [3, 3]]},
    "points and add": {"points": [ONE], "add": [OTHER]},
}


@pytest.fixture(autouse=True)
def _open_points(monkeypatch) -> None:
    """Of thorough's grid fewer than the thousand of the service."""
    monkeypatch.setitem(EFFORTS, "thorough", replace(EFFORTS["thorough"], grid=12))


@pytest.fixture(scope="module")
def forgetful_app(tmp_path_factory) -> Flask:
    """A service that remembers no picture."""
    app = create_app(
        Settings(
            _env_file=None,
            api_keys=f"{KEY}:Ada:100000",
            sam_model_path=ROOT / "model" / "mobile_sam.pt",
            head_model_path=ROOT / "model" / "droplet_head.safetensors",
            data_dir=tmp_path_factory.mktemp("data"),
            cache_size=0,
        )
    )
    yield app
    services(app).close()


def answer(app: Flask, options: dict[str, Any]) -> dict[str, Any]:
    form = {"file": (io.BytesIO(PICTURE), "picture.png"), "options": json.dumps(options)}
    response = app.test_client().post("/segment_file", data=form, headers={"X-API-Key": KEY})
    assert response.status_code == 200, response.text
    return {name: part for name, part in response.json.items() if name not in ("timing_ms", "request_id")}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("quality", QUALITIES)
def test_cold_or_warm_after_another_quality_or_itself(forgetful_app, model_app, quality, asked):
    options = {**ASKED[asked], "quality": quality}
    cold = answer(forgetful_app, options)
    assert cold["num_masks"] >= 1
    for other in QUALITIES:
        if other != quality:
            answer(model_app, {"quality": other})
    assert answer(model_app, options) == cold
    assert answer(model_app, options) == cold


@pytest.mark.parametrize("quality", QUALITIES)
def test_a_click_on_a_droplet_measures_it_as_everything_does(model_app, quality):
    """But for what thorough's decoder outlines better than the one pass."""
    (clicked,) = (
        one
        for one in answer(model_app, {"points": [ONE], "quality": quality, "contents": False})["masks"]
        if one["kind"] == "droplet"
    )
    among_all = answer(model_app, {"quality": quality, "contents": False})["masks"]
    nearest = min(among_all, key=lambda one: np.hypot(*np.subtract(one["centroid"], clicked["centroid"])))
    assert clicked["equivalent_diameter"] == pytest.approx(nearest["equivalent_diameter"], rel=0.01)
