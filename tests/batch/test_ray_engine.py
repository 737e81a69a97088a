"""A run on a Ray cluster comes to what a run here comes to, though workers die."""

from __future__ import annotations

import os
import signal
from functools import partial

import cv2
import pytest

from batch.model import SharedModel
from batch.recipe import Recipe
from batch.run import Asked, segment
from config import MODEL
from droplets.errors import BadRequest, Unavailable
from tests.batch.test_run import without_seconds

pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.model]

from batch import ray_engine  # noqa: E402  # imports Ray

CHECKPOINT = MODEL / "mobile_sam.pt"


def test_a_worker_that_dies_costs_the_picture_that_it_had_and_another_does_it(
    model, folder, tmp_path, monkeypatch
):
    """One worker at a time. Of the pictures one kills its worker once, the last one each that has it."""
    pixels = cv2.imread(str(folder / "0.png"))
    cv2.imwrite(str(folder / "once.png"), pixels[:119])
    cv2.imwrite(str(folder / "z.png"), pixels[:118])
    (folder / "bad.png").write_bytes(b"no picture")
    died = tmp_path / "died"

    def load():
        class Mortal(SharedModel):
            def generate(self, request):
                height = request.pixels.shape[0]
                if height == 118 or (height == 119 and not died.exists()):
                    died.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                return super().generate(request)

        return Mortal(CHECKPOINT, "cpu", 1)

    monkeypatch.setattr(ray_engine, "MOST_LOST", 2)
    told = []
    asked = Asked((str(folder),), tmp_path / "ray", Recipe())
    result = segment(
        asked,
        load,
        1,
        engine=ray_engine.RayEngine("local", "cpu"),
        begin=lambda _: None,
        tell=lambda outcome: told.append(outcome.name),
    )
    assert died.exists()
    assert sorted(told) == ["0.png", "1.png", "2.png", "bad.png", "once.png", "z.png"]
    failed = {failure.picture: failure.error for failure in result.failures}
    assert failed == {"bad.png": "UnsupportedImage", "z.png": "WorkerLost"}
    (folder / "z.png").unlink()
    here = Asked((str(folder),), tmp_path / "here", Recipe())
    segment(here, lambda: model, 1, begin=lambda _: None, tell=lambda _: None)
    droplets = [(tmp_path / out / "droplets.csv").read_bytes() for out in ("ray", "here")]
    pictures = [without_seconds(tmp_path / out / "pictures.csv") for out in ("ray", "here")]
    assert droplets[0] == droplets[1]
    assert pictures[0] == pictures[1]


def test_where_ray_does_not_start_one_is_told_so_without_a_trace(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", os.devnull)
    asked = Asked((str(folder),), tmp_path / "out", Recipe())
    load = partial(SharedModel, CHECKPOINT, "cpu", 1)
    with pytest.raises(Unavailable, match="Ray does not start"):
        segment(
            asked,
            load,
            1,
            engine=ray_engine.RayEngine("local", "cpu"),
            begin=lambda _: None,
            tell=lambda _: None,
        )


def test_where_no_cluster_is_one_is_told_how_to_start_it(folder, tmp_path):
    asked = Asked((str(folder),), tmp_path / "out", Recipe())
    load = partial(SharedModel, CHECKPOINT, "cpu", 1)
    engine = ray_engine.RayEngine("nowhere", "cpu")
    with pytest.raises(BadRequest, match="at nowhere: `ray start --head`"):
        segment(asked, load, 1, engine=engine, begin=lambda _: None, tell=lambda _: None)
