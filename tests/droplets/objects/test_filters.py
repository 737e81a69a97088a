"""Every filter at, below and above its limit; every removal under its reason."""

from dataclasses import replace

import numpy as np
import pytest

from droplets.errors import BadRequest
from droplets.objects.filters import FIGURES, AutomaticFilters, Filters, apply_filters, note_on_diameter
from droplets.types import Droplet
from tests.droplets.shapes import figured

OFF = AutomaticFilters(area=False, edge=False, circularity=False, debris=False)
ON = AutomaticFilters()
NONE_REMOVED = {"edge": 0, "area": 0, "circularity": 0, "debris": 0, "user_filter": 0}

# The figure that each limit is about, on a droplet where it is just `value`.
OF_VALUE = {
    "mean": lambda value: figured(grey=(value, 0, 1000, 1, 100)),
    "min": lambda value: figured(grey=(100, value, 1000, 1, 100)),
    "max": lambda value: figured(grey=(100, 0, value, 1, 100)),
    "std": lambda value: figured(grey=(100, 0, 1000, value, 100)),
    "median": lambda value: figured(grey=(100, 0, 1000, 1, value)),
    "area": lambda value: figured(area=int(value)),
    "diameter": lambda value: figured(diameter=value),
    "circularity": lambda value: figured(circularity=value),
    "border": lambda value: figured(border=(90, 91, int(value), 92)),
}
LOWER_LIMITS = {
    "mean_min": "mean",
    "median_min": "median",
    "std_min": "std",
    "min_threshold": "min",
    "area_min": "area",
    "diameter_min": "diameter",
    "circularity_min": "circularity",
    "min_edge_distance": "border",
}
UPPER_LIMITS = {
    "mean_max": "mean",
    "median_max": "median",
    "std_max": "std",
    "max_threshold": "max",
    "area_max": "area",
    "diameter_max": "diameter",
}


def stays(droplet: Droplet, automatic: AutomaticFilters = OFF, **limits: float) -> bool:
    kept, removed = apply_filters([droplet], automatic, Filters(**limits))
    assert len(kept) + sum(removed.values()) == 1
    return bool(kept)


def limit_of(figure: str) -> tuple[float, float]:
    """A limit within the figure's range, and a small step."""
    return (0.7, 1e-6) if figure == "circularity" else (40, 1)


def test_every_user_filter_is_tested_here():
    assert LOWER_LIMITS.keys() | UPPER_LIMITS.keys() | {"exclude_edge_touching"} == set(Filters.model_fields)
    assert {name for figure in FIGURES for name in (f"{figure}_min", f"{figure}_max")} >= {
        name for name in Filters.model_fields if name.endswith(("_min", "_max"))
    }


@pytest.mark.parametrize(("name", "figure"), LOWER_LIMITS.items())
def test_lower_limits(name, figure):
    limit, step = limit_of(figure)
    assert stays(OF_VALUE[figure](limit + step), **{name: limit})
    assert stays(OF_VALUE[figure](limit), **{name: limit})
    assert not stays(OF_VALUE[figure](limit - step), **{name: limit})


@pytest.mark.parametrize(("name", "figure"), UPPER_LIMITS.items())
def test_upper_limits(name, figure):
    limit, step = limit_of(figure)
    assert stays(OF_VALUE[figure](limit - step), **{name: limit})
    assert stays(OF_VALUE[figure](limit), **{name: limit})
    assert not stays(OF_VALUE[figure](limit + step), **{name: limit})


@pytest.mark.parametrize(
    ("lowest", "highest"),
    [
        *((f"{name}_min", f"{name}_max") for name in ("mean", "median", "std", "area", "diameter")),
        ("min_threshold", "max_threshold"),
    ],
)
def test_limits_that_nothing_can_keep_are_refused(lowest, highest):
    with pytest.raises(BadRequest, match=rf"^filters: {lowest} \(5\.5\) is over {highest} \(3\)"):
        Filters.parse({lowest: 5.5, highest: 3.0}, "filters")
    assert Filters.parse({lowest: 3.0, highest: 3.0}, "filters")


@pytest.mark.parametrize("name", UPPER_LIMITS)
def test_zero_is_a_limit_too(name):
    assert not stays(OF_VALUE[UPPER_LIMITS[name]](1), **{name: 0})


@pytest.mark.parametrize("name", [*LOWER_LIMITS, *UPPER_LIMITS])
def test_null_is_no_limit(name):
    assert stays(
        figured(area=1, grey=(0, 0, 65535, 0, 0), circularity=0, border=(0, 0, 0, 0)), **{name: None}
    )


@pytest.mark.parametrize("side", range(4))
def test_edge_distance_is_that_of_the_nearest_side(side):
    border = [50, 50, 50, 50]
    border[side] = 5
    assert stays(figured(border=tuple(border)), min_edge_distance=5)
    assert not stays(figured(border=tuple(border)), min_edge_distance=5.5)


@pytest.mark.parametrize("side", range(4))
def test_exclude_edge_touching(side):
    border = [50, 50, 50, 50]
    border[side] = 1
    assert stays(figured(border=tuple(border)), exclude_edge_touching=True)
    border[side] = 0
    assert stays(figured(border=tuple(border)), exclude_edge_touching=False)
    assert not stays(figured(border=tuple(border)), exclude_edge_touching=True)


def test_a_curve_that_closes_within_the_picture_touches_nothing():
    whole = replace(figured(), border=replace(figured(border=(0, 9, 9, 9)).border, closed=True))
    assert stays(whole, exclude_edge_touching=True)
    assert len(apply_filters([whole], ON, Filters())[0]) == 1


@pytest.mark.parametrize("own", [True, False])
def test_droplets_of_a_well_stay_when_the_well_goes(own):
    """What is known to be an object of its own does; the core of a double emulsion goes with its shell."""
    well = figured(area=5000, circularity=0.4, border=(0, 0, 0, 0))
    inside = [figured(area=100, parent=0) for _ in range(12)]
    inside = [replace(one, mask=replace(one.mask, inner=not own)) for one in inside]
    kept, removed = apply_filters([well, *inside], ON, Filters())
    assert len(kept) == (12 if own else 0)
    assert all(one.parent is None for one in kept)
    assert removed["edge"] == (1 if own else 13)


def test_limits_add_up():
    limits = {"mean_min": 50, "area_max": 200, "circularity_min": 0.8}
    assert stays(figured(), **limits)
    for change in ({"grey": (49, 0, 99, 1, 49)}, {"area": 201}, {"circularity": 0.79}):
        assert not stays(figured(**change), **limits)


def test_nothing_stays_nothing():
    assert apply_filters([], ON, Filters()) == ([], NONE_REMOVED)


def test_good_droplets_stay_as_they_are():
    droplets = [figured(area=area) for area in (120, 110, 100)]
    kept, removed = apply_filters(droplets, ON, Filters())
    assert [droplet.mask for droplet in kept] == [droplet.mask for droplet in droplets]
    assert removed == NONE_REMOVED


def test_automatic_edge_filter():
    assert stays(figured(border=(1, 1, 1, 1)), ON)
    for side in range(4):
        border = tuple(0 if i == side else 9 for i in range(4))
        assert not stays(figured(border=border), AutomaticFilters(area=False, circularity=False))
        assert stays(figured(border=border), AutomaticFilters(edge=False))
        assert apply_filters([figured(border=border)], ON, Filters())[1]["edge"] == 1


def test_automatic_circularity_filter():
    assert stays(figured(circularity=0.6), ON)
    assert not stays(figured(circularity=0.599), AutomaticFilters(area=False, edge=False))
    assert stays(figured(circularity=0.599), AutomaticFilters(circularity=False))
    assert apply_filters([figured(circularity=0.599)], ON, Filters())[1]["circularity"] == 1


def monodisperse(*others: Droplet) -> list[Droplet]:
    """Twenty droplets of 1000 pixels, and some more."""
    return [figured(area=1000) for _ in range(20)] + list(others)


def areas_left(droplets: list[Droplet], automatic: AutomaticFilters = ON) -> tuple[set[int], dict[str, int]]:
    """Areas other than 1000 pixels that stay, and what was removed."""
    kept, removed = apply_filters(droplets, automatic, Filters())
    return {droplet.mask.area for droplet in kept} - {1000}, removed


def test_automatic_area_filter_is_for_clumps_of_one_and_a_half_times_the_typical_area():
    droplets = monodisperse(figured(area=1500, circularity=0.89), figured(area=1501, circularity=0.89))
    assert areas_left(droplets) == ({1500}, {**NONE_REMOVED, "area": 1})
    assert areas_left(droplets, AutomaticFilters(area=False))[0] == {1500, 1501}


def test_a_merged_droplet_is_round_and_stays():
    assert areas_left(monodisperse(figured(area=3000, circularity=0.9)))[0] == {3000}


def test_automatic_debris_filter_is_at_half_the_typical_diameter():
    droplets = monodisperse(figured(area=250), figured(area=249))
    assert areas_left(droplets) == ({250}, {**NONE_REMOVED, "debris": 1})
    assert areas_left(droplets, AutomaticFilters(debris=False))[0] == {249, 250}


def test_small_droplets_of_a_twentieth_of_the_area_are_no_debris():
    assert areas_left(monodisperse(*[figured(area=100)] * 10))[1]["debris"] == 10
    assert areas_left(monodisperse(*[figured(area=100)] * 11))[1]["debris"] == 0


def test_in_a_polydisperse_picture_nothing_is_too_large_or_too_small():
    bubbles = [figured(area=round(30 * 1.05**i), circularity=0.85) for i in range(100)]
    assert apply_filters(bubbles, ON, Filters())[1] == NONE_REMOVED


def test_a_single_droplet_is_never_too_large():
    assert stays(figured(area=10**6), ON)


def test_beads_and_cut_droplets_do_not_count_into_the_typical_area():
    beads = [figured(kind="bead", parent=0, area=500) for _ in range(50)]
    cut = [figured(area=400, border=(0, 9, 9, 9)) for _ in range(50)]
    _, removed = apply_filters(monodisperse(figured(area=100), *cut, *beads), ON, Filters())
    assert removed == {**NONE_REMOVED, "edge": 50, "debris": 1}


def test_beads_need_not_be_round_or_of_the_typical_size():
    bead = figured(kind="bead", parent=0, area=400, circularity=0.3)
    kept, _ = apply_filters([figured(area=1000), figured(area=20), figured(area=20), bead], OFF, Filters())
    assert len(kept) == 4
    kept, _ = apply_filters([figured(area=1000), bead], ON, Filters())
    assert [droplet.kind for droplet in kept] == ["droplet", "bead"]


def test_beads_alone_do_not_disturb_the_area_filter():
    assert len(apply_filters([figured(kind="other", area=500)], ON, Filters())[0]) == 1


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"area": 5000, "circularity": 0.7}, "area"),
        ({"area": 200}, "debris"),
        ({"circularity": 0.2}, "circularity"),
        ({"grey": (5, 5, 5, 0, 5)}, "user_filter"),
    ],
)
def test_what_a_removed_droplet_contains_goes_with_it_under_its_reason(bad, reason):
    droplets = [
        figured(**{"area": 1100, **bad}),
        figured(area=1000),
        figured(area=1000),
        *(figured(area=1000) for _ in range(20)),
        figured(kind="bead", parent=0, area=30),
        figured(kind="bead", parent=2, area=20),
        figured(kind="bead", parent=0, area=10),
    ]
    kept, removed = apply_filters(droplets, ON, Filters(mean_min=10))
    assert removed == {**NONE_REMOVED, reason: 3}
    assert [droplet.kind for droplet in kept] == ["droplet"] * 22 + ["bead"]
    assert kept[-1].parent == 1


def test_beads_of_a_droplet_that_the_border_cuts_off_stay():
    droplets = [
        figured(border=(0, 9, 9, 9)),
        figured(),
        figured(kind="bead", parent=0, area=30),
        figured(kind="bead", parent=1, area=20),
        figured(kind="other", parent=0, area=15),
    ]
    kept, removed = apply_filters(droplets, ON, Filters())
    assert removed == {**NONE_REMOVED, "edge": 2}
    assert [(droplet.kind, droplet.parent) for droplet in kept] == [
        ("droplet", None),
        ("bead", None),
        ("bead", 0),
    ]


def test_other_small_objects_are_debris_unless_they_lie_in_a_droplet():
    droplets = [figured(area=1000) for _ in range(20)]
    small = [figured(kind="other", area=100), figured(kind="other", parent=0, area=100)]
    kept, removed = apply_filters([*droplets, *small], ON, Filters())
    assert removed == {**NONE_REMOVED, "debris": 1}
    assert kept[-1].parent == 0


BREAKS = {
    **{name: OF_VALUE[figure](0.3) for name, figure in LOWER_LIMITS.items()},
    **{name: OF_VALUE[figure](50) for name, figure in UPPER_LIMITS.items()},
    "exclude_edge_touching": figured(border=(0, 9, 9, 9)),
}
"""What does not keep the limit 0.6, or `true`, of that name."""


@pytest.mark.parametrize("name", BREAKS)
def test_limits_act_on_droplets_and_on_what_lies_in_none_but_not_on_what_lies_in_a_droplet(name):
    limits = Filters(**{name: True if name == "exclude_edge_touching" else 0.6})
    keeps = figured(area=0, grey=(0.6,) * 5, diameter=0.6) if name in UPPER_LIMITS else figured()
    breaks = BREAKS[name]
    droplets = [
        keeps,
        replace(breaks, kind="bead", parent=0),
        replace(breaks, kind="other", parent=0),
        replace(breaks, parent=0),
        breaks,
        replace(breaks, kind="bead"),
        replace(breaks, kind="other"),
        replace(keeps, kind="bead", parent=4),
    ]
    kept, removed = apply_filters(droplets, OFF, limits)
    assert [(one.kind, one.parent) for one in kept] == [("droplet", None), ("bead", 0), ("other", 0)]
    assert removed == {**NONE_REMOVED, "user_filter": 5}


def test_beads_of_a_droplet_that_the_border_cuts_off_lie_in_none():
    cut_off = figured(border=(0, 9, 9, 9), area=1000)
    beads = [figured(kind="bead", parent=0, area=area) for area in (30, 5)]
    kept, removed = apply_filters([cut_off, *beads], ON, Filters(area_min=10))
    assert [one.mask.area for one in kept] == [30]
    assert removed == {**NONE_REMOVED, "edge": 1, "user_filter": 1}


def test_a_bead_of_a_bead_goes_too():
    droplets = [
        figured(area=1000, circularity=0.1),
        figured(kind="bead", parent=0, area=30),
        figured(kind="bead", parent=1, area=5),
    ]
    assert apply_filters(droplets, ON, Filters())[1]["circularity"] == 3


def test_a_mask_counts_once_under_the_first_reason():
    everything_wrong = figured(border=(0, 0, 0, 0), area=10_000, circularity=0.1, grey=(0, 0, 0, 0, 0))
    others = [figured(area=1000) for _ in range(20)]
    for automatic, reason in [
        (ON, "edge"),
        (AutomaticFilters(edge=False), "area"),
        (AutomaticFilters(edge=False, area=False), "circularity"),
        (OFF, "user_filter"),
    ]:
        kept, removed = apply_filters([everything_wrong, *others], automatic, Filters(mean_min=1))
        assert len(kept) == 20
        assert removed == {**NONE_REMOVED, reason: 1}


def test_parents_are_renumbered_to_the_new_list():
    droplets = [figured(area=1000 - i, circularity=0.1 if i % 2 else 0.9) for i in range(10)]
    beads = [figured(kind="bead", parent=i, area=100 - i) for i in range(10)]
    kept, _ = apply_filters([*droplets, *beads], ON, Filters())
    assert len(kept) == 10
    for bead in kept[5:]:
        assert 1000 - kept[bead.parent].mask.area == 100 - bead.mask.area


def test_the_droplets_given_are_not_changed():
    droplets = [
        figured(area=1000, circularity=0.1),
        figured(area=900),
        figured(kind="bead", parent=1, area=9),
    ]
    apply_filters(droplets, ON, Filters())
    assert droplets[2].parent == 1


def test_beads_of_a_droplet_that_the_border_cuts_off_stay_without_a_parent():
    cut_off = figured(border=(0, 9, 9, 9))
    bead, rim = figured(kind="bead", parent=0, area=10), figured(kind="other", parent=0, area=10)
    kept, removed = apply_filters([cut_off, bead, rim], ON, Filters())
    assert [(one.kind, one.parent) for one in kept] == [("bead", None)]
    assert removed["edge"] == 2


def test_a_typical_diameter_that_is_said_counts_where_sizes_differ_too():
    droplets = [figured(area=area) for area in (100, 400, 900, 1600, 2500, 3600)]
    assert apply_filters(droplets, ON, Filters())[1] == NONE_REMOVED
    removed = apply_filters(droplets, ON, Filters(), typical_diameter=2 * (2500 / np.pi) ** 0.5)[1]
    assert removed["debris"] == 2


@pytest.mark.parametrize(("said", "told"), [(None, False), (40, False), (58, False), (62, True), (20, True)])
def test_a_diameter_that_is_far_from_those_found_is_told(said, told):
    assert bool(note_on_diameter([figured(diameter=40)], said)) == told
    assert note_on_diameter([], said) == ()
