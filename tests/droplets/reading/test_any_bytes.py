"""The decode boundary under files that nobody thought of: each is a picture, or an error of ours."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from droplets.errors import ServiceError
from droplets.reading.image import decode_image, read_axes
from droplets.reading.planes import Selection
from tests.droplets.images import SOUND

MOST_PIXELS = 1_000_000
QUICK = settings(max_examples=120, deadline=None, derandomize=True, database=None)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6)


def assert_a_picture_or_an_error_of_ours(data: bytes, selection: Selection) -> None:
    try:
        image = decode_image(data, max_pixels=MOST_PIXELS, selection=selection)
    except ServiceError:
        return
    assert image.pixels.dtype == np.uint8
    assert image.pixels.shape == (image.height, image.width, 3)
    assert image.original.shape[:2] == image.pixels.shape[:2]
    assert image.width * image.height <= MOST_PIXELS
    assert np.isfinite(image.original).all()


@QUICK
@given(
    st.sampled_from(sorted(SOUND)),
    EDITS,
    st.floats(0.05, 1),
    st.integers(0, 3),
)
def test_a_sound_file_with_bytes_changed_and_its_end_cut_off(name, edits, part, frame):
    data = bytearray(SOUND[name])
    for place, new in edits:
        at = int(place * (len(data) - 1))
        data[at : at + len(new)] = new
    assert_a_picture_or_an_error_of_ours(bytes(data[: int(part * len(data))]), Selection(frame=frame))


@QUICK
@given(st.sampled_from(sorted(SOUND)), st.binary(max_size=300))
def test_anything_behind_the_first_bytes_of_a_format(name, rest):
    data = SOUND[name][:16] + rest
    assert_a_picture_or_an_error_of_ours(data, Selection())
    try:
        axes = read_axes(data, max_pixels=MOST_PIXELS)
    except ServiceError:
        return
    assert axes.frames >= 1
