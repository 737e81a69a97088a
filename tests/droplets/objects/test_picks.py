"""Objects that the client points at, to keep them or to leave them out."""

import numpy as np
import pytest

from droplets.errors import BadRequest
from droplets.objects.filters import Filters
from droplets.objects.picks import MOST_NAMED, note_on_misses, picked
from droplets.options import MOST_ADDED, MOST_EXCLUDED, AnalysisOptions, Options
from droplets.pipeline import analyze
from droplets.types import Generation, Mask, MaskRequest
from tests.droplets.shapes import disc, picture, rectangle, ring

WIDTH, HEIGHT = 200, 160
LARGE, MIDDLE = disc(50, 60, 20), disc(120, 60, 15)
BEAD = disc(50, 60, 4)
NEW = disc(150, 120, 10)


class Prompted:
    """A generator with masks of its own, and one a point: what lies there, whether it was found or not."""

    def __init__(self, found: list[Mask], at_points: list[Mask] = ()) -> None:
        self.found, self.at_points = found, at_points
        self.asked: list[MaskRequest] = []

    def __call__(self, request) -> Generation:
        self.asked.append(request)
        timing = {"queue": 1.0, "encode": 2.0, "generate": 3.0}
        covering = [
            [mask for mask in self.at_points if mask.covers(tuple(point))] for point in request.prompts
        ]
        found = self.found if request.points is None else []
        return Generation([*found, *(masks[0] for masks in covering if masks)], timing)


def found(generate, *, filters=None, **options):
    image = picture(np.random.default_rng(17).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8))
    wanted = AnalysisOptions(
        Options.parse({"refine_edges": False, "contents": False, **options}, "options"),
        filters or Filters(),
    )
    return analyze(image, generate, wanted)


def boxes(analysis):
    return [droplet.mask.box for droplet in analysis.droplets]


class TestExclude:
    def test_the_object_at_the_point_goes_and_is_counted(self):
        analysis = found(Prompted([LARGE, MIDDLE]), exclude=[[118.4, 61.2]])
        assert boxes(analysis) == [LARGE.box]
        assert analysis.removed["excluded"] == 1
        assert len(analysis.droplets) + sum(analysis.removed.values()) == analysis.found
        assert analysis.notes == ()

    def test_on_a_bead_the_bead_goes_and_its_droplet_stays(self):
        analysis = found(Prompted([LARGE, BEAD, MIDDLE]), exclude=[[50, 60]])
        assert boxes(analysis) == [LARGE.box, MIDDLE.box]

    def test_beside_the_bead_the_droplet_goes_with_it(self):
        analysis = found(Prompted([LARGE, BEAD, MIDDLE]), exclude=[[60, 60]])
        assert boxes(analysis) == [MIDDLE.box]
        assert analysis.removed["excluded"] == 2

    def test_parents_of_what_is_left_are_renumbered(self):
        inner = disc(120, 60, 4)
        analysis = found(Prompted([LARGE, MIDDLE, inner]), exclude=[[50, 60]])
        assert [droplet.parent for droplet in analysis.droplets] == [None, 0]

    def test_what_a_filter_removed_is_not_met_again(self):
        inner = disc(50, 60, 12)
        analysis = found(Prompted([LARGE, inner]), exclude=[[50, 60]], filters=Filters(area_min=500))
        assert analysis.droplets == []
        assert (analysis.removed["user_filter"], analysis.removed["excluded"]) == (1, 1)

    def test_points_that_hit_nothing_are_noted(self):
        analysis = found(Prompted([LARGE]), exclude=[[180, 20], [50, 60], [190.5, 150]])
        assert analysis.notes == ("options.exclude: no object lies at [180, 20], [190.5, 150]",)
        assert analysis.removed["excluded"] == 1

    def test_two_points_on_one_object_exclude_it_once(self):
        assert found(Prompted([LARGE]), exclude=[[50, 60], [52, 60]]).removed["excluded"] == 1

    def test_in_a_region_points_are_those_of_the_picture(self):
        moved = Mask(LARGE.x - 20, LARGE.y - 30, LARGE.crop)
        analysis = found(Prompted([moved]), exclude=[[50, 60]], roi=[20, 30, 100, 100])
        assert analysis.removed["excluded"] == 1


class TestAdd:
    def test_what_lies_at_the_point_joins_the_others_and_is_measured(self):
        generate = Prompted([LARGE], [NEW])
        analysis = found(generate, add=[[151, 119]])
        assert boxes(analysis) == [LARGE.box, NEW.box]
        assert analysis.found == 2
        assert analysis.droplets[1].shape.equivalent_diameter == pytest.approx(20, rel=0.02)
        (request,) = generate.asked
        assert request.points is None
        assert request.add == pytest.approx(np.array([[151, 119]]))

    def test_what_was_found_anyway_is_not_added_twice(self):
        again = disc(50.5, 60, 19.5)
        analysis = found(Prompted([LARGE, MIDDLE], [again]), add=[[50, 60]])
        assert boxes(analysis) == [LARGE.box, MIDDLE.box]
        assert analysis.removed["duplicate"] == 1

    @pytest.mark.parametrize(
        "mask",
        [rectangle(0, 100, 20, 20), rectangle(40, 130, 60, 5), disc(180, 20, 3)],
        ids=["at the border", "not round", "speck"],
    )
    def test_neither_automatic_nor_user_filters_remove_it(self, mask):
        others = [disc(30 + 25 * i, 25 + 25 * j, 9) for i in range(5) for j in range(3)]
        point = [round(value) for value in mask.centroid]
        strict = Filters(area_min=200, exclude_edge_touching=True, circularity_min=0.8)
        kept = found(Prompted(others, [mask]), add=[point], filters=strict)
        assert mask.box in boxes(kept)
        filtered = found(Prompted([*others, mask]), filters=strict)
        assert mask.box not in boxes(filtered)

    def test_what_a_filter_removed_comes_back(self):
        cut_off = rectangle(0, 100, 20, 20)
        assert boxes(found(Prompted([LARGE, cut_off]))) == [LARGE.box]
        assert boxes(found(Prompted([LARGE, cut_off], [cut_off]), add=[[10, 110]])) == [
            LARGE.box,
            cut_off.box,
        ]

    def test_a_bead_stays_though_its_droplet_goes(self):
        analysis = found(Prompted([LARGE], [BEAD]), add=[[50, 60]], filters=Filters(area_max=300))
        assert boxes(analysis) == [BEAD.box]
        assert analysis.droplets[0].parent is None

    def test_together_with_points_both_are_segmented_and_nothing_else(self):
        analysis = found(Prompted([LARGE], [MIDDLE, NEW]), points=[[120, 60]], add=[[150, 120]])
        assert boxes(analysis) == [MIDDLE.box, NEW.box]

    def test_exclusion_has_the_last_word(self):
        analysis = found(Prompted([LARGE], [NEW]), add=[[150, 120]], exclude=[[150, 120]])
        assert boxes(analysis) == [LARGE.box]

    def test_points_without_an_object_are_noted(self):
        analysis = found(Prompted([LARGE]), add=[[180, 20]])
        assert analysis.notes == ("options.add: no object lies at [180, 20]",)

    def test_an_empty_list_prompts_nothing(self):
        generate = Prompted([LARGE])
        found(generate, add=[])
        (request,) = generate.asked
        assert not request.prompts.size


@pytest.mark.parametrize("name", ["add", "exclude"])
class TestBounds:
    @pytest.mark.parametrize("point", [[-0.6, 0], [0, -0.6], [WIDTH, 5], [5, HEIGHT]])
    def test_a_point_outside_the_picture_is_refused_before_the_model_runs(self, name, point):
        generate = Prompted([LARGE])
        with pytest.raises(BadRequest, match=rf"^options\.{name}: every point must lie within the picture"):
            found(generate, **{name: [[50, 60], point]})
        assert generate.asked == []

    def test_too_many_points_are_refused(self, name):
        most = {"add": MOST_ADDED, "exclude": MOST_EXCLUDED}[name]
        with pytest.raises(BadRequest, match=rf"^options\.{name}: .*at most {most}"):
            found(Prompted([LARGE]), **{name: [[50, 60]] * (most + 1)})

    @pytest.mark.parametrize("points", [[[1]], [[1, 2, 3]], [["1", 2]], 5, [5], None])
    def test_what_is_no_list_of_points_is_refused(self, name, points):
        with pytest.raises(BadRequest, match=rf"^options\.{name}"):
            found(Prompted([LARGE]), **{name: points})


def test_a_point_picks_the_smallest_object_whose_pixels_it_lies_on():
    rim, inner = ring(50, 60, 20, 10), disc(50, 60, 5)
    droplets = found(Prompted([rim, inner]), automatic_filters=False).droplets
    points = np.array([[50, 60], [58, 60], [65, 60], [199.5, 159.5]])
    assert picked(droplets, points) == [1, None, 0, None]


@pytest.mark.parametrize("point", [[-0.5, 80], [WIDTH - 0.5, 80], [99, -0.5], [99, HEIGHT - 0.5]])
def test_the_outer_half_of_an_outermost_pixel_belongs_to_it(point):
    cut_off = rectangle(0, 60, 20, 40) if point[0] < 0 else rectangle(WIDTH - 20, 60, 20, 40)
    if point[0] == 99:
        cut_off = rectangle(80, 0 if point[1] < 0 else HEIGHT - 20, 40, 20)
    analysis = found(Prompted([cut_off, MIDDLE]), exclude=[point], automatic_filters=False)
    assert boxes(analysis) == [MIDDLE.box]
    assert analysis.notes == ()


def test_a_note_names_the_first_points_and_counts_the_others():
    points = [[i, 0.25] for i in range(MOST_NAMED + 2)]
    note = "options.add: no object lies at [0, 0.25], [1, 0.25], [2, 0.25], [3, 0.25], [4, 0.25] and 2 more"
    assert note_on_misses("add", points, [None] * len(points)) == (note,)
