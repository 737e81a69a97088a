"""A run whose controls give thresholds and crosstalk, with the real model."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from batch.controls import CONTROLS
from batch.plate import Plate
from batch.recipe import make_recipe
from batch.run import Asked, segment
from droplets.errors import BadRequest
from training.rendering.plain import render_brightfield, render_pair

pytestmark = pytest.mark.model

LEAK = 0.3
"""Of the first dye's light, in the second channel."""
OPTIONS = {"channel": 0, "fluorescence_channel": [1, 2], "ddpcr": {"registration": "none"}}
PLATE = {"blanks": "NTC*", "threshold": "blanks", "single_positives": ["only-FAM*", "only-HEX*"]}
SHARES = {"NTC.tif": (0, 0), "only-FAM.tif": (0.4, 0), "only-HEX.tif": (0, 0.4), "sample.tif": (0.4, 0.3)}


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    """A well a file: brightfield and two dyes, of which the first shines into the other's channel."""
    folder = tmp_path_factory.mktemp("plate")
    for seed, (name, shares) in enumerate(SHARES.items()):
        random = np.random.default_rng(seed)
        droplets = render_brightfield(220, 220, count=60, diameter=20, seed=seed).droplets
        places = np.array([(one.x, one.y) for one in droplets])
        lights = []
        for share in shares:
            shine = np.where(np.arange(60) < round(share * 60), 9000, 900) * random.normal(1, 0.05, 60)
            glowing = [
                replace(one, intensity=light)
                for one, light in zip(droplets, random.permutation(shine).tolist(), strict=True)
            ]
            bright, light = render_pair(220, 220, glowing, places, seed=seed)
            lights.append(light.pixels.astype(float))
        second = np.clip(lights[1] + LEAK * lights[0], 0, 65535)
        stack = np.stack(
            [bright.pixels.astype(np.uint16), lights[0].astype(np.uint16), second.astype(np.uint16)]
        )
        tifffile.imwrite(folder / name, stack, imagej=True, metadata={"axes": "CYX"})
    return folder


def test_controls_give_one_threshold_and_the_crosstalk_to_all_wells_once(model, plate, tmp_path):
    out, heard = tmp_path / "out", []

    def run() -> list[str]:
        heard.clear()
        asked = Asked(
            (str(plate),), out, make_recipe({"options": OPTIONS}, ()), plate=Plate.parse(PLATE, "plate")
        )
        segment(asked, lambda: model, 1, begin=lambda _: None, tell=heard.append)
        return sorted(outcome.name for outcome in heard)

    assert run() == sorted(SHARES)
    told = json.loads((out / CONTROLS).read_text())["ddpcr"]
    assert np.array(told["crosstalk"]) == pytest.approx(np.array([[1, 0], [LEAK, 1]]), abs=0.03)
    with (out / "wells.csv").open(newline="") as file:
        wells = {(one["name"], one["dye"]): one for one in csv.DictReader(file)}
    for dye, (mean, deviation) in zip(
        ("dye 1", "dye 2"), [one["blank"] for one in told["dyes"]], strict=True
    ):
        of_dye = [one for (_, name), one in wells.items() if name == dye]
        assert {one["threshold_source"] for one in of_dye} == {"blank"}
        (threshold,) = {float(one["threshold"]) for one in of_dye}
        assert threshold == pytest.approx(mean + 3 * deviation, rel=1e-4)
    for name, shares in SHARES.items():
        for dye, share in zip(("dye 1", "dye 2"), shares, strict=True):
            well = wells[name, dye]
            assert int(well["positives"]) / int(well["n"]) == pytest.approx(share, abs=0.12)
    written = (out / "run.json").read_text()
    assert json.loads(written)["options"]["ddpcr"] == OPTIONS["ddpcr"]
    assert run() == []


def test_controls_that_show_nothing_are_told(model, plate, tmp_path):
    wanted = Plate.parse({**PLATE, "single_positives": ["none*"]}, "plate")
    asked = Asked((str(plate),), tmp_path / "out", make_recipe({"options": OPTIONS}, ()), plate=wanted)
    with pytest.raises(BadRequest, match=r"plate.single_positives: no well called none\*"):
        segment(asked, lambda: model, 1, begin=lambda _: None, tell=lambda _: None)
