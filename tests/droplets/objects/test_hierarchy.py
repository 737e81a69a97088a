"""One node an object: rims and twins are one droplet, beads lie in theirs, clumps are none."""

import numpy as np
import pytest

from droplets.objects.hierarchy import Hierarchy, build_hierarchy
from droplets.types import Mask
from tests.droplets.shapes import disc, ellipse, random_mask, rectangle, ring, union

SHUFFLES = 8
FRAME = (10_000, 10_000)


def hierarchy(*masks: Mask, frame: tuple[int, int] = FRAME) -> Hierarchy:
    """The hierarchy in that picture, after a check that the order of the masks does not matter."""
    expected = build_hierarchy(masks, *frame)
    for seed in range(SHUFFLES):
        order = np.random.default_rng(seed).permutation(len(masks))
        assert listed(build_hierarchy([masks[i] for i in order], *frame)) == listed(expected)
    left_out = expected.duplicates + expected.clumps + expected.background
    assert len(expected.nodes) + left_out == len(masks)
    return expected


def listed(found: Hierarchy) -> tuple:
    nodes = [
        (node.mask.box, node.mask.crop.tobytes(), node.mask.predicted_iou, node.parent)
        for node in found.nodes
    ]
    return nodes, found.duplicates, found.clumps, found.background


def masks_of(found: Hierarchy) -> list[Mask]:
    return [node.mask for node in found.nodes]


def parents(found: Hierarchy) -> list[int | None]:
    return [node.parent for node in found.nodes]


def test_nothing_gives_nothing():
    assert listed(hierarchy()) == ([], 0, 0, 0)


def test_one_mask_is_a_droplet():
    assert parents(hierarchy(disc(20, 20, 8))) == [None]


def test_what_reaches_from_border_to_border_is_background():
    everything, band = rectangle(0, 0, 100, 80), rectangle(0, 30, 100, 20)
    droplet, half = disc(40, 40, 10), rectangle(0, 0, 99, 40)
    found = build_hierarchy([everything, droplet, band, half], 100, 80)
    assert masks_of(found) == [half, droplet]
    assert found.background == 2
    assert parents(found)[1] is None


def test_one_pixel_is_a_droplet():
    assert parents(hierarchy(rectangle(3, 3, 1, 1))) == [None]


def test_separate_droplets_come_largest_first():
    small, middle, large = disc(20, 20, 8), disc(60, 20, 12), disc(110, 20, 17)
    found = hierarchy(middle, small, large)
    assert masks_of(found) == [large, middle, small]
    assert parents(found) == [None] * 3


def test_neighbours_that_overlap_a_little_are_two_droplets():
    found = hierarchy(disc(20, 20, 12), disc(42, 20, 12))
    assert parents(found) == [None] * 2


def test_of_equal_masks_the_most_sure_stays():
    twins = [disc(20, 20, 8, predicted_iou=iou) for iou in (0.9, 0.97, 0.91)]
    found = hierarchy(*twins)
    assert masks_of(found) == [twins[1]]
    assert (found.duplicates, found.clumps) == (2, 0)


def test_of_equal_masks_of_one_score_the_most_stable_stays():
    twins = [disc(20, 20, 8, predicted_iou=0.9, stability_score=score) for score in (0.95, 0.99)]
    assert masks_of(hierarchy(*twins)) == [twins[1]]


def test_indistinguishable_masks_are_one():
    assert len(hierarchy(*(disc(20, 20, 8) for _ in range(5))).nodes) == 1


@pytest.mark.parametrize("radius", [19, 17, 15, 13])  # 13: 0.42 of the area
def test_an_inner_rim_is_part_of_its_droplet(radius):
    droplet = disc(40, 40, 20, predicted_iou=0.9)
    found = hierarchy(droplet, disc(40.4, 39.8, radius, predicted_iou=0.99))
    assert masks_of(found) == [droplet]
    assert found.duplicates == 1


def test_an_inner_rim_that_stands_out_a_little_is_one_too():
    droplet, rim = disc(40, 40, 20), disc(43, 40, 17.5)
    assert 0.9 < droplet.intersection(rim) / rim.area < 1
    assert masks_of(hierarchy(droplet, rim)) == [droplet]


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.95), (0.95, 0.9)])
def test_of_two_views_of_a_droplet_the_surer_one_stays(first, second):
    views = [disc(40, 40, 20.3, predicted_iou=first), disc(46, 40, 20, predicted_iou=second)]
    assert views[0].iou(views[1]) > 0.6
    assert views[0].intersection(views[1]) < 0.9 * views[1].area
    found = hierarchy(*views)
    assert masks_of(found) == [max(views, key=lambda mask: mask.predicted_iou)]


def test_a_larger_view_that_is_dropped_takes_no_more_with_it():
    unsure, sure = disc(40, 40, 20.3, predicted_iou=0.9), disc(46, 40, 20, predicted_iou=0.95)
    bead = disc(48, 40, 4)
    found = hierarchy(unsure, sure, bead)
    assert masks_of(found) == [sure, bead]
    assert parents(found) == [None, 0]


def test_beads_are_children_of_their_droplets():
    left, right = disc(40, 40, 20), disc(90, 40, 18)
    beads = [disc(35, 40, 5), disc(46, 44, 4), disc(92, 40, 3)]
    found = hierarchy(left, right, *beads)
    assert masks_of(found) == [left, right, *beads]
    assert parents(found) == [None] * 2 + [0, 0, 1]


def test_a_bead_of_one_pixel():
    assert parents(hierarchy(disc(40, 40, 20), rectangle(41, 41, 1, 1)))[1] == 0


def test_a_bead_at_the_rim_belongs_if_nine_tenths_of_it_lie_within():
    droplet = rectangle(0, 0, 40, 40)
    within, outside = rectangle(31, 10, 10, 10), rectangle(32, 10, 10, 10)
    assert parents(hierarchy(droplet, within))[1] == 0
    assert parents(hierarchy(droplet, outside))[1] is None


def test_a_bead_with_a_rim_is_one_bead():
    droplet, bead, rim = disc(40, 40, 20), disc(40, 40, 8), disc(40, 40, 6.5)
    found = hierarchy(droplet, bead, rim)
    assert masks_of(found) == [droplet, bead]
    assert found.duplicates == 1


def test_a_bead_in_a_bead_belongs_to_the_droplet():
    found = hierarchy(disc(40, 40, 20), disc(40, 40, 8), disc(40, 40, 3))
    assert parents(found) == [None, 0, 0]


def test_a_chain_of_rims_is_one_droplet_with_its_bead():
    rims = [disc(60, 60, radius) for radius in (40, 34, 29)]
    bead = disc(60, 60, 8)
    found = hierarchy(*rims, bead)
    assert masks_of(found) == [rims[0], bead]
    assert parents(found) == [None, 0]


def test_an_inner_rim_and_the_ring_around_it_are_no_clump():
    droplet = disc(60, 60, 40)
    found = hierarchy(droplet, disc(60, 60, 33), ring(60, 60, 40, 33))
    assert found.clumps == 0
    assert found.nodes[0].mask is droplet
    assert parents(found).count(None) == 1


def test_a_droplet_full_of_beads_stays():
    droplet = disc(60, 60, 40)
    beads = [disc(60 + 25 * np.cos(a), 60 + 25 * np.sin(a), 12) for a in np.arange(6) * np.pi / 3]
    found = hierarchy(droplet, *beads)
    assert sum(bead.area for bead in beads) > 0.5 * droplet.area
    assert parents(found) == [None] + [0] * 6


@pytest.mark.parametrize("count", [2, 3, 4, 7])
@pytest.mark.parametrize("gap", [38, 40, 43])
def test_a_row_of_droplets_is_no_droplet(count, gap):
    droplets = [disc(30 + gap * i, 30, 20) for i in range(count)]
    necks = [rectangle(30 + gap * i, 26, gap, 9) for i in range(count - 1)]
    found = hierarchy(*droplets, union(*droplets, *necks))
    assert (found.clumps, found.duplicates) == (1, 0)
    assert parents(found) == [None] * count


def test_a_clump_of_two_sizes():
    large, small = disc(40, 40, 25), disc(78, 40, 13)
    found = hierarchy(large, small, union(large, small))
    assert masks_of(found) == [large, small]
    assert found.clumps == 1


def test_a_clump_with_inner_rims_and_beads():
    droplets = [disc(40, 40, 20), disc(80, 40, 20), disc(60, 74.6, 20)]
    rims = [disc(40, 40, 17), disc(80, 40, 17), disc(60, 74.6, 17)]
    bead = disc(42, 40, 4)
    found = hierarchy(*droplets, *rims, bead, union(*droplets))
    assert (found.clumps, found.duplicates) == (1, 3)
    assert parents(found).count(None) == 3
    child = next(node for node in found.nodes if node.parent is not None)
    assert found.nodes[child.parent].mask is droplets[0]


def test_twins_of_a_clump_and_clumps_in_clumps_all_go():
    droplets = [disc(30 + 40 * i, 30, 20) for i in range(4)]
    clumps = [
        union(*droplets),
        union(*droplets[:3]),
        union(*droplets[1:3]),
        union(*droplets[1:3], predicted_iou=0.9),
        union(*droplets[1:3], rectangle(89, 20, 3, 20)),
    ]
    found = hierarchy(*droplets, *clumps)
    assert found.clumps == len(clumps)
    assert set(masks_of(found)) == set(droplets)


def test_a_wide_mask_around_few_droplets_is_no_clump():
    field = rectangle(0, 0, 400, 100)
    found = hierarchy(field, disc(50, 50, 20), disc(150, 50, 20))
    assert found.clumps == 0


def test_a_frame_around_packed_droplets_is_a_clump():
    droplets = [disc(20 + 40 * x, 20 + 40 * y, 19.5) for x in range(6) for y in range(4)]
    found = hierarchy(rectangle(0, 0, 240, 160), *droplets)
    assert found.clumps == 1
    assert parents(found) == [None] * 24


@pytest.mark.parametrize(("width", "clumps"), [(20, 1), (19, 0)])
def test_a_clump_is_covered_by_half(width, clumps):
    outer = rectangle(0, 0, 80, 10)
    found = hierarchy(outer, rectangle(0, 0, width, 10), rectangle(60, 0, 20, 10))
    assert found.clumps == clumps


def test_masks_that_only_reach_into_another_make_no_clump_of_it():
    bar = rectangle(0, 20, 60, 20)
    found = hierarchy(bar, rectangle(2, 10, 26, 20), rectangle(32, 30, 26, 20))
    assert found.clumps == 0


@pytest.mark.parametrize(("height", "contained"), [(9, []), (8, [0])])
def test_what_is_contained_is_a_rim_over_four_tenths_of_the_area_and_a_bead_up_to_that(height, contained):
    found = hierarchy(rectangle(0, 0, 20, 20), rectangle(0, 0, 20, height))
    assert parents(found)[1:] == contained


@pytest.mark.parametrize(("left", "count"), [(10, 1), (11, 2)])
def test_a_rim_lies_within_for_nine_tenths(left, count):
    # The rim has 0.45 of the droplet's area; the IoU is far from that of two views.
    droplet, rim = rectangle(0, 0, 100, 20), rectangle(left, 5, 100, 9)
    assert len(hierarchy(droplet, rim).nodes) == count


@pytest.mark.parametrize(("shift", "count"), [(20, 1), (21, 2)])
def test_two_views_of_a_droplet_have_an_iou_of_six_tenths(shift, count):
    assert rectangle(0, 0, 80, 80).iou(rectangle(20, 0, 80, 80)) == 0.6
    assert len(hierarchy(rectangle(0, 0, 80, 80), rectangle(shift, 0, 80, 80)).nodes) == count


def test_of_two_views_that_are_equally_sure_the_larger_one_stays():
    larger, smaller = rectangle(0, 0, 81, 80), rectangle(15, 0, 80, 80)
    assert masks_of(hierarchy(larger, smaller)) == [larger]


@pytest.mark.parametrize(
    "background", [rectangle(0, 0, 300, 200), rectangle(0, 40, 300, 60), rectangle(9, 0, 5, 200)]
)
def test_droplets_on_background_are_no_beads(background):
    droplets = [disc(50, 60, 20), disc(150, 60, 20), disc(250, 70, 20)]
    found = hierarchy(background, *droplets, disc(50, 60, 5), frame=(300, 200))
    assert (found.background, found.clumps, found.duplicates) == (1, 0, 0)
    assert parents(found)[:3] == [None] * 3
    assert found.nodes[parents(found)[3]].mask is droplets[0]


def test_background_around_one_large_droplet_does_not_swallow_it():
    droplet = disc(60, 60, 45)
    found = hierarchy(rectangle(0, 0, 120, 120), droplet, frame=(120, 120))
    assert masks_of(found) == [droplet]


def test_a_well_around_the_droplets_is_background():
    well = disc(200, 150, 145)
    droplets = [disc(100 + 50 * i, 75 + 50 * j, 12) for i in range(5) for j in range(4)]
    found = hierarchy(well, *droplets, disc(100, 75, 3), frame=(400, 300))
    assert (found.background, found.clumps) == (1, 0)
    assert [parent is None for parent in parents(found)] == [True] * 20 + [False]


def test_a_droplet_full_of_beads_is_no_well():
    droplet = disc(60, 60, 40)
    beads = [disc(60 + 8 * i, 60 + 8 * j, 3) for i in range(-3, 4) for j in range(-2, 3)]
    assert hierarchy(droplet, *beads, frame=(400, 300)).background == 0
    assert hierarchy(droplet, *beads[:9], frame=(125, 125)).background == 0


def test_a_round_droplet_is_no_inner_rim_of_itself_and_part_of_its_neighbour():
    droplet = disc(60, 60, 20)
    found = hierarchy(droplet, union(droplet, rectangle(60, 48, 42, 24)))
    assert (found.clumps, found.duplicates) == (1, 0)
    assert masks_of(found) == [droplet]


def test_a_droplet_among_two_that_have_no_masks_is_found_in_their_clump():
    droplet = disc(60, 60, 20)
    clump = union(union(droplet, disc(99, 60, 20)), disc(80, 93, 20))
    found = hierarchy(clump, droplet, disc(62, 55, 3))
    assert (found.clumps, parents(found)) == (1, [None, 0])
    assert found.nodes[0].mask is droplet


def test_a_long_droplet_is_one():
    plug = ellipse(80, 80, 60, 20, 30)
    found = hierarchy(plug, ellipse(80, 80, 54, 17, 30), disc(60, 70, 4), disc(100, 90, 4))
    assert parents(found) == [None, 0, 0]
    assert found.nodes[0].mask is plug


def test_random_masks_keep_the_promises_in_any_order():
    random = np.random.default_rng(13)
    for _ in range(15):
        masks = [random_mask(random, largest=30) for _ in range(25)]
        found = hierarchy(*masks)
        areas = [node.mask.area for node in found.nodes]
        assert areas == sorted(areas, reverse=True)
        assert {id(mask) for mask in masks_of(found)} <= {id(mask) for mask in masks}
        for i, node in enumerate(found.nodes):
            if node.parent is not None:
                assert node.parent < i
                outer = found.nodes[node.parent]
                assert outer.parent is None
                assert outer.mask.intersection(node.mask) >= 0.9 * node.mask.area


def test_three_thousand_masks_are_told_apart():
    random = np.random.default_rng(14)
    masks = []
    for i in range(1000):
        x, y = 30 + 55 * (i % 40) + random.random(), 30 + 55 * (i // 40) + random.random()
        masks += [disc(x, y, 20), disc(x, y, 17), disc(x + 5, y, 4)]
    random.shuffle(masks)
    found = build_hierarchy(masks, *FRAME)
    assert parents(found)[:1000] == [None] * 1000
    assert all(parent is not None for parent in parents(found)[1000:])
    assert len(found.nodes) == 2000
    assert found.duplicates == 1000


class TestKnownLayers:
    """Masks of which it is known whether they lie in another object."""

    def test_an_inner_droplet_is_an_object_of_its_own(self):
        found = hierarchy(disc(50, 50, 40, inner=False), disc(50, 50, 32, inner=True))
        assert parents(found) == [None, 0]

    def test_the_same_two_without_that_knowledge_are_one(self):
        assert hierarchy(disc(50, 50, 40), disc(50, 50, 32)).duplicates == 1

    def test_an_inner_one_that_is_just_the_same_is_a_duplicate(self):
        found = hierarchy(disc(50, 50, 40, inner=False), disc(50, 50, 39.5, inner=True, predicted_iou=0.5))
        assert (parents(found), found.duplicates) == ([None], 1)

    def test_two_outer_ones_on_the_same_pixels_are_one(self):
        found = hierarchy(disc(50, 50, 40, inner=False), disc(52, 50, 39, inner=False, predicted_iou=0.5))
        assert (parents(found), found.duplicates) == ([None], 1)

    def test_what_overlaps_others_is_no_clump(self):
        parts = [disc(40, 50, 18), disc(80, 50, 18)]
        around = union(*parts, rectangle(35, 40, 50, 20))
        assert hierarchy(around, *parts).clumps == 1
        known = union(*parts, rectangle(35, 40, 50, 20), inner=False)
        assert hierarchy(known, *parts).clumps == 0

    def test_a_large_one_that_holds_many_is_no_container(self):
        inside = [disc(60 + 30 * i, 60 + 30 * j, 8) for i in range(5) for j in range(5)]
        frame = (240, 240)
        assert hierarchy(disc(120, 120, 110), *inside, frame=frame).background == 1
        assert hierarchy(disc(120, 120, 110, inner=False), *inside, frame=frame).background == 0

    def test_what_lies_in_another_needs_half_of_it_there(self):
        found = hierarchy(disc(50, 50, 40, inner=False), disc(86, 50, 8, inner=True))
        assert parents(found) == [None, 0]
        assert parents(hierarchy(disc(50, 50, 40), disc(86, 50, 8))) == [None, None]

    def test_a_mask_pointed_at_again_is_a_duplicate(self):
        found = hierarchy(disc(50, 50, 40, inner=False), disc(51, 50, 38, found_by="hand", predicted_iou=0.9))
        assert (parents(found), found.duplicates) == ([None], 1)
