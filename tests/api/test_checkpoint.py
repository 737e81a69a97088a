"""The checkpoint as the whole service sees it: of another training, and replaced while in use."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
import torch

from droplets.sam.checkpoint import read_tensors
from tests.conftest import ADMIN_KEY, KEY, ROOT

pytestmark = pytest.mark.model


@pytest.fixture
def retrained(tmp_path) -> Path:
    """A checkpoint of the right layout that no source has."""
    tensors = read_tensors(ROOT / "model" / "mobile_sam.pt")
    name = next(iter(tensors))
    tensors[name] = tensors[name] * 1.0001
    torch.save(tensors, tmp_path / "retrained.pt")
    return tmp_path / "retrained.pt"


def segment(app, picture: bytes):
    form = {"file": (io.BytesIO(picture), "a.png"), "options": '{"quality": "fast"}'}
    return app.test_client().post("/segment_file", data=form, headers={"X-API-Key": KEY})


def model_level(app) -> dict:
    answer = app.test_client().get("/admin/health", headers={"X-Admin-Key": ADMIN_KEY})
    return answer.json["levels"]["model"]


def test_a_checkpoint_of_another_training_is_refused(make_app, retrained, discs):
    app = make_app(sam_model_path=retrained)
    refused = segment(app, discs)
    assert (refused.status_code, refused.json["error"]) == (503, "model unavailable")
    assert str(retrained.parent) not in refused.text
    assert app.test_client().get("/health/ready").status_code == 503
    assert model_level(app)["status"] == "unhealthy"


def test_a_checkpoint_of_another_training_is_used_and_named_if_asked_for(make_app, retrained, discs):
    app = make_app(sam_model_path=retrained, sam_model_accept_unknown=True)
    assert app.test_client().get("/health/ready").status_code == 200
    answer = segment(app, discs)
    assert answer.status_code == 200
    assert answer.json["num_masks"] > 0
    assert answer.json["model"]["checkpoint"] == "unknown"
    assert model_level(app)["checkpoint"]["source"] == "unknown"


def test_a_loaded_model_goes_on_while_its_file_is_replaced_and_health_tells(make_app, tmp_path, discs):
    path = tmp_path / "model.pt"
    shutil.copyfile(ROOT / "model" / "mobile_sam.pt", path)
    app = make_app(sam_model_path=path, cache_size=0)
    first = segment(app, discs).json
    (tmp_path / "new.pt").write_bytes(b"half of a download")
    (tmp_path / "new.pt").replace(path)
    level = model_level(app)
    assert level["status"] == "degraded"
    assert "changed since" in level["reasons"][0]
    assert "model.pt" in level["reasons"][1]
    assert app.test_client().get("/health/ready").status_code == 200
    again = segment(app, discs).json
    assert again["num_masks"] == first["num_masks"]
    assert again["model"] == first["model"]
    shutil.copyfile(ROOT / "model" / "mobile_sam.pt", path)
    assert model_level(app)["status"] == "healthy"


@pytest.mark.parametrize("setting", ["sam_model_path", "head_model_path"])
@pytest.mark.parametrize("fault", ["missing", "cut", "swapped"])
def test_a_file_of_the_model_that_is_not_right_is_a_503_until_it_is(
    make_app, tmp_path, discs, setting, fault
):
    names = {"sam_model_path": "mobile_sam.pt", "head_model_path": "droplet_head.safetensors"}
    right = ROOT / "model" / names.pop(setting)
    (other,) = names.values()
    path = tmp_path / right.name
    if fault != "missing":
        data = (right if fault == "cut" else ROOT / "model" / other).read_bytes()
        path.write_bytes(data[: len(data) // 2] if fault == "cut" else data)
    app = make_app(**{setting: path})
    refused = segment(app, discs)
    assert (refused.status_code, refused.json["error"]) == (503, "model unavailable")
    assert refused.headers["Retry-After"]
    assert str(tmp_path) not in refused.text
    assert app.test_client().get("/defaults", headers={"X-API-Key": KEY}).status_code == 200
    assert app.test_client().get("/health/ready").status_code == 503
    path.unlink(missing_ok=True)
    path.symlink_to(right)
    assert app.test_client().get("/health/ready").status_code == 200
    if (setting, fault) == ("head_model_path", "missing"):  # each takes a model's loading
        assert segment(app, discs).status_code == 200
