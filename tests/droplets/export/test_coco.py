"""What COCO tools read from our masks is what the masks are."""

import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.ndimage import binary_fill_holes, label

from droplets.export.coco import coco_json, mask_from_rle, polygons, rle
from droplets.types import Mask, PixelSize
from tests.droplets.export.filling import HEIGHT, WIDTH, analysed, every_mask, shapes
from tests.droplets.shapes import disc, in_frame, random_array, rectangle, ring, union

# pycocotools 2.0.11 decodes through an `__array__` of numpy 1's kind.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")


def by_pycocotools(full: np.ndarray) -> dict:
    packed = coco_mask.encode(np.asfortranarray(full.astype(np.uint8)))
    return {"size": packed["size"], "counts": packed["counts"].decode("ascii")}


def filled(outlines: list[list[float]], width: int, height: int) -> np.ndarray:
    """By pycocotools: the union of the polygons."""
    packed = coco_mask.merge(coco_mask.frPyObjects(outlines, height, width))
    return coco_mask.decode(packed).astype(bool)


def test_rle_equals_that_of_the_full_picture():
    random = np.random.default_rng(18)
    for _ in range(1500):
        full = random_array(random, largest=30)
        height, width = full.shape
        assert rle(Mask.from_array(full), width, height) == by_pycocotools(full)


def test_rle_of_masks_of_runs_that_go_on_in_the_next_column():
    random = np.random.default_rng(19)
    for _ in range(1000):
        height, width = (int(side) for side in random.integers(1, 9, 2))
        full = random.random((height, width)) < 0.8
        full[[0, -1]] |= random.random((2, width)) < 0.7
        mask = Mask.from_array(full)
        if mask:
            assert rle(mask, width, height) == by_pycocotools(full)


@pytest.mark.parametrize(
    "mask",
    [
        pytest.param(rectangle(0, 0, 1, 1), id="first pixel"),
        pytest.param(rectangle(29, 19, 1, 1), id="last pixel"),
        pytest.param(rectangle(0, 19, 1, 1), id="bottom left"),
        pytest.param(rectangle(29, 0, 1, 1), id="top right"),
        pytest.param(rectangle(0, 0, 30, 20), id="whole picture"),
        pytest.param(rectangle(5, 0, 1, 20), id="one column"),
        pytest.param(rectangle(5, 0, 7, 20), id="columns"),
        pytest.param(rectangle(0, 0, 7, 20), id="first columns"),
        pytest.param(rectangle(23, 0, 7, 20), id="last columns"),
        pytest.param(rectangle(0, 9, 30, 1), id="one row"),
        pytest.param(union(rectangle(0, 0, 30, 1), rectangle(0, 19, 30, 1)), id="top and bottom row"),
        pytest.param(union(rectangle(0, 0, 1, 20), rectangle(29, 0, 1, 20)), id="left and right column"),
        pytest.param(union(rectangle(3, 10, 1, 10), rectangle(4, 0, 1, 10)), id="run over two columns"),
        pytest.param(ring(15, 10, 9, 5), id="ring"),
    ],
)
def test_rle_at_the_borders(mask):
    full = in_frame(mask, 30, 20)
    packed = rle(mask, 30, 20)
    assert packed == by_pycocotools(full)
    assert np.array_equal(coco_mask.decode(packed).astype(bool), full)
    assert coco_mask.area(packed) == mask.area
    assert coco_mask.toBbox(packed).tolist() == list(mask.box)


def test_rle_in_a_20_megapixel_picture():
    mask = disc(5400.5, 3590.5, 50)
    packed = rle(mask, 5472, 3648)
    assert coco_mask.area(packed) == mask.area
    assert coco_mask.toBbox(packed).tolist() == list(mask.box)


def test_rle_is_plain_json():
    packed = rle(disc(20, 20, 9), 50, 40)
    assert packed["size"] == [40, 50]
    assert json.loads(json.dumps(packed)) == packed


def test_masks_come_back_from_their_rle():
    random = np.random.default_rng(20)
    for _ in range(300):
        full = random_array(random)
        mask = Mask.from_array(full)
        back = mask_from_rle(json.loads(json.dumps(rle(mask, *full.shape[::-1]))))
        assert back.box == mask.box
        assert np.array_equal(back.crop, mask.crop)
        assert all(type(value) is int for value in back.box)


def test_an_empty_rle_is_no_mask():
    assert mask_from_rle(by_pycocotools(np.zeros((20, 30), bool))) is None


def test_polygons_fill_back_to_the_mask():
    random = np.random.default_rng(21)
    for _ in range(300):
        full = binary_fill_holes(random_array(random))
        outlines = polygons(Mask.from_array(full))
        assert np.array_equal(filled(outlines, *full.shape[::-1]), full)


@pytest.mark.parametrize("mask", shapes().values(), ids=shapes())
def test_polygons_of_every_shape_fill_back_to_it_and_its_holes(mask):
    parts, count = label(in_frame(mask, WIDTH, HEIGHT))
    full = np.any([binary_fill_holes(parts == number) for number in range(1, count + 1)], axis=0)
    assert np.array_equal(filled(polygons(mask), WIDTH, HEIGHT), full)


def test_polygon_of_a_rectangle_runs_along_the_outer_edges_of_its_pixels():
    (outline,) = polygons(rectangle(10, 20, 5, 3))
    assert sorted(zip(outline[::2], outline[1::2], strict=True)) == [(10, 20), (10, 23), (15, 20), (15, 23)]
    assert all(type(value) is float for value in outline)


def test_the_polygon_of_a_pixel_is_no_box_to_pycocotools():
    (outline,) = polygons(rectangle(3, 4, 1, 1))
    assert len(outline) == 8


def test_every_part_has_its_polygon():
    mask = union(rectangle(0, 0, 5, 5), rectangle(20, 10, 4, 4))
    assert len(polygons(mask)) == 2


class TestDataSet:
    @pytest.fixture
    def found(self):
        masks = [*every_mask(40), disc(30, 30, 4)]
        bead = len(masks) - 1
        image, analysis = analysed(masks, {bead: "bead", 3: "other"}, {bead: 0}, PixelSize(2.0, "request"))
        return masks, json.loads(coco_json(image, analysis, name="a.png"))

    @pytest.fixture
    def data_set(self, found, tmp_path, capsys):
        path = tmp_path / "masks.json"
        path.write_text(json.dumps(found[1]))
        return COCO(str(path))

    def test_pycocotools_reads_the_same_masks(self, found, data_set):
        for number, mask in enumerate(found[0]):
            (annotation,) = data_set.loadAnns(number + 1)
            assert np.array_equal(data_set.annToMask(annotation), in_frame(mask, WIDTH, HEIGHT))
            assert (annotation["area"], tuple(annotation["bbox"])) == (mask.area, mask.box)
            assert annotation["iscrowd"] == 0

    def test_categories_are_the_kinds(self, found, data_set):
        assert {c["id"]: c["name"] for c in data_set.loadCats([1, 2, 3])} == {
            1: "droplet",
            2: "bead",
            3: "other",
        }
        assert data_set.getAnnIds(catIds=[2]) == [len(found[0])]
        assert data_set.getAnnIds(catIds=[3]) == [4]

    def test_the_picture(self, data_set):
        assert data_set.loadImgs(1) == [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}]

    def test_our_figures_have_a_key_of_their_own(self, found):
        masks, data = found
        figures = data["annotations"][-1]["droplet"]
        assert (figures["id"], figures["kind"], figures["parent_id"]) == (len(masks) - 1, "bead", 0)
        assert figures["area_um2"] == 4 * masks[-1].area
        assert figures["red_mean_intensity"] is None

    def test_evaluation_takes_them_for_a_perfect_answer(self, found, data_set, capsys):
        answers = [{**a, "score": 1.0} for a in found[1]["annotations"] if a["category_id"] == 2]
        evaluation = COCOeval(data_set, data_set.loadRes(answers), "segm")
        evaluation.params.catIds = [2]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        assert evaluation.stats[0] == pytest.approx(1)
