"""A run on a Ray cluster comes to what a run here comes to, though a worker dies."""

from __future__ import annotations

import time
from functools import partial

import psutil
import pytest

from batch.model import SharedModel
from batch.recipe import Recipe
from batch.run import Asked, segment
from config import MODEL
from droplets.errors import BadRequest
from tests.batch.test_run import table, without_seconds

pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.model]

from batch import ray_engine  # noqa: E402  # imports Ray

LOAD = partial(SharedModel, MODEL / "mobile_sam.pt", "cpu", 1)


def busy_worker() -> psutil.Process:
    """A worker that has a picture; Ray names its processes for what they do."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for process in psutil.Process().children(recursive=True):
            if process.name().startswith("ray::Worker.fin"):
                return process
    raise AssertionError("no worker has a picture")


def test_a_worker_that_dies_costs_the_picture_that_it_had_and_another_does_it(model, folder, tmp_path):
    (folder / "3.png").write_bytes((folder / "0.png").read_bytes())
    (folder / "bad.png").write_bytes(b"no picture")
    told, killed = [], []

    def tell(outcome):
        told.append(outcome.name)
        if not killed:
            killed.append(busy_worker())
            killed[0].kill()

    asked = Asked((str(folder),), tmp_path / "ray", Recipe())
    engine = ray_engine.RayEngine("local", "cpu")
    result = segment(asked, LOAD, 1, engine=engine, begin=lambda _: None, tell=tell)
    assert len(killed) == 1
    assert sorted(told) == ["0.png", "1.png", "2.png", "3.png", "bad.png"]
    assert [failure.error for failure in result.failures] == ["UnsupportedImage"]
    here = Asked((str(folder),), tmp_path / "here", Recipe())
    segment(here, lambda: model, 1, begin=lambda _: None, tell=lambda _: None)
    for name in ("droplets.csv", "errors.csv"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    pictures = [without_seconds(tmp_path / out / "pictures.csv") for out in ("ray", "here")]
    assert pictures[0] == pictures[1]
    assert len(table(tmp_path / "ray" / "errors.csv")) == 1


def test_where_no_cluster_is_one_is_told_how_to_start_it(folder, tmp_path):
    asked = Asked((str(folder),), tmp_path / "out", Recipe())
    engine = ray_engine.RayEngine("auto", "cpu")
    with pytest.raises(BadRequest, match="ray start --head"):
        segment(asked, LOAD, 1, engine=engine, begin=lambda _: None, tell=lambda _: None)
