"""The committed sample picture is the one that the program renders."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from examples.render import FOLDER, main, render_beads, render_pcr, render_sample


def test_the_committed_sample_is_up_to_date():
    sample = render_sample()
    truth = json.loads((FOLDER / "droplets.json").read_text())
    assert truth == sample.truth()
    pixels = np.asarray(Image.open(FOLDER / "droplets.png"))
    # Another version of a library may round differently.
    assert np.abs(pixels.astype(int) - sample.pixels).max() <= 1


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("beads.png", render_beads),
        ("pcr-brightfield.tif", lambda: render_pcr()[0]),
        ("pcr-fluorescence.tif", lambda: render_pcr()[1]),
    ],
)
def test_the_tutorials_pictures_are_up_to_date(name, render):
    pixels = cv2.imread(str(FOLDER / name), cv2.IMREAD_UNCHANGED)
    drawn = render().pixels
    assert pixels.dtype == drawn.dtype
    assert np.abs(pixels.astype(int) - drawn).max() <= 1


def test_the_program_writes_picture_and_truth(tmp_path, monkeypatch):
    monkeypatch.setattr("examples.render.FOLDER", tmp_path)
    main()
    assert (tmp_path / "droplets.json").read_text() == (FOLDER / "droplets.json").read_text()
    assert (tmp_path / "droplets.png").stat().st_size < 400_000


def test_the_sample_shows_beads_and_droplets_cut_by_the_border():
    droplets = render_sample().droplets
    assert len(droplets) == 120
    assert sum(bool(droplet.beads) for droplet in droplets) > 15
    assert sum(droplet.touches_border for droplet in droplets) > 5
