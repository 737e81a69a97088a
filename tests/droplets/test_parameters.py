"""What a client may set is checked strictly, and every refusal names the field."""

import math
from types import NoneType
from typing import get_args

import pytest
from pydantic import ValidationError

from api.schemas.options import Options
from droplets.errors import BadRequest
from droplets.objects.filters import AutomaticFilters, Filters
from droplets.preprocess import Preprocessing

GROUPS = [Filters, AutomaticFilters, Preprocessing, Options]


def fields(*types: type):
    """(group, name) of every field that takes only values of these types, or null."""
    return [
        pytest.param(group, name, id=f"{group.__name__}.{name}")
        for group in GROUPS
        for name, field in group.model_fields.items()
        if set(get_args(field.annotation) or [field.annotation]) - {NoneType} <= set(types)
    ]


NUMBERS = fields(int, float)
FLOATS = fields(float)
SWITCHES = fields(bool)


def refusal(group, value) -> str:
    with pytest.raises(BadRequest) as caught:
        group.parse(value, "group")
    message = caught.value.message
    assert "\n" not in message
    assert message.endswith(".")
    assert "pydantic" not in message
    return message


def test_the_lists_of_fields_are_whole():
    counted = len(NUMBERS) + len(SWITCHES)
    assert (len(FLOATS), len(NUMBERS), len(SWITCHES)) == (19, 24, 15)
    structured = {"quality", "points", "add", "exclude", "roi", "automatic_filters", "ddpcr", "mask_format"}
    structured |= {"objects"}
    assert counted + len(structured) == sum(len(group.model_fields) for group in GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_every_field_has_a_default_and_a_line_on_it(group):
    group.parse({}, "group")
    for name, field in group.model_fields.items():
        assert not field.is_required(), name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("group", GROUPS)
def test_defaults_are_valid_values(group):
    defaults = group().model_dump()
    assert group.parse(defaults, "group") == group()


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("name", ["area_mim", "", "__class__", "model_config", "AREA_MIN"])
def test_unknown_names_are_refused_with_the_known_ones(group, name):
    message = refusal(group, {name: 1})
    assert message == f"group.{name} is not known; known are: {', '.join(group.model_fields)}."


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("value", [None, [], [1], "", "{}", 3, 1.5, True])
def test_only_an_object_is_taken(group, value):
    assert refusal(group, value) == "group must be a JSON object."


@pytest.mark.parametrize(("group", "name"), NUMBERS)
@pytest.mark.parametrize("value", [True, False, "5", "", [5], {}, [], 10**400], ids=str)
def test_a_number_must_be_a_number(group, name, value):
    assert refusal(group, {name: value}).startswith(f"group.{name}: ")


@pytest.mark.parametrize(("group", "name"), FLOATS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_must_be_finite(group, name, value):
    assert refusal(group, {name: value}) == f"group.{name}: Input should be a finite number."


@pytest.mark.parametrize(("group", "name"), SWITCHES)
@pytest.mark.parametrize("value", [0, 1, 1.0, "true", "on", None, [], {}], ids=repr)
def test_a_switch_must_be_true_or_false(group, name, value):
    assert refusal(group, {name: value}).startswith(f"group.{name}: ")


@pytest.mark.parametrize(("group", "name"), FLOATS)
def test_whole_numbers_do_for_floats(group, name):
    value = getattr(group.parse({name: 1}, "group"), name)
    assert value == 1
    assert isinstance(value, float)


@pytest.mark.parametrize("name", Filters.model_fields.keys() - {"exclude_edge_touching"})
def test_null_is_no_limit(name):
    assert Filters.parse({name: None}, "filters") == Filters()


@pytest.mark.parametrize(
    ("group", "name", "lowest", "highest"),
    [
        (Filters, "area_min", 0, None),
        (Filters, "circularity_min", 0, 1),
        (Filters, "std_max", 0, None),
        (Filters, "min_edge_distance", 0, None),
        (Preprocessing, "gaussian_sigma", 0, 50),
        (Preprocessing, "clahe_grid_size", 1, 64),
        (Options, "pixel_size_um", 0.001, 1000),
    ],
)
def test_ends_of_the_range_are_in_it(group, name, lowest, highest):
    if lowest is not None:
        group.parse({name: lowest}, "group")
        assert name in refusal(group, {name: lowest - 1})
    if highest is not None:
        group.parse({name: highest}, "group")
        assert name in refusal(group, {name: highest + 1})


@pytest.mark.parametrize("name", ["clahe_clip_limit", "unsharp_amount"])
def test_zero_is_no_strength(name):
    assert name in refusal(Preprocessing, {name: 0})


@pytest.mark.parametrize("value", [0, -0.5])
def test_a_pixel_has_a_size(value):
    assert "pixel_size_um" in refusal(Options, {"pixel_size_um": value})


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"quality": "best"}, "group.quality: "),
        ({"quality": None}, "group.quality: "),
        ({"mask_format": "PNG"}, "group.mask_format: "),
        ({"objects": "cells"}, "group.objects: "),
        ({"points": []}, "group.points: "),
        ({"points": [[1, 2], [3]]}, "group.points.1: "),
        ({"points": [[1, 2, 3]]}, "group.points.0: "),
        ({"points": [[1, True]]}, "group.points.0.1: "),
        ({"points": [[math.nan, 1]]}, "group.points.0.0: "),
        ({"points": [["1", 1]]}, "group.points.0.0: "),
        ({"points": [[1, 1]] * 1001}, "group.points: "),
        ({"points": {"x": 1}}, "group.points: "),
        ({"roi": [0, 0, 10]}, "group.roi: "),
        ({"roi": [0, 0, 10, 10, 10]}, "group.roi: "),
        ({"roi": [0, 0, 10.0, 10]}, "group.roi.2: "),
        ({"roi": [0, 0, True, 10]}, "group.roi.2: "),
        ({"roi": "0,0,10,10"}, "group.roi: "),
    ],
)
def test_structured_options(value, named):
    assert refusal(Options, value).startswith(named)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"aera": False},
            "options.automatic_filters.aera is not known; "
            "known are: unsure, area, edge, circularity, debris.",
        ),
        ({"area": 1}, "options.automatic_filters.area: Input should be a valid boolean."),
        ("yes", "options.automatic_filters must be a JSON object."),
        (1, "options.automatic_filters must be a JSON object."),
        (None, "options.automatic_filters must be a JSON object."),
    ],
)
def test_automatic_filters_name_their_own_fields(value, said):
    with pytest.raises(BadRequest) as caught:
        Options.parse({"automatic_filters": value}, "options")
    assert caught.value.message == said


@pytest.mark.parametrize("value", [True, False])
def test_automatic_filters_may_be_a_switch(value):
    assert Options.parse({"automatic_filters": value}, "options").automatic_filters is value


def test_automatic_filters_may_be_switched_singly():
    options = Options.parse({"automatic_filters": {"edge": False}}, "options")
    assert options.automatic_filters == AutomaticFilters(area=True, edge=False, circularity=True)


def test_values_are_frozen():
    with pytest.raises(ValidationError):
        Filters().area_min = 3
