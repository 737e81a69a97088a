"""The label picture holds each object's pixels, for ImageJ and for Python."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile

from droplets.analysis import Analysis
from droplets.export import labels
from droplets.export.labels import label_tiff
from droplets.types import PixelSize
from tests.droplets.export.filling import HEIGHT, WIDTH, analysed
from tests.droplets.shapes import disc, in_frame, rectangle, ring


def read(data: bytes) -> np.ndarray:
    return tifffile.imread(io.BytesIO(data))


def test_labels_are_ids_and_one():
    masks = [disc(20, 20, 10), ring(45, 40, 9, 4), rectangle(0, 50, 3, 3)]
    found = read(label_tiff(*analysed(masks)))
    assert found.dtype == np.uint16
    assert found.shape == (HEIGHT, WIDTH)
    for number, mask in enumerate(masks):
        assert np.array_equal(found == number + 1, in_frame(mask, WIDTH, HEIGHT))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_beads_lie_on_top(order):
    masks = [disc(30, 30, 20), disc(30, 30, 4)]
    found = read(label_tiff(*analysed([masks[number] for number in order])))
    assert np.array_equal(found == order.index(1) + 1, in_frame(masks[1], WIDTH, HEIGHT))


def test_imagej_finds_the_pixel_size():
    data = label_tiff(*analysed([disc(30, 30, 20)], size=PixelSize(0.65, "request")))
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        assert tiff.is_imagej
        assert tiff.imagej_metadata["unit"] == "um"
        across, along = tiff.pages[0].tags["XResolution"].value
        assert along / across == pytest.approx(0.65, rel=1e-6)
        assert tiff.pages[0].tags["YResolution"].value == (across, along)


def test_without_a_pixel_size_the_unit_is_the_pixel():
    with tifffile.TiffFile(io.BytesIO(label_tiff(*analysed([disc(30, 30, 20)])))) as tiff:
        assert tiff.imagej_metadata["unit"] == "pixel"
        assert tiff.imagej_metadata["max"] == 1


def test_more_objects_than_16_bits_count(monkeypatch):
    monkeypatch.setattr(labels, "MOST_16_BIT", 1)
    masks = [disc(20, 20, 10), rectangle(0, 50, 3, 3)]
    found = read(label_tiff(*analysed(masks)))
    assert found.dtype == np.float32
    assert np.array_equal(found == 2, in_frame(masks[1], WIDTH, HEIGHT))


def test_nothing_found_is_background():
    image, _ = analysed([])
    assert not read(label_tiff(image, Analysis([], 0, {}, {}))).any()
