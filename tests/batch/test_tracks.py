"""A film in, tracks out: with the real model on rendered frames of known motion."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest
import tifffile

from batch.recipe import Recipe, make_recipe
from batch.run import Asked, report, segment
from droplets.errors import BadRequest
from training.rendering.series import Moving, merging, render_series

pytestmark = pytest.mark.model

WIDTH, HEIGHT, FRAMES, STEP = 240, 160, 8, 20


@pytest.fixture
def stack(tmp_path):
    """A row of droplets 40 pixels apart that move by half of that, and two in another row that merge."""
    row = [Moving(-120 + 40 * i + (3 * i) % 4, 40, 13 + i % 3, (STEP, 0.0)) for i in range(9)]
    pair = merging(60, 110, 15, 4, (STEP, 0.0))
    frames = render_series([*row, *pair], FRAMES, WIDTH, HEIGHT, seed=2)
    pixels = np.stack([frame.pixels for frame in frames])
    path = tmp_path / "pictures" / "flow.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": "TYX", "finterval": 0.5})
    return path


def run(model, inputs, out, recipe, **others):
    asked = Asked((str(inputs),), out, recipe, **others)
    return segment(asked, lambda: model, 2, begin=lambda _: None, tell=lambda _: None)


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_droplets_of_a_stack_are_followed_with_events_figures_and_a_film(model, stack, tmp_path):
    pytest.importorskip("laptrack")
    out = tmp_path / "out"
    recipe = make_recipe({"options": {"pixel_size_um": 2}}, ())
    run(model, stack, out, recipe, frames="all", tracks=True)
    rows = table(out / "tracks.csv")
    moved = {}
    for row in rows:
        moved.setdefault(row["track"], []).append(float(row["x_px"]) - STEP * int(row["frame"]))
    assert max(np.ptp(each) for each in moved.values()) < 3  # each track is one droplet
    assert {(row["source"], row["picture"][:14]) for row in rows} == {("flow.tif", "flow.tif.frame")}
    assert float(rows[0]["diameter_um"]) == pytest.approx(2 * float(rows[0]["diameter_px"]))
    assert float(rows[0]["time_s"]) == 0.5 * int(rows[0]["frame"])
    (event,) = table(out / "events.csv")
    assert (event["event"], event["frame"], len(event["tracks_before"].split())) == ("coalescence", "4", 2)
    tracks = table(out / "track_summary.csv")
    assert {row["track"] for row in tracks} == set(moved)
    speeds = [float(row["speed_um_per_s"]) for row in tracks if row["speed_um_per_s"]]
    assert np.median(speeds) == pytest.approx(STEP * 2 / 0.5, rel=0.01)
    (told,) = json.loads((out / "run.json").read_text())["record"]["tracks"]
    assert (told["frames"], told["interval_s"], told["coalescences"]) == (FRAMES, 0.5, 1)
    assert told["direction_deg"] == pytest.approx(0, abs=1)
    film = cv2.VideoCapture(str(out / "tracks" / "flow.tif.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    decoded, frame = film.read()
    assert decoded
    assert np.ptp(frame.astype(int), axis=2).max() > 100  # colours on a grey picture
    summary = (out / "summary.html").read_text(encoding="utf-8")
    assert "Droplets followed" in summary
    report(out)
    assert (out / "summary.html").read_text(encoding="utf-8") == summary
    (out / "events.csv").unlink()
    run(model, stack, out, recipe, frames="all", tracks=True)
    assert len(table(out / "events.csv")) == 1
    run(model, stack, out, recipe, frames="all", tracks=True, frame_interval_s=0.1)
    assert json.loads((out / "run.json").read_text())["record"]["tracks"][0]["interval_s"] == 0.1
    run(model, stack, out, recipe, frames="all")
    assert not [name for name in ("tracks.csv", "events.csv", "tracks") if (out / name).exists()]


def test_numbered_stills_are_one_series_with_its_gaps(model, stack, tmp_path):
    pytest.importorskip("laptrack")
    out, folder = tmp_path / "out", tmp_path / "stills"
    folder.mkdir()
    for number, pixels in enumerate(tifffile.imread(stack), 7):
        if number != 13:
            cv2.imwrite(str(folder / f"img_{number}.png"), pixels[: HEIGHT - number % 2])
    begun = []
    asked = Asked((str(folder),), out, Recipe(), tracks=True, frame_interval_s=0.5)
    segment(asked, lambda: model, 1, begin=begun.append, tell=lambda _: None)
    assert begun[0].gaps == {"img_#.png": "13"}
    moved = {}
    for row in table(out / "tracks.csv"):
        assert (row["source"], row["picture"]) == ("img_#.png", f"img_{row['frame']}.png")
        assert float(row["time_s"]) == 0.5 * int(row["frame"])
        moved.setdefault(row["track"], []).append(float(row["x_px"]) - STEP * int(row["frame"]))
    assert max(np.ptp(each) for each in moved.values()) < 3
    assert max(len(each) for each in moved.values()) >= 5  # beyond the gap
    (told,) = json.loads((out / "run.json").read_text())["record"]["tracks"]
    assert (told["frames"], told["gaps"], told["interval_s"]) == (FRAMES - 1, "13", 0.5)
    film = cv2.VideoCapture(str(out / "tracks" / "img_#.png.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES - 1  # though pictures differ in height


def test_tracks_need_frames(model, stack, tmp_path):
    pytest.importorskip("laptrack")
    with pytest.raises(BadRequest, match="by --frames, such as all, or give pictures that are numbered"):
        run(model, stack, tmp_path / "out", Recipe(), tracks=True)
