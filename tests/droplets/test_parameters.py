"""What a client may set is checked strictly, and every refusal names the field."""

import math

import pytest
from pydantic import ValidationError

from api.schemas.options import Options
from droplets.ddpcr.options import DdpcrOptions
from droplets.errors import BadRequest
from droplets.objects.filters import AutomaticFilters, Filters
from droplets.options import MOST_CORNERS, MOST_DRAWN
from droplets.preprocess import Preprocessing

GROUPS = [Filters, AutomaticFilters, Preprocessing, Options, DdpcrOptions]
SIZES = ["gaussian_kernel_size", "median_kernel_size", "morphological_kernel_size", "unsharp_kernel_size"]


def refusal(group, value) -> str:
    with pytest.raises(BadRequest) as caught:
        group.parse(value, "group")
    message = caught.value.message
    assert "\n" not in message
    assert message.endswith(".")
    assert "pydantic" not in message
    return message


@pytest.mark.parametrize("group", GROUPS)
def test_every_field_has_a_line_on_it_and_a_default_that_may_be_sent(group):
    for name, field in group.model_fields.items():
        assert not field.is_required(), name
        assert field.description.endswith("."), name
    assert group.parse({}, "group") == group.parse(group().model_dump(), "group") == group()


def test_no_group_is_laxer_than_another():
    for group in GROUPS:
        assert group.model_config == Filters.model_config
    with pytest.raises(ValidationError):
        Filters().area_min = 3


def test_unknown_names_are_refused_with_the_known_ones():
    for group in GROUPS:
        for name in ("area_mim", "", "__class__", "model_config"):
            known = ", ".join(group.model_fields)
            assert refusal(group, {name: 1}) == f"group.{name} is not known; known are: {known}."


def test_only_an_object_is_taken():
    for value in (None, [], "{}", 3, True):
        assert refusal(Filters, value) == "group must be a JSON object."


@pytest.mark.parametrize(
    ("group", "name", "values"),
    [
        (Filters, "area_min", [True, "5", "", [5], {}, 10**400, math.nan, math.inf]),
        (Preprocessing, "clahe_grid_size", [True, "5", [5], None, 5.0, 10**400]),
        (Options, "plots", [0, 1, 1.0, "true", None, []]),
        (Options, "quality", ["best", "FAST", None, 1]),
    ],
    ids=["number", "whole number", "switch", "word"],
)
def test_a_value_is_of_its_kind(group, name, values):
    for value in values:
        assert refusal(group, {name: value}).startswith(f"group.{name}: ")


def test_whole_numbers_do_for_floats_and_null_is_no_limit():
    assert isinstance(Filters.parse({"area_min": 1}, "filters").area_min, float)
    assert Filters.parse({"area_min": None}, "filters") == Filters()


@pytest.mark.parametrize(
    ("group", "name", "within", "beyond"),
    [
        (Filters, "area_min", [0], [-1]),
        (Filters, "circularity_min", [0, 1], [-0.1, 1.1]),
        (Preprocessing, "gaussian_sigma", [0, 50], [-1, 51]),
        (Preprocessing, "clahe_grid_size", [1, 64], [0, 65]),
        (Preprocessing, "unsharp_amount", [10], [0, 11]),
        (Options, "pixel_size_um", [0.001, 1000], [0, -0.5, 1001]),
    ],
)
def test_ends_of_the_range_are_in_it(group, name, within, beyond):
    for value in within:
        assert getattr(group.parse({name: value}, "group"), name) == value
    for value in beyond:
        assert name in refusal(group, {name: value})


@pytest.mark.parametrize("name", SIZES)
def test_kernels_are_odd_and_within_limits(name):
    for size in (3, 5, 51):
        assert getattr(Preprocessing.parse({name: size}, "group"), name) == size
    assert refusal(Preprocessing, {name: 4}) == f"group.{name}: must be odd."
    for size in (-3, 1, 53):
        assert refusal(Preprocessing, {name: size}).startswith(f"group.{name}: ")


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"points": []}, "group.points: "),
        ({"points": [[1, 2], [3]]}, "group.points.1: "),
        ({"points": [[1, 2, 3]]}, "group.points.0: "),
        ({"points": [[math.nan, 1]]}, "group.points.0.0: "),
        ({"points": [[1, 1]] * 1001}, "group.points: "),
        ({"roi": [0, 0, 10]}, "group.roi: "),
        ({"roi": [0, 0, 10.0, 10]}, "group.roi.2: "),
        ({"roi": [[0, 0], [9, 0]]}, "group.roi: "),
        ({"roi": [[0, 0], [9, 0], [5, "9"]]}, "group.roi.2.1: "),
        ({"roi": [[0, 0]] * (MOST_CORNERS + 1)}, "group.roi: "),
        ({"drawn": [[5, 5, 3], [5, 5]]}, "group.drawn.1: "),
        ({"drawn": [[5, 5, 0]]}, "group.drawn.0: the radius should be over 0."),
        ({"drawn": [[[0, 0], [9, 0], [5, math.inf]]]}, "group.drawn.0.2.1: "),
        ({"drawn": [[5, 5, 3]] * (MOST_DRAWN + 1)}, "group.drawn: "),
        ({"channel": -1}, "group.channel: Input should be an index from 0 or a name."),
        ({"channel": True}, "group.channel: "),
        ({"plane": "sharpest"}, "group.plane: Input should be 'best focus', 'max' or an index from 0."),
        ({"frame": -1}, "group.frame: "),
    ],
    ids=[
        "none",
        "half a point",
        "three axes",
        "nan",
        "too many",
        "three of four",
        "half pixels",
        "two corners",
        "a corner in words",
        "too many corners",
        "no radius",
        "radius 0",
        "endless",
        "too many outlines",
        "channel",
        "switch",
        "plane",
        "frame",
    ],
)
def test_lists_say_which_of_their_values_is_wrong(value, named):
    assert refusal(Options, value).startswith(named)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"aera": False}, ".aera is not known; known are: unsure, area, edge, circularity, debris."),
        ({"area": 1}, ".area: Input should be a valid boolean."),
        (None, " must be a JSON object."),
    ],
    ids=["name", "kind", "null"],
)
def test_automatic_filters_name_their_own_fields(value, said):
    with pytest.raises(BadRequest) as caught:
        Options.parse({"automatic_filters": value}, "options")
    assert caught.value.message == f"options.automatic_filters{said}"


def test_automatic_filters_may_be_switched_together_or_singly():
    for value in (True, False, AutomaticFilters(area=False)):
        assert Options.parse({"automatic_filters": value}, "options").automatic_filters == value
    options = Options.parse({"automatic_filters": {"edge": False}}, "options")
    assert options.automatic_filters == AutomaticFilters(edge=False)
