"""What is asked, from files of options."""

from __future__ import annotations

import json

import pytest

from batch.recipe import EACH, Recipe, make_recipe, read_options_file
from droplets.errors import BadRequest

GROUPS = {"options": {"quality": "fast", "pixel_size_um": 2}, "filters": {"diameter_min": 10}}


def read(tmp_path, text: str, name: str = "options.json") -> Recipe:
    path = tmp_path / name
    path.write_text(text)
    return make_recipe(read_options_file(path).groups, ())


def test_the_groups_of_a_request(tmp_path):
    recipe = read(tmp_path, json.dumps(GROUPS))
    assert (recipe.wanted.options.quality, recipe.wanted.filters.diameter_min) == ("fast", 10)
    assert recipe.groups == {**GROUPS, "preprocessing": {}}


def test_the_same_as_yaml(tmp_path):
    text = "options:\n  quality: fast\n  pixel_size_um: 2\nfilters: {diameter_min: 10}\n"
    assert read(tmp_path, text, "options.yaml").groups == {**GROUPS, "preprocessing": {}}


def test_the_options_alone_as_the_page_saves_them(tmp_path):
    recipe = read(tmp_path, '{"quality": "fast", "automatic_filters": {"edge": false}, "exclude": [[1, 2]]}')
    assert not recipe.wanted.options.automatic.edge
    assert recipe.wanted.options.exclude == [[1, 2]]


def test_how_an_answer_is_written_is_no_concern_of_a_run(tmp_path):
    text = '{"options": {"mask_format": "none", "plots": true}}'
    assert read(tmp_path, text).digest == Recipe().digest


def test_what_is_written_down_gives_the_same_recipe_again():
    options = {"automatic_filters": {"edge": False}, "ddpcr": {}, "roi": [0, 0, 50, 50]}
    own = {"options": {"ddpcr": None, "quality": "fast"}, "fluorescence": ["b.png"]}
    recipe = make_recipe({"options": options, EACH: {"a.png": own}}, ("labels", "coco"))
    assert recipe.groups[EACH] == {"a.png": own}
    assert make_recipe(recipe.groups, recipe.exports) == recipe
    assert recipe.exports == ("coco", "labels")


def test_each_option_and_export_changes_the_digest():
    recipes = [
        Recipe(),
        make_recipe(GROUPS, ()),
        make_recipe({"options": {"contents": False}}, ()),
        make_recipe({}, ("coco",)),
    ]
    assert len({recipe.digest for recipe in recipes}) == len(recipes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not valid"),
        ("[]", "object"),
        ('{"options": {}, "filter": {}}', "filter is not known"),
        ('{"filters": {"diameter": 3}}', "filters.diameter is not known"),
        ('{"quality": "best"}', "options.quality"),
        ('{"options": 3}', "options must be"),
        ('{"each": 3}', "each must be"),
        ('{"each": {"a.png": {"filters": {"diameter": 3}}}}', "each.a.png.filters.diameter is not known"),
        ('{"inputs": 3}', "must be lists"),
        ('{"frames": 3}', "pair and frames texts"),
        ('{"frame_interval_s": "fast"}', "frame_interval_s a number"),
    ],
)
def test_a_wrong_file_is_told_what_is_wrong(tmp_path, text, reason):
    with pytest.raises(BadRequest, match=reason):
        read(tmp_path, text)


def test_an_unknown_export_is_refused():
    with pytest.raises(BadRequest, match="export xml is not known"):
        make_recipe({}, ("xml",))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadRequest, match=r"none\.json cannot be read"):
        read_options_file(tmp_path / "none.json")
