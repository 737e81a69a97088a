"""Exports from a folder of results are those that the analysis itself gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from batch.convert import convert
from batch.exports import EXPORTS
from batch.recipe import make_recipe
from batch.run import Asked, segment
from droplets.errors import BadRequest
from tests.conftest import ROOT

pytestmark = pytest.mark.model


def run(model, inputs, out, exports):
    recipe = make_recipe({"options": {"pixel_size_um": 2, "automatic_filters": False}}, exports)
    asked = Asked(tuple(map(str, inputs)), out, recipe)
    segment(asked, lambda: model, 2, begin=lambda _: None, tell=lambda _: None)


def values(tree: Any) -> Iterator[Any]:
    """The names and values of a tree of JSON, in order."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield name
            yield from values(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from values(value)
    else:
        yield tree


def test_every_export_is_the_same_as_if_it_had_been_asked_for(model, folder, tmp_path):
    shutil.copy(ROOT / "examples" / "small.jpg", folder)
    run(model, [folder], tmp_path / "all", list(EXPORTS))
    run(model, [folder], tmp_path / "out", ["coco"])
    told = []
    assert convert(tmp_path / "out", list(EXPORTS), told.append) == []
    assert told == ["0.png", "1.png", "2.png", "small.jpg"]
    same_exports(tmp_path, told)


def test_fluorescence_goes_into_the_exports_of_a_pair(model, tmp_path):
    for light in ("brightfield", "fluorescence"):
        shutil.copy(ROOT / "examples" / f"pcr-{light}.tif", tmp_path)
    recipe = make_recipe({"options": {"quality": "fast"}}, ("coco", "geojson"))
    asked = Asked(
        (str(tmp_path / "pcr-*.tif"),), tmp_path / "all", recipe, "{}brightfield.tif:{}fluorescence.tif"
    )
    segment(asked, lambda: model, 2, begin=lambda _: None, tell=lambda _: None)
    shutil.copytree(tmp_path / "all", tmp_path / "out")
    assert convert(tmp_path / "out", ["coco", "geojson"], print) == []
    same_exports(tmp_path, ["pcr-brightfield.tif"], ("coco", "geojson"))
    made = tmp_path / "out" / "pictures" / "pcr-brightfield.tif" / "outlines.geojson"
    assert '"fluorescence_amplitude"' in made.read_text()


def same_exports(tmp_path, pictures, exports=tuple(EXPORTS)):
    """Those of the folder `out` are those of `all`."""
    for name in pictures:
        for file, _ in (EXPORTS[export] for export in exports):
            made, asked = (tmp_path / out / "pictures" / name / file for out in ("out", "all"))
            if file.endswith("json"):
                assert list(values(json.loads(made.read_bytes()))) == [
                    # Volumes and areas are computed from lengths that were rounded.
                    pytest.approx(value, rel=1e-6) if isinstance(value, float) else value
                    for value in values(json.loads(asked.read_bytes()))
                ]
            else:
                assert made.read_bytes() == asked.read_bytes()


def test_pictures_that_are_gone_or_have_changed_are_left_out(model, folder, tmp_path):
    run(model, [folder], tmp_path / "out", ["coco"])
    (folder / "0.png").unlink()
    shutil.copy(folder / "2.png", folder / "1.png")
    told = []
    failures = convert(tmp_path / "out", ["labels"], told.append)
    assert [failure.picture for failure in failures] == ["0.png", "1.png"]
    assert told == ["2.png"]


def test_masks_are_needed_and_exports_known(model, folder, tmp_path):
    run(model, [folder], tmp_path / "out", ["overlay"])
    with pytest.raises(BadRequest, match="export coco"):
        convert(tmp_path / "out", ["labels"], print)
    with pytest.raises(BadRequest, match="export xml is not known"):
        convert(tmp_path / "out", ["xml"], print)
