"""Figures of masks against closed forms.

A drawn disc is not a circle: its pixels are those whose centres lie within, so that every figure
has a sampling error. The tolerances are stated where they are used.
"""

import math

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import perimeter_crofton

from droplets.boundaries.contours import clip
from droplets.objects.measure import border_distance, channel_intensities, grey_values, intensity, shape
from droplets.types import BorderDistance, Mask
from tests.droplets.shapes import disc, ellipse, picture, random_mask, rectangle, ring, union

RADII = [5, 6.5, 8, 10, 15, 22.3, 40, 75]


def discs(radius: float, count: int = 25) -> list[Mask]:
    """Discs at centres spread over a pixel."""
    centres = np.random.default_rng(6).random((count, 2)) + math.ceil(radius) + 1
    return [disc(x, y, radius) for x, y in centres]


def corners(mask: Mask) -> np.ndarray:
    """Corners of all pixels."""
    rows, columns = np.nonzero(mask.crop)
    return np.concatenate(
        [np.stack([columns + x, rows + y], 1) for x in (-0.5, 0.5) for y in (-0.5, 0.5)]
    ).astype(float)


@pytest.mark.parametrize("radius", RADII)
def test_equivalent_diameter_of_a_disc(radius):
    diameters = [shape(mask).equivalent_diameter for mask in discs(radius)]
    assert diameters == pytest.approx([2 * radius] * len(diameters), abs=0.3)  # pixels


@pytest.mark.parametrize("radius", RADII)
def test_area_of_a_disc_has_no_bias(radius):
    areas = [mask.area for mask in discs(radius, count=400)]
    assert np.mean(areas) == pytest.approx(math.pi * radius**2, rel=0.004)


@pytest.mark.parametrize("radius", RADII)
def test_perimeter_of_a_disc(radius):
    tolerance = 0.035 if radius < 10 else 0.015
    for mask in discs(radius):
        assert shape(mask).perimeter == pytest.approx(2 * math.pi * radius, rel=tolerance)


@pytest.mark.parametrize("radius", RADII)
def test_circularity_of_a_disc_is_nearly_one(radius):
    lowest = 0.92 if radius < 10 else 0.96
    assert all(lowest < shape(mask).circularity <= 1 for mask in discs(radius))


@pytest.mark.parametrize("radius", RADII)
def test_feret_diameter_of_a_disc_reaches_over_the_outer_pixels(radius):
    for mask in discs(radius):  # corner to corner of pixels whose centres lie within: up to one diagonal more
        assert 2 * radius - 1 < shape(mask).max_feret_diameter <= 2 * radius + math.sqrt(2)


@pytest.mark.parametrize("radius", RADII)
def test_solidity_of_a_disc(radius):
    # The staircase takes less than half a pixel all along the rim: A / (A + P / 2).
    assert all(1 / (1 + 1 / radius) < shape(mask).solidity < 1 for mask in discs(radius))


@pytest.mark.parametrize(("a", "b"), [(20, 10), (40, 20), (60, 20), (35, 30)])
@pytest.mark.parametrize("degrees", [0, 17, 30, 45, 60, 90])
def test_ellipse(a, b, degrees):
    figures = shape(ellipse(80.3, 79.6, a, b, degrees))
    h = ((a - b) / (a + b)) ** 2
    perimeter = math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))  # Ramanujan 1914
    assert figures.equivalent_diameter == pytest.approx(2 * math.sqrt(a * b), rel=0.01)
    assert figures.perimeter == pytest.approx(perimeter, rel=0.04)  # Crofton with four directions
    assert figures.circularity == pytest.approx(4 * math.pi**2 * a * b / perimeter**2, abs=0.06)
    assert 2 * a - 1 < figures.max_feret_diameter <= 2 * a + math.sqrt(2)
    assert figures.solidity > 0.92


@pytest.mark.parametrize(
    ("width", "height"),
    [(1, 1), (2, 1), (1, 50), (2, 2), (3, 3), (10, 10), (40, 40), (40, 20), (100, 10), (7, 300)],
)
def test_rectangle(width, height):
    figures = shape(rectangle(5, 9, width, height))
    # Lines in four directions cross a box of w x h pixels w, h and twice w + h - 1 times.
    perimeter = math.pi / 4 * (width + height + math.sqrt(2) * (width + height - 1))
    assert figures.perimeter == pytest.approx(perimeter)
    assert figures.circularity == pytest.approx(min(1, 4 * math.pi * width * height / perimeter**2))
    assert figures.equivalent_diameter == pytest.approx(2 * math.sqrt(width * height / math.pi))
    assert figures.max_feret_diameter == pytest.approx(math.hypot(width, height))
    assert figures.solidity == 1


def test_a_square_is_less_circular_than_a_disc():
    # 0.785 by its true perimeter; four directions find it 5 % short.
    assert 0.785 < shape(rectangle(0, 0, 100, 100)).circularity < 0.89


def test_one_pixel():
    figures = shape(rectangle(3, 4, 1, 1))
    assert figures.equivalent_diameter == pytest.approx(2 / math.sqrt(math.pi))
    assert figures.max_feret_diameter == pytest.approx(math.sqrt(2))
    assert figures.circularity == 1
    assert figures.solidity == 1


@pytest.mark.parametrize("length", [2, 7, 40])
def test_a_diagonal_line(length):
    figures = shape(Mask(0, 0, np.eye(length, dtype=bool)))
    assert figures.max_feret_diameter == pytest.approx(length * math.sqrt(2))
    assert figures.solidity == pytest.approx(length / (2 * length - 1))
    assert shape(Mask(0, 0, np.eye(length, dtype=bool)[:, ::-1])) == figures


@pytest.mark.parametrize(
    ("mask", "area", "hull"),
    [
        pytest.param(union(rectangle(0, 0, 10, 20), rectangle(10, 10, 10, 10)), 300, 350, id="L"),
        pytest.param(union(rectangle(10, 0, 10, 30), rectangle(0, 10, 30, 10)), 500, 700, id="plus"),
        pytest.param(
            union(rectangle(0, 0, 5, 20), rectangle(15, 0, 5, 20), rectangle(0, 15, 20, 5)), 250, 400, id="U"
        ),
        pytest.param(union(rectangle(0, 0, 5, 5), rectangle(20, 0, 5, 5)), 50, 125, id="two parts"),
    ],
)
def test_concave_shapes(mask, area, hull):
    assert mask.area == area
    assert shape(mask).solidity == pytest.approx(area / hull)


@pytest.mark.parametrize(("outer", "inner"), [(20, 10), (40, 30), (60, 20)])
def test_a_ring_has_two_edges(outer, inner):
    figures = shape(ring(70.2, 69.7, outer, inner))
    assert figures.perimeter == pytest.approx(2 * math.pi * (outer + inner), rel=0.015)
    assert figures.circularity == pytest.approx((outer - inner) / (outer + inner), rel=0.03)
    assert figures.solidity == pytest.approx(1 - (inner / outer) ** 2, abs=0.04)


def test_two_discs_that_touch():
    figures = shape(union(disc(40, 40, 20), disc(80, 40, 20)))
    assert figures.circularity == pytest.approx(0.5, abs=0.02)
    assert figures.solidity == pytest.approx(2 * math.pi / (math.pi + 4), abs=0.03)
    assert figures.max_feret_diameter == pytest.approx(81, abs=0.1)


def test_hull_and_feret_diameter_equal_those_of_all_pixel_corners():
    random = np.random.default_rng(7)
    for _ in range(150):
        mask = random_mask(random, largest=25)
        points = corners(mask)
        figures = shape(mask)
        assert figures.solidity == pytest.approx(mask.area / ConvexHull(points).volume, rel=1e-6)
        assert figures.max_feret_diameter == pytest.approx(pdist(points).max(), rel=1e-6)
        assert 0 < figures.solidity <= 1
        assert 0 < figures.circularity <= 1


def test_perimeter_equals_that_of_scikit_image():
    random = np.random.default_rng(13)
    masks = [random_mask(random, largest=25) for _ in range(200)]
    masks += [Mask.from_array(random.random((9, 11)) < density) for density in (0.1, 0.3, 0.5, 0.9)]
    for mask in masks:
        expected = perimeter_crofton(np.pad(mask.crop, 1), directions=4)
        assert shape(mask).perimeter == pytest.approx(expected, rel=1e-12)


def test_figures_do_not_depend_on_place_mirroring_or_quarter_turns():
    random = np.random.default_rng(8)
    for _ in range(30):
        crop = random_mask(random).crop
        expected = shape(Mask(0, 0, crop))
        for other in (crop[::-1], crop[:, ::-1], np.rot90(crop), crop.T, np.rot90(crop, 2)):
            figures = shape(Mask(3000, 2000, other))
            assert vars(figures) == pytest.approx(vars(expected))


def test_lengths_double_with_the_pixels():
    random = np.random.default_rng(9)
    for _ in range(30):
        crop = random_mask(random).crop
        small, large = shape(Mask(0, 0, crop)), shape(Mask(0, 0, np.kron(crop, np.ones((2, 2), bool))))
        assert large.equivalent_diameter == pytest.approx(2 * small.equivalent_diameter)
        assert large.max_feret_diameter == pytest.approx(2 * small.max_feret_diameter)
        assert large.solidity == pytest.approx(small.solidity)


@pytest.mark.parametrize(("width", "height"), [(5472, 20), (20, 3648)])
def test_a_mask_across_a_20_megapixel_frame(width, height):
    figures = shape(rectangle(0, 0, width, height))
    assert figures.max_feret_diameter == pytest.approx(math.hypot(width, height), rel=1e-6)
    assert figures.solidity == 1


def test_a_contour_is_measured_as_the_polygon_it_is():
    turn = np.pi / 3 * np.arange(6)
    hexagon = np.stack([30.3 + 10 * np.cos(turn), 20.8 + 10 * np.sin(turn)], axis=1)
    figures = shape(disc(30, 21, 9), hexagon)
    assert figures.perimeter == pytest.approx(60)
    assert figures.equivalent_diameter == pytest.approx(2 * math.sqrt(1.5 * math.sqrt(3) * 100 / math.pi))
    assert figures.circularity == pytest.approx(math.pi * math.sqrt(3) / 6)
    assert figures.max_feret_diameter == pytest.approx(20)
    assert figures.solidity == pytest.approx(1)


def test_a_dented_contour_is_less_solid():
    star = np.array([[0, 0], [10, 3], [20, 0], [17, 10], [20, 20], [10, 17], [0, 20], [3, 10]], float)
    assert shape(disc(10, 10, 8), star).solidity == pytest.approx(1 - 4 * 30 / 400)


@pytest.mark.parametrize(
    ("dtype", "highest"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1.0)], ids=["8", "16", "float"]
)
def test_intensity_is_that_of_the_pixels_under_the_mask(dtype, highest):
    random = np.random.default_rng(10)
    grey = (random.random((60, 70)) * highest).astype(dtype)
    for _ in range(50):
        mask = random_mask(random)
        values = np.array(
            [grey[mask.y + row, mask.x + column] for row, column in zip(*np.nonzero(mask.crop), strict=True)],
            float,
        )
        figures = intensity(grey, mask)
        assert figures.mean == pytest.approx(values.mean())
        assert figures.std == pytest.approx(values.std(ddof=0))
        assert (figures.min, figures.max) == (values.min(), values.max())
        assert figures.median == pytest.approx(np.median(values))
        assert figures.pixels == mask.area
        assert all(type(value) is float for name, value in vars(figures).items() if name != "pixels")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_each_channel_is_measured_as_if_it_were_alone(dtype):
    random = np.random.default_rng(14)
    rgb = (random.random((60, 70, 3)) * 255).astype(dtype)
    for _ in range(20):
        mask = random_mask(random)
        figures = channel_intensities(rgb, mask)
        alone = [intensity(np.ascontiguousarray(rgb[..., channel]), mask) for channel in range(3)]
        assert [vars(channel) for channel in figures] == [pytest.approx(vars(channel)) for channel in alone]


def test_intensity_does_not_overflow():
    figures = intensity(np.full((500, 500), 65535, np.uint16), rectangle(0, 0, 500, 500))
    assert (figures.mean, figures.std, figures.median) == (65535, 0, 65535)


def test_intensity_of_a_ring_leaves_its_hole_out():
    grey = np.full((60, 60), 10, np.uint8)
    inner = disc(30, 30, 9)
    grey[inner.y : inner.y + inner.height, inner.x : inner.x + inner.width][inner.crop] = 250
    assert intensity(grey, ring(30, 30, 20, 9)).max == 10


def test_grey_pictures_are_measured_as_they_are():
    original = np.arange(600, dtype=np.uint16).reshape(20, 30)
    assert grey_values(picture(original, 16)) is original


@pytest.mark.parametrize(("dtype", "highest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_equal_channels_give_just_their_value(dtype, highest):
    values = np.arange(highest + 1, dtype=dtype).reshape(-1, 16)
    grey = grey_values(picture(np.repeat(values[..., None], 3, axis=2)))
    assert np.array_equal(grey, values)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.uint8, 0.51), (np.uint16, 0.6), (np.float32, 1e-3)], ids=["8", "16", "float"]
)
def test_colours_are_weighed_as_in_rec_601(dtype, tolerance):
    rgb = (np.random.default_rng(11).random((20, 30, 3)) * 255).astype(dtype)
    grey = grey_values(picture(rgb))
    assert grey.shape == (20, 30)
    assert grey == pytest.approx(rgb.astype(float) @ (0.299, 0.587, 0.114), abs=tolerance)


def test_grey_values_of_a_part_of_a_picture():
    rgb = np.random.default_rng(12).integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    window = np.s_[5:25, 10:40]
    assert np.array_equal(grey_values(picture(rgb[window], 16)), grey_values(picture(rgb, 16))[window])


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (rectangle(0, 0, 100, 80), BorderDistance(top=0, bottom=0, left=0, right=0)),
        (rectangle(1, 2, 3, 4), BorderDistance(top=2, bottom=74, left=1, right=96)),
        (rectangle(97, 76, 3, 4), BorderDistance(top=76, bottom=0, left=97, right=0)),
        (rectangle(99, 0, 1, 1), BorderDistance(top=0, bottom=79, left=99, right=0)),
    ],
)
def test_border_distance(mask, expected):
    assert border_distance(mask, 100, 80) == expected


@pytest.mark.parametrize(("x", "cut"), [(9.7, []), (9.4, ["left"]), (5.0, ["left"])])
def test_the_border_cuts_what_its_curve_says(x, cut):
    """Not what its pixels say: a circle of radius 10 at 9.7 reaches the first column and closes within it."""
    angles = np.linspace(0, 2 * np.pi, 144, endpoint=False)
    contour = np.stack([x + 10 * np.cos(angles), 40 + 10 * np.sin(angles)], axis=1)
    mask = rectangle(0, 30, 19, 21)
    assert border_distance(mask, 100, 80, clip(contour, 100, 80)).touching == cut
