"""Which plane of a stack is read: channels, z and time of ImageJ, OME and plain TIFF, and what is refused."""

from __future__ import annotations

import io
import re
import struct

import cv2
import numpy as np
import pytest
import tifffile

from droplets.errors import BadRequest, TooManyPixels, UndecodableImage
from droplets.reading.focus import sharpness
from droplets.reading.image import decode_image, read_axes
from droplets.reading.planes import Axes, Selection
from tests.droplets.images import MAX_PIXELS, colour, encode, grey, tiff

FRAMES, PLANES, CHANNELS = 4, 3, 2
NAMES = ("BF", "FAM & more")


def numbered() -> np.ndarray:
    """TxZxCx24x32 uint16; each plane has its own number added to one ramp."""
    numbers = np.arange(FRAMES * PLANES * CHANNELS, dtype=np.uint16)
    return grey()[None] + 300 * numbers.reshape(FRAMES, PLANES, CHANNELS, 1, 1)


def hyperstack(axes: str, **options) -> bytes:
    """The numbered planes in another order of their axes, as one of tifffile's kinds."""
    values = np.transpose(numbered(), ["TZCYX".index(axis) for axis in axes])
    metadata = {"axes": axes, **options.pop("metadata", {})}
    return tiff(values, photometric="minisblack", metadata=metadata, **options)


STACKS = {
    "imagej": hyperstack("TZCYX", imagej=True),
    "ome TZC": hyperstack("TZCYX", ome=True, metadata={"Channel": {"Name": list(NAMES)}}),
    "ome CTZ": hyperstack("CTZYX", ome=True),
    "ome ZCT": hyperstack("ZCTYX", ome=True, compression="deflate"),
    "ome big": hyperstack("TCZYX", ome=True, bigtiff=True, tile=(16, 16)),
    "tifffile": hyperstack("CZTYX"),
}


def read(data: bytes, max_pixels: int = MAX_PIXELS, **selection):
    return decode_image(data, max_pixels=max_pixels, selection=Selection(**selection))


def refusal(data: bytes, error: type[Exception], **selection) -> str:
    with pytest.raises(error) as caught:
        read(data, **selection)
    return caught.value.message


@pytest.mark.parametrize("name", STACKS)
def test_each_plane_of_a_hyperstack_is_found_by_channel_plane_and_frame(name):
    values = numbered()
    for frame, plane, channel in np.ndindex(FRAMES, PLANES, CHANNELS):
        image = read(STACKS[name], channel=channel, plane=plane, frame=frame)
        assert np.array_equal(image.original, values[frame, plane, channel])
    axes = read_axes(STACKS[name], max_pixels=MAX_PIXELS)
    assert (axes.frames, axes.planes, axes.channels) == (FRAMES, PLANES, CHANNELS)
    assert re.fullmatch(r"channel 1.* of 2, frame 3 of 4, plane 2 of 3", image.plane)
    assert image.plane in image.notes


def test_channels_of_ome_are_known_by_name():
    image = read(STACKS["ome TZC"], channel="fam & MORE", plane=1, frame=2)
    assert np.array_equal(image.original, numbered()[2, 1, 1])
    assert image.plane == "channel 1 (FAM & more) of 2, frame 2 of 4, plane 1 of 3"
    assert read_axes(STACKS["ome TZC"], max_pixels=MAX_PIXELS).names == NAMES


def test_pages_without_axes_are_frames():
    data = tiff(numbered().reshape(-1, 24, 32), photometric="minisblack", metadata=None)
    assert read_axes(data, max_pixels=MAX_PIXELS) == Axes(frames=24)
    assert np.array_equal(read(data, frame=17).original, numbered().reshape(-1, 24, 32)[17])
    assert read(data).plane == "frame 0 of 24"


@pytest.mark.parametrize(
    ("told", "interval_s"),
    [
        ({"imagej": True, "metadata": {"axes": "TYX", "finterval": 0.25}}, 0.25),
        ({"ome": True, "metadata": {"axes": "TYX", "TimeIncrement": 40.0, "TimeIncrementUnit": "ms"}}, 0.04),
        ({"ome": True, "metadata": {"axes": "TYX", "TimeIncrement": 3.0}}, 3),
        ({"imagej": True, "metadata": {"axes": "TYX", "finterval": -1.0}}, None),
        ({"ome": True, "metadata": {"axes": "TYX"}}, None),
    ],
)
def test_the_time_between_frames_is_what_the_file_tells(told, interval_s):
    axes = read_axes(tiff(numbered()[:, 0, 0], **told), max_pixels=MAX_PIXELS)
    assert axes.interval_s == interval_s


def test_frames_in_colour_stay_in_colour():
    frames = np.stack([colour() // (frame + 1) for frame in range(3)])
    data = tiff(frames, ome=True, photometric="rgb", metadata={"axes": "TYXS"})
    assert read_axes(data, max_pixels=MAX_PIXELS) == Axes(frames=3, names=("",))
    assert np.array_equal(read(data, frame=2).original, frames[2])


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_grey_samples_of_a_pixel_are_channels(planar):
    values = np.dstack([colour("uint16"), grey("uint16")])
    stored = values if planar == "contig" else np.ascontiguousarray(np.moveaxis(values, -1, 0))
    data = tiff(stored, photometric="minisblack", planarconfig=planar)
    assert read_axes(data, max_pixels=MAX_PIXELS) == Axes(channels=4)
    assert np.array_equal(read(data, channel=2).original, values[..., 2])


@pytest.mark.parametrize("data", [encode(colour(), "PNG"), tiff(colour(), photometric="rgb")])
@pytest.mark.parametrize("channel", [1, "green"])
def test_one_channel_of_a_picture_in_colour_is_grey(data, channel):
    image = read(data, channel=channel)
    assert np.array_equal(image.original, colour()[..., 1])
    assert image.notes == ("green of a picture in colour",)


def test_a_file_of_one_plane_is_the_only_one_of_every_axis():
    image = read(tiff(grey()), channel=0, plane=0, frame=0)
    assert np.array_equal(image.original, grey())
    assert image.plane == ""
    assert read_axes(encode(grey(), "PNG"), max_pixels=MAX_PIXELS) == Axes()


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"channel": 2}, "options.channel is 2; the file has 0 (BF), 1 (FAM & more)."),
        ({"channel": "HEX"}, "options.channel is HEX; the file has 0 (BF), 1 (FAM & more)."),
        ({"plane": 3}, "options.plane is 3; the file has 3 planes, counted from 0."),
        ({"frame": 4}, "options.frame is 4; the file has 4 frames, counted from 0."),
        (
            {"option": "options.fluorescence_channel", "first": False},
            "options.fluorescence_channel must say which channel; the file has 0 (BF), 1 (FAM & more).",
        ),
    ],
)
def test_what_a_file_does_not_have_is_said_with_what_it_has(selection, message):
    assert refusal(STACKS["ome TZC"], BadRequest, **selection) == message


@pytest.mark.parametrize(
    ("selection", "message"),
    [({"channel": 1}, "options.channel is 1"), ({"plane": 1}, "one plane."), ({"frame": 1}, "one frame.")],
)
def test_a_single_picture_has_no_second_plane(selection, message):
    assert message in refusal(encode(grey(), "PNG"), BadRequest, **selection)


def test_the_maximum_is_over_all_planes_of_the_channel_and_frame():
    image = read(STACKS["imagej"], plane="max", channel=1, frame=2)
    assert np.array_equal(image.original, numbered()[2, :, 1].max(axis=0))
    assert image.plane == "channel 1 of 2, frame 2 of 4, maximum of 3 planes"


def rendered(best: int, electrons: float, *, glow: bool) -> np.ndarray:
    """9x160x160 uint16: droplets (dark rings, or discs that glow) with shot noise; `best` is in focus."""
    rows, columns = np.mgrid[:160, :160].astype(np.float32)
    places, noise = np.random.default_rng(1), np.random.default_rng(best)
    sharp = np.full((160, 160), 80.0 if glow else 600.0, np.float32)
    for _ in range(15):
        x, y = places.uniform(10, 150, 2)
        radius = places.uniform(8, 14)
        distance = np.hypot(columns - x, rows - y)
        if glow:
            sharp += 600 * places.uniform(0.2, 1) / (1 + np.exp((distance - radius) / 0.7))
        else:
            sharp -= 350 * np.exp(-(((distance - radius) / 1.5) ** 2))
    stack = []
    for plane in range(9):
        blur = 0.8 * abs(plane - best)
        light = cv2.GaussianBlur(sharp, (0, 0), blur) if blur else sharp
        gain = 600 / electrons
        seen = noise.poisson(np.clip(light, 1, None) / gain) * gain + noise.normal(100, 5, light.shape)
        stack.append(np.clip(seen, 0, 65535).astype(np.uint16))
    return np.stack(stack)


@pytest.mark.parametrize("glow", [False, True])
@pytest.mark.parametrize("electrons", [200, 20, 4])
@pytest.mark.parametrize("best", [0, 3, 8])
def test_the_plane_in_focus_is_found_with_much_light_and_little(best, electrons, glow):
    stack = rendered(best, electrons, glow=glow)
    image = read(tiff(stack, imagej=True, metadata={"axes": "ZYX"}))
    assert image.plane == f"best focus of 9 planes ({best})"
    assert np.array_equal(image.original, stack[best])


def test_sharpness_of_colour_is_that_of_its_mean():
    values = colour("uint16")
    assert sharpness(values) == pytest.approx(sharpness(values.mean(axis=2, dtype=np.float32)))


def test_only_the_planes_that_are_wanted_are_decoded(monkeypatch):
    decoded = []
    asarray = tifffile.TiffPage.asarray
    monkeypatch.setattr(
        tifffile.TiffPage, "asarray", lambda page, **how: decoded.append(page.index) or asarray(page, **how)
    )
    read(STACKS["imagej"], channel=1, plane=2, frame=3)
    assert decoded == [23]
    decoded.clear()
    read(STACKS["imagej"], channel=1, frame=2)
    assert decoded == [13, 15, 17]


def test_a_stack_over_the_limit_asks_for_a_plane():
    stack = np.stack([grey()] * 5)
    data = tiff(stack, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(
        TooManyPixels, match=r"5 planes .* are 3840 pixels; the limit is 3072\. .* options\.plane"
    ):
        read(data, max_pixels=768)
    assert read(data, max_pixels=768, plane=4).plane == "plane 4 of 5"


# Headers that say what is not so


def described(text: str, pages: int = 3) -> bytes:
    return tiff(
        np.stack([grey() // (page + 1) for page in range(pages)]),
        photometric="minisblack",
        description=text,
        metadata=None,
    )


def ome(pixels: str, inside: str = "", attributes: str = "") -> bytes:
    head = '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
    return described(f"{head} {attributes}><Image><Pixels {pixels}>{inside}</Pixels></Image></OME>")


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("ImageJ=1.54\nimages=90\nframes=90", {"frame": 7}),
        ("ImageJ=1.54\nimages=999999999\nchannels=999999999\nframes=9\n", {"channel": 999_999_998}),
        ("ImageJ=1.54\nimages=90\nslices=90", {}),
    ],
)
def test_a_plane_that_the_file_does_not_hold_is_missing(text, selection):
    assert "is missing" in refusal(described(text), UndecodableImage, **selection)


def test_a_million_channels_are_not_all_listed():
    message = refusal(described("ImageJ=1.54\nchannels=999999999"), BadRequest, channel="FAM")
    assert message.endswith("14, 15, and so on up to 999999998.")


def test_the_first_plane_is_read_though_others_are_missing():
    assert np.array_equal(read(described("ImageJ=1.54\nimages=90\nframes=90")).original, grey())


def test_a_million_planes_are_not_gone_through():
    with pytest.raises(TooManyPixels, match=r"options\.plane"):
        read(described("ImageJ=1.54\nimages=1000000\nslices=1000000"))


def test_ome_planes_lie_where_the_file_says():
    listed = "".join(f'<TiffData IFD="{2 - t}" FirstT="{t}"/>' for t in range(3))
    data = ome('DimensionOrder="XYZCT" SizeC="1" SizeZ="1" SizeT="3"', listed)
    for frame in range(3):
        assert np.array_equal(read(data, frame=frame).original, grey() // (3 - frame))


def test_an_ome_plane_of_another_file_is_named():
    listed = "".join(
        f'<TiffData IFD="{t}" FirstT="{t}" PlaneCount="1">'
        f'<UUID FileName="{name}.tif">urn:uuid:{name}</UUID></TiffData>'
        for t, name in enumerate(["a", "b", "a"])
    )
    data = ome('DimensionOrder="XYZCT" SizeC="1" SizeZ="1" SizeT="3"', listed, 'UUID="urn:uuid:a"')
    assert np.array_equal(read(data, frame=2).original, grey() // 3)
    assert "frame 1 lies in another file" in refusal(data, UndecodableImage, frame=1)


@pytest.mark.parametrize(
    "pixels",
    [
        'DimensionOrder="XYQQQ" SizeC="3" SizeZ="1" SizeT="1"',
        'DimensionOrder="" SizeT="3"',
        'SizeC="-1" SizeZ="0" SizeT="3"',
        'SizeC="1e9" SizeZ="x" SizeT="3"',
    ],
)
def test_nonsense_in_ome_leaves_frames(pixels):
    assert read(ome(pixels), frame=2).plane == "frame 2 of 3"


def test_many_lists_of_planes_cost_little():
    data = ome('SizeC="1" SizeZ="1" SizeT="3"', "<TiffData/>" * 200_000)
    assert np.array_equal(read(data, frame=1).original, grey() // 2)


def test_later_directories_are_checked_as_the_first_one_is():
    data = bytearray(described("", pages=2))
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        place = tif.pages[1].tags[257].offset
    struct.pack_into("<HI", data, place + 2, 2, 4)
    assert "header of this TIFF is damaged" in refusal(bytes(data), UndecodableImage, frame=1)
    assert np.array_equal(read(bytes(data)).original, grey())


def test_planes_of_different_sizes_have_no_best_focus():
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(grey(), description="ImageJ=1.54\nimages=2\nslices=2", metadata=None)
        writer.write(grey()[:16], metadata=None)
    assert "differ in size" in refusal(out.getvalue(), UndecodableImage)
