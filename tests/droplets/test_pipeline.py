"""The whole story with a generator that gives drawn masks."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from droplets.errors import BadRequest
from droplets.objects.filters import AutomaticFilters, Filters
from droplets.objects.measure import grey_values, intensity, shape
from droplets.options import AnalysisOptions, Options
from droplets.pipeline import analyze
from droplets.preprocess import Preprocessing, preprocess
from droplets.region import crop
from droplets.types import BorderDistance, Generation, Mask, MaskRequest, PixelSize
from tests.droplets.shapes import disc, ellipse, picture, rectangle

ALL_OFF = {"automatic_filters": False}
WIDTH, HEIGHT = 200, 160


class DrawnMasks:
    """A generator that knows where its masks lie in the whole picture and notes what it was asked."""

    def __init__(self, *masks: Mask, roi: tuple[int, int] = (0, 0)) -> None:
        self.masks = [replace(mask, x=mask.x - roi[0], y=mask.y - roi[1]) for mask in masks]
        self.calls: list[MaskRequest] = []

    def __call__(self, request) -> Generation:
        self.calls.append(request)
        return Generation(self.masks, {"queue": 1.0, "encode": 2.0, "generate": 3.0})


def noise(bit_depth: int = 8, channels: int = 1):
    size = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    original = np.random.default_rng(17).integers(0, 2**bit_depth, size)
    return picture(original.astype(np.uint8 if bit_depth == 8 else np.uint16), bit_depth)


def wanted(
    filters: Filters | None = None, preprocessing: Preprocessing | None = None, **options: object
) -> AnalysisOptions:
    return AnalysisOptions(
        Options.parse(options, "options"), filters or Filters(), preprocessing or Preprocessing()
    )


def test_a_picture_without_masks():
    found = analyze(noise(), DrawnMasks(), wanted())
    assert found.droplets == []
    assert found.found == 0
    assert found.removed == {
        "annotation": 0,
        "background": 0,
        "duplicate": 0,
        "clump": 0,
        "unsure": 0,
        "edge": 0,
        "area": 0,
        "circularity": 0,
        "debris": 0,
        "user_filter": 0,
        "excluded": 0,
        "outside": 0,
    }


def test_droplets_are_measured_on_the_picture():
    image = noise()
    mask = disc(60.3, 70.8, 15)
    (droplet,) = analyze(image, DrawnMasks(mask), wanted()).droplets
    assert droplet.mask.box == mask.box
    assert np.array_equal(droplet.mask.crop, mask.crop)
    assert (droplet.kind, droplet.parent) == ("droplet", None)
    assert droplet.shape == shape(mask)
    assert droplet.intensity == intensity(image.original, mask)
    assert droplet.border == BorderDistance(top=56, bottom=74, left=46, right=124)


def test_droplets_come_by_area_with_their_beads_behind():
    masks = [disc(30, 30, 12), disc(90, 40, 18), disc(150, 100, 16), disc(90, 40, 4), disc(150, 100, 5)]
    found = analyze(noise(), DrawnMasks(*masks), wanted())
    areas = [droplet.mask.area for droplet in found.droplets]
    assert areas == sorted((mask.area for mask in masks), reverse=True)
    assert [droplet.kind for droplet in found.droplets] == ["droplet"] * 3 + ["bead"] * 2
    assert [droplet.parent for droplet in found.droplets] == [None, None, None, 1, 0]
    assert found.found == 5


def test_every_mask_is_kept_or_counted():
    twin, clump = disc(150, 40, 14), rectangle(20, 100, 90, 40)
    cut_off = Mask.from_array(disc(80, 5, 15).crop[10:], 65, 0)
    masks = [
        disc(40, 40, 15),
        cut_off,
        disc(150, 40, 15),
        twin,
        clump,
        disc(40, 120, 19),
        disc(85, 120, 19),
        rectangle(130, 90, 60, 4),
        rectangle(0, 0, WIDTH, HEIGHT - 1),
        disc(150, 130, 9),
    ]
    found = analyze(noise(), DrawnMasks(*masks), wanted(Filters(diameter_min=20)))
    assert found.found == 10
    assert found.removed == {
        "annotation": 0,
        "background": 1,
        "duplicate": 1,
        "clump": 1,
        "unsure": 0,
        "edge": 1,
        "area": 0,
        "circularity": 1,
        "debris": 0,
        "user_filter": 1,
        "excluded": 0,
        "outside": 0,
    }
    assert len(found.droplets) + sum(found.removed.values()) == found.found


def scale_bar_picture(text: str = "100 um"):
    """200x160 grey with a bar of 80 pixels and its text at (100..180, 110..140)."""
    pixels = np.full((HEIGHT, WIDTH), 120, np.uint8)
    cv2.putText(pixels, text, (102, 130), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1, cv2.LINE_AA)
    pixels[136:140, 100:180] = 255
    return picture(pixels)


def test_a_scale_bar_gives_the_pixel_size_and_is_no_object():
    bar, letter, droplet = rectangle(100, 136, 80, 4), rectangle(104, 118, 9, 12), disc(50, 60, 15)
    found = analyze(scale_bar_picture(), DrawnMasks(bar, letter, droplet), wanted())
    assert found.pixel_size == PixelSize(100 / 80, "scale bar")
    assert found.notes[0] == "a scale bar of 80 px was read as 100 um"
    assert found.removed["annotation"] == 2
    assert [d.mask.box for d in found.droplets] == [droplet.box]


def test_a_scale_bar_outside_the_region_gives_the_pixel_size_too():
    generator = DrawnMasks(rectangle(104, 118, 9, 12), disc(50, 60, 15), roi=(20, 30))
    found = analyze(scale_bar_picture(), generator, wanted(roi=[20, 30, 110, 105]))
    assert found.pixel_size.source == "scale bar"
    assert found.removed["annotation"] == 1


def test_pixel_size_is_the_clients_then_the_files_then_the_bars():
    tagged = replace(scale_bar_picture(), pixel_size=PixelSize(1.2, "OME-TIFF"))
    assert analyze(tagged, DrawnMasks(), wanted()).pixel_size == PixelSize(1.2, "OME-TIFF")
    given = analyze(tagged, DrawnMasks(), wanted(pixel_size_um=3.0))
    assert given.pixel_size == PixelSize(3.0, "request")
    unread = analyze(scale_bar_picture(""), DrawnMasks(), wanted())
    assert unread.pixel_size is None
    assert "not read" in unread.notes[0]


def test_channels_of_a_colour_picture_are_measured():
    image, mask = noise(16, channels=3), disc(50, 60, 15)
    (droplet,) = analyze(image, DrawnMasks(mask), wanted()).droplets
    alone = [intensity(image.original[..., i], mask) for i in range(3)]
    assert [vars(channel) for channel in droplet.channels] == [pytest.approx(vars(light)) for light in alone]
    assert analyze(noise(), DrawnMasks(mask), wanted()).droplets[0].channels == ()


def test_background_does_not_take_its_droplets_with_it():
    droplets = [disc(50, 60, 15), disc(120, 60, 15)]
    found = analyze(noise(), DrawnMasks(rectangle(0, 0, WIDTH, HEIGHT), *droplets), wanted())
    assert [droplet.mask.box for droplet in found.droplets] == [mask.box for mask in droplets]
    assert found.removed["background"] == 1


def test_background_is_that_of_the_region():
    background, droplet = rectangle(50, 45, 90, 60), disc(95, 75, 14)
    generator = DrawnMasks(background, droplet, roi=(50, 40))
    found = analyze(noise(), generator, wanted(roi=[50, 40, 90, 70], **ALL_OFF))
    assert [(d.mask.box, d.kind) for d in found.droplets] == [(droplet.box, "droplet")]
    assert found.removed["background"] == 1


def test_timing_has_every_stage():
    timing = analyze(noise(), DrawnMasks(disc(60, 70, 15)), wanted()).timing_ms
    assert list(timing) == ["preprocess", "queue", "encode", "generate", "refine", "contents", "measure"]
    assert (timing["queue"], timing["encode"], timing["generate"]) == (1, 2, 3)
    assert all(0 <= value < 10_000 for value in timing.values())


@pytest.mark.parametrize("quality", ["fast", "balanced", "thorough"])
def test_the_generator_gets_picture_quality_and_no_points(quality):
    image, generator = noise(channels=3), DrawnMasks()
    analyze(image, generator, wanted(quality=quality))
    (request,) = generator.calls
    assert np.array_equal(request.pixels, image.pixels)
    assert request.quality == quality
    assert request.points is None
    assert not request.prompts.size


def test_balanced_is_the_default():
    generator = DrawnMasks()
    analyze(noise(), generator, AnalysisOptions())
    assert generator.calls[0].quality == "balanced"


def test_the_model_sees_the_prepared_picture_and_figures_stay_on_the_stored_values():
    image, generator = noise(bit_depth=16), DrawnMasks(disc(60, 70, 15))
    steps = Preprocessing(median_filter=True, unsharp_mask=True)
    before = image.original.copy(), image.pixels.copy()
    (droplet,) = analyze(image, generator, wanted(preprocessing=steps)).droplets
    assert np.array_equal(generator.calls[0].pixels, preprocess(image.pixels, steps))
    assert droplet.intensity == intensity(image.original, generator.masks[0])
    assert droplet.intensity.max > 60_000
    assert np.array_equal(image.original, before[0])
    assert np.array_equal(image.pixels, before[1])


def test_filters_speak_of_the_stored_values():
    image, mask = noise(bit_depth=16), disc(60, 70, 15)
    mean = intensity(image.original, mask).mean
    assert mean > 30_000
    assert len(analyze(image, DrawnMasks(mask), wanted(Filters(mean_min=mean))).droplets) == 1
    assert analyze(image, DrawnMasks(mask), wanted(Filters(mean_min=mean + 1))).removed["user_filter"] == 1


def test_colour_pictures_are_measured_in_grey():
    image, mask = noise(channels=3), disc(60, 70, 15)
    (droplet,) = analyze(image, DrawnMasks(mask), wanted()).droplets
    assert droplet.intensity == intensity(grey_values(image), mask)


def test_a_region_is_cut_out_and_its_masks_put_back():
    image, mask = noise(bit_depth=16), disc(90.4, 79.7, 14)
    generator = DrawnMasks(mask, roi=(50, 40))
    (droplet,) = analyze(image, generator, wanted(roi=[50, 40, 90, 70])).droplets
    assert np.array_equal(generator.calls[0].pixels, image.pixels[40:110, 50:140])
    assert generator.calls[0].pixels.flags.c_contiguous
    assert droplet.mask.box == mask.box
    assert droplet.mask.centroid == pytest.approx((90.4, 79.7), abs=0.1)
    assert droplet.intensity == intensity(image.original, mask)


def test_in_a_region_borders_are_those_of_the_region():
    mask = rectangle(50, 60, 30, 30)
    generator = DrawnMasks(mask, roi=(50, 40))
    (droplet,) = analyze(noise(), generator, wanted(roi=[50, 40, 90, 70], **ALL_OFF)).droplets
    assert droplet.border == BorderDistance(top=20, bottom=20, left=0, right=60)
    assert analyze(noise(), generator, wanted(roi=[50, 40, 90, 70])).removed["edge"] == 1
    assert len(analyze(noise(), DrawnMasks(mask), wanted()).droplets) == 1


def test_a_region_of_a_colour_picture():
    image, mask = noise(channels=3), disc(90, 80, 14)
    (droplet,) = analyze(image, DrawnMasks(mask, roi=(50, 40)), wanted(roi=[50, 40, 90, 70])).droplets
    assert droplet.intensity == intensity(grey_values(image), mask)


def test_parents_outlive_region_and_filters():
    masks = [disc(60, 80, 15), disc(100, 80, 13), disc(100, 80, 4), disc(60, 80, 3)]
    generator = DrawnMasks(*masks, roi=(20, 20))
    found = analyze(noise(), generator, wanted(Filters(area_max=600), roi=[20, 20, 120, 120]))
    assert [droplet.mask.box for droplet in found.droplets] == [masks[1].box, masks[2].box]
    assert found.droplets[1].parent == 0
    assert found.removed["user_filter"] == 2


def test_the_whole_picture_as_a_region_changes_nothing():
    mask = disc(60, 70, 15)
    plain = analyze(noise(), DrawnMasks(mask), wanted()).droplets[0]
    whole = analyze(noise(), DrawnMasks(mask), wanted(roi=[0, 0, WIDTH, HEIGHT])).droplets[0]
    assert (whole.mask.box, whole.border, whole.intensity) == (plain.mask.box, plain.border, plain.intensity)


@pytest.mark.parametrize(
    "roi",
    [
        [-1, 0, 50, 50],
        [0, -1, 50, 50],
        [WIDTH - 49, 0, 50, 50],
        [0, HEIGHT - 49, 50, 50],
        [0, 0, WIDTH + 1, 50],
        [0, 0, 50, HEIGHT + 1],
        [10, 10, 7, 50],
        [10, 10, 50, 7],
        [10, 10, 0, 0],
        [10, 10, -20, 20],
        [10**30, 0, 10, 10],
        [0, 0, 10**30, 10],
    ],
    ids=str,
)
def test_a_region_outside_or_too_small_is_refused_before_the_model_runs(roi):
    generator = DrawnMasks()
    with pytest.raises(BadRequest, match=r"^options\.roi must lie within the picture of 200 x 160 pixels"):
        analyze(noise(), generator, wanted(roi=roi))
    assert generator.calls == []


@pytest.mark.parametrize("roi", [[0, 0, 8, 8], [WIDTH - 8, HEIGHT - 8, 8, 8]])
def test_the_smallest_regions_are_taken(roi):
    generator = DrawnMasks()
    analyze(noise(), generator, wanted(roi=roi))
    assert generator.calls[0].pixels.shape == (8, 8, 3)


def test_points_are_handed_on():
    generator = DrawnMasks()
    analyze(noise(), generator, wanted(points=[[10, 20], [30.5, 40.25]]))
    assert generator.calls[0].points == pytest.approx(np.array([[10, 20], [30.5, 40.25]]))
    assert generator.calls[0].points.dtype == np.float64


def test_points_are_those_of_the_whole_picture_also_in_a_region():
    generator = DrawnMasks()
    analyze(noise(), generator, wanted(roi=[50, 40, 90, 70], points=[[50, 40], [139, 109]]))
    assert generator.calls[0].points == pytest.approx(np.array([[0, 0], [89, 69]]))


@pytest.mark.parametrize("point", [(-0.5, 0), (0, -0.5), (WIDTH - 0.5, 0), (0, HEIGHT - 0.5)])
def test_pixels_reach_half_a_pixel_around_their_centres(point):
    analyze(noise(), DrawnMasks(), wanted(points=[list(point)]))


@pytest.mark.parametrize("point", [(-0.6, 0), (0, -0.6), (WIDTH - 0.4, 0), (0, HEIGHT - 0.4), (1e300, 0)])
def test_a_point_outside_is_refused_before_the_model_runs(point):
    generator = DrawnMasks()
    with pytest.raises(BadRequest, match=r"^options\.points: "):
        analyze(noise(), generator, wanted(points=[[50, 50], list(point)]))
    assert generator.calls == []


@pytest.mark.parametrize("point", [(49, 60), (60, 39), (140, 60), (60, 110)])
def test_a_point_in_the_picture_but_outside_the_region_is_refused(point):
    with pytest.raises(BadRequest, match=r"^options\.points: "):
        analyze(noise(), DrawnMasks(), wanted(roi=[50, 40, 90, 70], points=[list(point)]))


@pytest.mark.parametrize(
    ("automatic", "removed"),
    [
        (True, {"edge": 1, "area": 1, "circularity": 1, "debris": 1}),
        (False, {"edge": 0, "area": 0, "circularity": 0, "debris": 0}),
        ({}, {"edge": 1, "area": 1, "circularity": 1, "debris": 1}),
        ({"edge": False}, {"edge": 0, "area": 1, "circularity": 1, "debris": 1}),
        ({"area": False}, {"edge": 1, "area": 0, "circularity": 1, "debris": 1}),
        ({"circularity": False}, {"edge": 1, "area": 1, "circularity": 0, "debris": 1}),
        ({"debris": False}, {"edge": 1, "area": 1, "circularity": 1, "debris": 0}),
    ],
)
def test_automatic_filters_are_switched_together_or_singly(automatic, removed):
    droplets = [disc(90 + 25 * i, 20 + 25 * j, 10) for i in range(4) for j in range(4)]
    clump, sliver, cut = ellipse(40, 40, 32, 13), rectangle(30, 130, 50, 6), rectangle(0, 100, 20, 20)
    masks = [*droplets, clump, sliver, cut, disc(150, 140, 3)]
    found = analyze(noise(), DrawnMasks(*masks), wanted(automatic_filters=automatic))
    assert {name: found.removed[name] for name in removed} == removed


def test_what_is_unsure_is_left_out_and_counted_unless_it_is_wanted():
    masks = [*(disc(60 + 50 * i, 60, 15) for i in range(2)), replace(disc(85, 90, 8), unsure=True)]
    found = analyze(noise(), DrawnMasks(*masks), wanted())
    assert (found.found, len(found.droplets), found.removed["unsure"]) == (3, 2, 1)
    found = analyze(noise(), DrawnMasks(*masks), wanted(automatic_filters={"unsure": False, "debris": False}))
    assert (found.found, len(found.droplets), found.removed["unsure"]) == (3, 3, 0)


def test_automatic_filters_are_on_by_default():
    assert wanted().options.automatic_filters is True
    assert AutomaticFilters() == AutomaticFilters(area=True, edge=True, circularity=True)


def test_what_the_generator_raises_passes_through():
    def busy(*_):
        raise BadRequest("no")

    with pytest.raises(BadRequest, match=r"^no$"):
        analyze(noise(), busy, wanted())


def test_crop_keeps_everything_but_the_pixels():
    image = replace(noise(bit_depth=16), notes=("first of 2 frames",))
    part = crop(image, (10, 20, 30, 40))
    assert (part.width, part.height) == (30, 40)
    assert np.array_equal(part.original, image.original[20:60, 10:40])
    assert np.array_equal(part.pixels, image.pixels[20:60, 10:40])
    assert (part.bit_depth, part.format, part.notes) == (16, "PNG", ("first of 2 frames",))


def a_dark_ring(x: float, y: float, radius: float):
    """A picture of one droplet whose dark ring ends at the radius."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(columns - x, rows - y) - radius
    return picture(np.rint(180 - 120 * 2.0 ** -(((distance + 3) / 3) ** 2)).astype(np.uint8))


def test_masks_are_moved_to_the_true_edge_and_measured_there():
    (droplet,) = analyze(a_dark_ring(80.3, 70.6, 20), DrawnMasks(disc(80, 71, 17)), wanted()).droplets
    assert droplet.shape.equivalent_diameter == pytest.approx(40, rel=0.01)
    assert droplet.shape.circularity > 0.999
    assert droplet.boundary.kept_because is None
    assert droplet.boundary.mask is droplet.mask


def test_edges_are_left_alone_where_that_is_asked_for():
    mask = disc(80, 71, 17)
    image = a_dark_ring(80.3, 70.6, 20)
    (droplet,) = analyze(image, DrawnMasks(mask), wanted(refine_edges=False)).droplets
    assert np.array_equal(droplet.mask.crop, mask.crop)
    assert droplet.boundary.kept_because == "refine_edges is off"


def test_the_contour_of_a_region_lies_in_the_frame_of_the_picture():
    generator = DrawnMasks(disc(80, 71, 17), roi=(30, 20))
    (droplet,) = analyze(a_dark_ring(80.3, 70.6, 20), generator, wanted(roi=[30, 20, 110, 110])).droplets
    assert droplet.boundary.contour.mean(axis=0) == pytest.approx((80.3, 70.6), abs=0.1)


def test_an_inner_rim_is_a_duplicate_of_its_droplet():
    masks = [disc(80, 71, 18.5), disc(80, 71, 15.5)]
    found = analyze(a_dark_ring(80.3, 70.6, 20), DrawnMasks(*masks), wanted())
    assert len(found.droplets) == 1
    assert found.removed["duplicate"] == 1


@pytest.mark.parametrize(("objects", "kind"), [("auto", "bead"), ("beads", "bead"), ("droplets", "droplet")])
def test_the_client_may_say_what_the_objects_are(objects, kind):
    mask = replace(disc(80, 71, 17), bead_probability=0.9, inner=False)
    (found,) = analyze(a_dark_ring(80.3, 70.6, 20), DrawnMasks(mask), wanted(objects=objects)).droplets
    assert found.kind == kind


@pytest.mark.parametrize(("edge", "inside"), [("auto", False), ("ring", False), ("fall", True)])
def test_the_client_may_say_what_edges_the_objects_have(edge, inside):
    mask = replace(disc(80, 71, 17), bead_probability=0.1, inner=False)
    (found,) = analyze(a_dark_ring(80.3, 70.6, 20), DrawnMasks(mask), wanted(edge=edge)).droplets
    assert (found.shape.equivalent_diameter < 2 * 18) == inside


def test_the_client_may_say_how_large_droplets_are():
    masks = [disc(60, 71, 20), disc(140, 71, 9)]
    image = a_dark_ring(60, 71, 20)
    for said, left, notes in ((None, 2, 0), (40, 1, 0), (20, 2, 0), (100, 0, 1)):
        found = analyze(image, DrawnMasks(*masks), wanted(diameter_px=said, contents=False))
        assert len(found.droplets) == left
        assert found.removed["debris"] == 2 - left
        assert sum("diameter_px" in note for note in found.notes) == notes


def test_the_border_cuts_what_its_curve_says():
    image = a_dark_ring(17.2, 70.6, 17.5)
    (whole,) = analyze(image, DrawnMasks(disc(17, 71, 16)), wanted()).droplets
    assert whole.border.left == 0
    assert not whole.border.touching
    (cut,) = analyze(
        a_dark_ring(10, 70.6, 17.5), DrawnMasks(disc(10, 71, 16)), wanted(automatic_filters=False)
    ).droplets
    assert cut.border.touching == ["left"]


@pytest.mark.parametrize(("um", "believed"), [(0.5, True), (0.02, False)])
def test_a_pixel_size_that_cannot_be_is_not_believed(um, believed):
    """Droplets of 40 pixels are not of 0.8 um."""
    image = replace(a_dark_ring(80.3, 70.6, 20), pixel_size=PixelSize(um, "TIFF"))
    found = analyze(image, DrawnMasks(disc(80, 71, 17)), wanted())
    assert (found.pixel_size is not None) == believed
    assert any("pixel_size_um" in note for note in found.notes) != believed


def test_a_poor_edge_is_less_sure():
    drawn = DrawnMasks(disc(80, 71, 17))
    sharp = a_dark_ring(80.3, 70.6, 20)
    faint = replace(sharp, original=np.full_like(sharp.original, 120))
    (clear,), (unseen,) = (analyze(image, drawn, wanted()).droplets for image in (sharp, faint))
    assert unseen.confidence < 0.8 < clear.confidence
