"""Which frames are wanted, and pictures a frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import tifffile

from batch.files import find_files, pictures
from batch.frames import Frames, in_frames
from droplets.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "count", "indices"),
    [
        ("all", 3, [0, 1, 2]),
        ("1-9", 3, [1, 2]),
        ("0-9:4", 10, [0, 4, 8]),
        ("2-2", 3, [2]),
        ("5-9", 3, [5]),  # which the file has not: its analysis says so
    ],
)
def test_a_range_names_frames(text, count, indices):
    assert list(Frames.parse(text).of(count)) == indices


@pytest.mark.parametrize("text", ["", "3", "9-1", "0-9:0", "-3", "a-b"])
def test_another_text_is_refused(text):
    with pytest.raises(BadRequest, match="--frames must be"):
        Frames.parse(text)


def test_files_of_several_frames_give_a_picture_a_frame_and_others_stay(tmp_path):
    grey = np.arange(6 * 16 * 16, dtype=np.uint8).reshape(6, 16, 16)
    tifffile.imwrite(tmp_path / "a.tif", grey, imagej=True, metadata={"axes": "TYX"})
    cv2.imwrite(str(tmp_path / "b.png"), grey[0])
    (tmp_path / "c.tif").write_bytes(b"no picture")
    listing = pictures(find_files([str(tmp_path)], tmp_path / "out"), None)
    listed = in_frames(listing, Frames.parse("1-5:2"), 10**6).pictures
    assert [(picture.name, picture.frame) for picture in listed] == [
        ("a.tif.frame-00001", 1),
        ("a.tif.frame-00003", 3),
        ("a.tif.frame-00005", 5),
        ("b.png", None),
        ("c.tif", None),
    ]
