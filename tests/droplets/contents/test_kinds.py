"""Which objects are droplets, beads and others."""

from dataclasses import replace

import pytest

from droplets.contents.beads import Bead
from droplets.contents.kinds import Kinds, classify
from droplets.objects.hierarchy import build_hierarchy
from droplets.types import Mask
from tests.droplets.shapes import disc, union

WIDTH, HEIGHT = 400, 300


def kinds(masks: list[Mask], beads: list[Bead] = (), width: int = WIDTH, height: int = HEIGHT) -> Kinds:
    return classify(build_hierarchy(masks, width, height).nodes, list(beads), width, height)


def bead(x: float, y: float, radius: float, *, glows: bool = False, confidence: float = 0.9) -> Bead:
    return Bead(disc(x, y, radius), confidence, glows)


def listed(found: Kinds) -> list[tuple[str, int | None]]:
    return [(one.kind, one.parent) for one in found.objects]


def field(radius: float = 20) -> list[Mask]:
    """15 equal droplets."""
    return [disc(40 + 60 * i, 40 + 60 * j, radius) for i in range(5) for j in range(3)]


def test_droplets_alone():
    found = kinds(field())
    assert listed(found) == [("droplet", None)] * 15
    assert all(one.confidence > 0.9 for one in found.objects)


def test_beads_belong_to_the_droplet_their_centre_lies_in():
    droplets = [disc(60, 60, 30), disc(150, 60, 25)]
    inside, outside = [bead(50, 60, 3), bead(176, 60, 4), bead(60, 75, 2.5)], bead(200, 200, 3)
    found = kinds(droplets, [*inside, outside])
    assert listed(found) == [
        ("droplet", None),
        ("droplet", None),
        ("bead", None),
        ("bead", 0),
        ("bead", None),
        ("bead", 0),
    ]
    assert (found.beads, found.replaced) == (4, 0)


def test_a_bead_takes_the_place_of_masks_that_show_it():
    droplet, views = disc(60, 60, 30), [disc(50, 60, 4.5), disc(72, 60, 2.5)]
    found = kinds([droplet, *views], [bead(50, 60, 3), bead(72, 60, 3)])
    assert listed(found) == [("droplet", None), ("bead", 0), ("bead", 0)]
    assert found.replaced == 2
    assert [one.confidence for one in found.objects[1:]] == [0.9, 0.9]


def test_a_clump_of_beads_is_replaced_by_its_beads():
    beads = [bead(50 + 6 * i, 60, 3) for i in range(5)]
    found = kinds([disc(60, 60, 30), union(*(one.mask for one in beads))], beads)
    assert listed(found) == [("droplet", None)] + [("bead", 0)] * 5


def test_a_droplet_full_of_beads_stays():
    beads = [bead(60 + 9 * i, 60 + 9 * j, 4.2) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    droplet = disc(60, 60, 20)
    assert sum(one.mask.area for one in beads) > 0.35 * droplet.area
    assert listed(kinds([droplet], beads)) == [("droplet", None)] + [("bead", 0)] * 9


def test_what_only_the_model_sees_in_a_droplet_is_a_bead_half_sure():
    found = kinds([disc(60, 60, 30), disc(50, 60, 8)])
    assert listed(found) == [("droplet", None), ("bead", 0)]
    assert found.objects[1].confidence == 0.5


def test_where_beads_glow_what_does_not_is_none():
    found = kinds([*field(), disc(40, 40, 6)], [bead(100, 40, 3, glows=True)])
    assert [one.kind for one in found.objects[15:]] == ["other", "bead"]


def test_a_droplet_in_a_droplet_is_one():
    assert listed(kinds([disc(60, 60, 30), disc(60, 60, 17)])) == [("droplet", None), ("droplet", 0)]


def test_what_glows_where_there_is_nothing_else_is_beads():
    found = kinds([], [bead(100 + 60 * i, 200, 5, glows=True) for i in range(5)], 1000, 1000)
    assert listed(found) == [("bead", None)] * 5
    assert all(one.confidence > 0.8 for one in found.objects)


@pytest.mark.parametrize("radius", [4, 9, 20])
@pytest.mark.parametrize(("likely", "kind"), [(0.05, "droplet"), (0.45, "bead")])
def test_objects_that_glow_alone_are_what_the_head_takes_most_of_them_for(radius, likely, kind):
    places = [100 + 60 * i for i in range(5)]
    seen = [disc(x, 200, radius, inner=False, bead_probability=likely) for x in places[1:]]
    odd = disc(places[0], 200, radius, inner=False, bead_probability=0.3)
    glowing = [bead(x, 200, radius, glows=True) for x in places]
    assert listed(kinds([odd, *seen], glowing, 1000, 1000)) == [(kind, None)] * 5


def test_a_small_droplet_beside_a_large_one_is_no_less_a_droplet():
    """One is no population: the debris filter judges by how little it is."""
    found = kinds([disc(100, 100, 60), disc(300, 100, 15)])
    assert [one.kind for one in found.objects] == ["droplet", "droplet"]


@pytest.mark.parametrize(("likely", "guessed"), [(0.001, False), (0.2, True), (0.95, False)])
def test_a_guess_is_told(likely, guessed):
    masks = [replace(mask, bead_probability=likely, inner=False) for mask in field(4)]
    found = kinds(masks, [bead(*mask.centroid, 3, glows=True) for mask in masks])
    assert found.guessed == guessed


def test_what_glows_among_many_of_its_size_that_do_not_is_droplets():
    """Whatever the head takes single ones for."""
    masks = [replace(mask, bead_probability=0.9, inner=False) for mask in field(4)]
    lit = [bead(*mask.centroid, 3, glows=True) for mask in masks[:3]]
    found = kinds(masks, lit)
    assert [one.kind for one in found.objects] == ["droplet"] * 15
    assert found.beads == 0


def test_bright_specks_of_a_glowing_droplet_are_no_beads():
    droplets = [disc(100 + 60 * i, 200, 20, inner=False, bead_probability=0.02) for i in range(5)]
    specks = [bead(90 + 60 * i, 200, 1.5, glows=True) for i in range(5)]
    whole = [Bead(mask, 1.0, glows=True) for mask in droplets]
    assert listed(kinds(droplets, [*specks, *whole], 1000, 1000)) == [("droplet", None)] * 5


def test_halos_in_a_picture_of_beads_are_no_droplets():
    glowing = [bead(100 + 60 * i, 200, 5, glows=True) for i in range(5)]
    seen = [disc(100 + 60 * i, 200, 14 if i == 0 else 5, bead_probability=0.4) for i in range(5)]
    found = kinds(seen, glowing, 1000, 1000)
    assert listed(found) == [("other", None)] + [("bead", None)] * 5


def test_debris_among_equal_droplets_is_other():
    found = kinds([*field(), disc(70, 270, 5)])
    assert listed(found)[15] == ("other", None)
    assert found.objects[15].confidence > 0.5


def test_among_droplets_of_many_sizes_a_small_one_is_a_droplet():
    masks = [disc(40 + 60 * i, 40 + 60 * j, 5 + 1.4 * (i + 5 * j)) for i in range(5) for j in range(3)]
    assert {one.kind for one in kinds([*masks, disc(70, 270, 3)]).objects} == {"droplet"}


@pytest.mark.parametrize("x", [-2, 402])
def test_a_piece_at_the_border_is_no_debris(x):
    mask = disc(x, 280, 6)
    left = max(0, mask.x)
    piece = Mask.from_array(mask.crop[:, left - mask.x : WIDTH - mask.x], left, mask.y)
    assert piece is not None
    assert listed(kinds([*field(), piece]))[15] == ("droplet", None)


class TestKnownKinds:
    """Masks whose finder says how likely they show a bead."""

    def test_what_lies_in_a_droplet_is_what_its_finder_says(self):
        droplet = disc(60, 60, 40, inner=False, bead_probability=0.1, predicted_iou=0.9)
        inner = [
            disc(45, 60, 15, inner=True, bead_probability=0.2),
            disc(80, 60, 5, inner=True, bead_probability=0.8),
        ]
        found = kinds([droplet, *inner])
        assert listed(found) == [("droplet", None), ("droplet", 0), ("bead", 0)]
        assert [one.confidence for one in found.objects] == [0.9, 0.8, 0.8]
        # Without that knowledge both are what their size says.
        assert listed(kinds([disc(60, 60, 40), disc(45, 60, 15), disc(80, 60, 5)]))[1:] == [("bead", 0)] * 2

    def test_a_free_bead_is_one(self):
        free = disc(300, 200, 5, inner=True, bead_probability=0.7)
        assert listed(kinds([disc(60, 60, 40), free])) == [("droplet", None), ("bead", None)]

    def test_a_bead_that_both_find_counts_once(self):
        droplet = disc(60, 60, 40, inner=False, bead_probability=0.1)
        again = [
            disc(50, 60, 2, inner=True, bead_probability=0.9),
            disc(75, 60, 5, inner=True, bead_probability=0.9),
        ]
        found = kinds([droplet, *again], [bead(50, 60, 4), bead(75, 61, 4)])
        assert listed(found) == [("droplet", None), ("bead", 0), ("bead", 0)]
        assert found.replaced == 2
