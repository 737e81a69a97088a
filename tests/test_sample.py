"""The sample picture's count is right, by the whole service with its defaults."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from tests.conftest import KEY, ROOT

pytestmark = pytest.mark.model


def test_the_samples_count_is_right_within_3_percent(model_app):
    picture = (ROOT / "examples" / "droplets.png").read_bytes()
    truth = json.loads((ROOT / "examples" / "droplets.json").read_text())
    inside = [droplet for droplet in truth["droplets"] if not droplet["touches_border"]]
    answer = model_app.test_client().post(
        "/segment_file", data={"file": (io.BytesIO(picture), "droplets.png")}, headers={"X-API-Key": KEY}
    )
    found = [mask for mask in answer.json["masks"] if mask["kind"] == "droplet"]
    assert len(found) == pytest.approx(len(inside), rel=0.03)
    centres = np.array([mask["centroid"] for mask in found])
    hits = [np.hypot(*(centres - (d["x"], d["y"])).T).min() < d["radius"] / 4 for d in inside]
    assert sum(hits) >= 0.97 * len(inside)
