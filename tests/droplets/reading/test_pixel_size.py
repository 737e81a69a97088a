"""Pixel size from files as tifffile writes them, and from what others write."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile

from droplets.types import Image, PixelSize
from tests.droplets.images import decode, encode, grey, tiff


def ome(x: str | float, unit: str | None = None, y: str | float | None = None, **options: object) -> bytes:
    metadata = {"axes": "YX", "PhysicalSizeX": x, "PhysicalSizeY": x if y is None else y}
    if unit:
        metadata |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
    return tiff(grey(), ome=True, metadata=metadata, **options)


def imagej(per_unit: float, unit: str, vertical: float | None = None, **options: object) -> bytes:
    resolution = (per_unit, per_unit if vertical is None else vertical)
    return tiff(grey(), imagej=True, resolution=resolution, metadata={"unit": unit}, **options)


def tagged(per_unit: float, unit: str, vertical: float | None = None) -> bytes:
    resolution = (per_unit, per_unit if vertical is None else vertical)
    return tiff(grey(), resolution=resolution, resolutionunit=unit)


def with_description(text: str, **options: object) -> Image:
    return decode(tiff(grey(), description=text.encode(), metadata=None, **options))


def doubts(image: Image) -> list[str]:
    return [note for note in image.notes if "pixel" in note]


@pytest.mark.parametrize(
    ("size", "unit", "um"),
    [
        (1.136, None, 1.136),
        (0.325, "µm", 0.325),
        (325.0, "nm", 0.325),
        (0.000325, "mm", 0.325),
        (3250.0, "Å", 0.325),
        (1.3e-7, "m", 0.13),
        (1e-5, "in", 0.254),
    ],
)
def test_ome_tiff_in_its_units(size, unit, um):
    for options in ({}, {"bigtiff": True}, {"byteorder": ">"}):
        image = decode(ome(size, unit, **options))
        assert image.pixel_size == PixelSize(pytest.approx(um), "OME-TIFF")
        assert doubts(image) == []


@pytest.mark.parametrize("unit", ["&#181;m", "&#xB5;m", "µm", "μm"])
def test_ome_units_written_as_character_references(unit):
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?><ome:OME><ome:Image><ome:Pixels SizeX="32"\n'
        f"  PhysicalSizeXUnit='{unit}' PhysicalSizeX='0.5' /></ome:Image></ome:OME>"
    )
    assert with_description(xml).pixel_size == PixelSize(0.5, "OME-TIFF")


@pytest.mark.parametrize(
    ("unit", "um"),
    [
        ("um", 1),
        ("\\u00B5m", 1),
        ("micron", 1),
        ("microns", 1),
        ("micrometer", 1),
        ("nm", 1e-3),
        ("mm", 1e3),
        ("cm", 1e4),
        ("inch", 25400),
    ],
)
def test_imagej_tiff_in_its_units(unit, um):
    image = decode(imagej(1.62345 * um, unit))
    assert image.pixel_size == PixelSize(pytest.approx(1 / 1.62345, rel=1e-5), "ImageJ TIFF")
    assert doubts(image) == []


@pytest.mark.parametrize(("unit", "encoding"), [("μm", "utf-8"), ("µm", "utf-8"), ("µm", "latin-1")])
def test_imagej_with_raw_letters_and_windows_line_ends(unit, encoding):
    text = f"ImageJ=1.54f\r\nunit={unit}\r\nloop=false\r\n".encode(encoding)
    image = decode(tiff(grey(), description=text, metadata=None, resolution=(2, 2)))
    assert image.pixel_size == PixelSize(0.5, "ImageJ TIFF")


@pytest.mark.parametrize("unit", ["pixel", "", "parsec", "um2"])
def test_imagej_without_a_length_has_no_pixel_size(unit):
    assert decode(imagej(1.6, unit)).pixel_size is None


def test_imagej_keeps_what_it_took_for_a_scale_from_a_screen():
    assert decode(imagej(72, "inch")).pixel_size is None
    assert decode(imagej(118.11, "cm")).pixel_size is None


@pytest.mark.parametrize(
    ("per_unit", "unit", "um"),
    [(8802.8, "CENTIMETER", 1.136), (22360.0, "INCH", 1.13596), (12345.0, "INCH", 2.05751)],
)
def test_plain_resolution_tags_of_a_microscope(per_unit, unit, um):
    assert decode(tagged(per_unit, unit)).pixel_size == PixelSize(pytest.approx(um, rel=1e-4), "TIFF")


@pytest.mark.parametrize("dpi", [1, 72, 96, 150, 200, 300, 336, 600, 1200, 2400, 2540, 4800, 9600])
def test_resolutions_of_screens_cameras_and_printers_are_not_taken(dpi):
    for data in (tagged(dpi, "INCH"), tagged(dpi / 2.54, "CENTIMETER")):
        image = decode(data)
        assert image.pixel_size is None
        (note,) = doubts(image)
        assert f"{dpi} dots an inch" in note
        assert "pixel_size_um" in note


@pytest.mark.parametrize("um", [0.0123, 23.4567])
def test_a_pixel_that_is_no_microscope_s_is_not_taken(um):
    assert decode(tagged(1e4 / um, "CENTIMETER")).pixel_size is None


def test_resolution_tags_without_a_unit_are_not_taken():
    assert decode(tagged(1.6, "NONE")).pixel_size is None
    assert decode(tiff(grey())).pixel_size is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_densities_of_png_and_jpeg_are_not_taken(kind):
    assert decode(encode(grey(), kind, dpi=(22360, 22360))).pixel_size is None


@pytest.mark.parametrize(
    "data", [ome(1.0, "µm", 1.02), imagej(1.6, "um", 1.63), tagged(9000, "CENTIMETER", 9100)]
)
def test_pixels_that_are_not_square_have_no_size(data):
    assert decode(data).pixel_size is None


def test_pixels_that_are_not_square_are_noted():
    assert doubts(decode(ome(1.0, "µm", 1.02))) == [
        "the pixels are not square (1 x 1.02 um by the OME-TIFF): pixel size not taken"
    ]
    assert decode(ome(1.0, "µm", 1.005)).pixel_size == PixelSize(pytest.approx(1.0025), "OME-TIFF")


@pytest.mark.parametrize(
    "data",
    [
        *(ome(size, "µm") for size in (0, -1.0, 1e-300, 0.0009, 1001.0, "NaN", "INF", "-1e999", "abc")),
        ome(1.0, "pixel"),
        imagej(0.0009, "um"),
    ],
)
def test_impossible_sizes_are_ignored_with_a_note(data):
    image = decode(data)
    assert image.pixel_size is None
    assert [note.rpartition(" is ")[2] for note in doubts(image)] == ["not possible: ignored"]


@pytest.mark.parametrize("resolution", [(0, 1), (1, 0), (0, 0), (2**32 - 1, 1)])
def test_damaged_resolution_tags_are_ignored(resolution):
    data = bytearray(imagej(1.6, "um"))
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        places = [tif.pages[0].tags[tag].valueoffset for tag in (282, 283)]
    for place in places:
        data[place : place + 8] = np.array(resolution, "<u4").tobytes()
    size = decode(bytes(data)).pixel_size
    assert size is None or size.um > 0


def test_entities_of_a_hostile_ome_file_are_not_expanded():
    levels = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    xml = (
        f'<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY l0 "1">{levels}]>'
        '<OME><Pixels PhysicalSizeX="&l11;" PhysicalSizeXUnit="&l11;"/></OME>'
    )
    assert with_description(xml).pixel_size is None


@pytest.mark.parametrize(
    "part", ["<Pixels ", "<Pixels a", "PhysicalSizeX=", 'PhysicalSizeX = "', "<a:", "\nunit=", "\\u00"]
)
def test_long_hostile_descriptions_are_searched_in_passing(part):
    for head, tail in (("<OME><Pixels ", "/></OME>"), ("ImageJ=1\nunit=", "\n")):
        text = head + part * (1_000_000 // len(part)) + tail
        assert with_description(text, resolution=(2, 2)).pixel_size is None
