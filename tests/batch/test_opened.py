"""Files of a run that stay open while pictures of them follow each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from batch.files import find_files
from batch.opened import OpenFiles
from droplets.errors import UnsupportedImage
from droplets.reading.planes import Selection
from tests.droplets.reading.test_video import readers


def test_threads_read_the_frames_of_a_video_by_one_process_that_goes_with_the_file(tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for level in range(0, 240, 20):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    for name in ("b.png", "c.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((16, 16), np.uint8))
    (tmp_path / "d.png").write_bytes(b"no picture")
    video, *others, bad = find_files([str(tmp_path)], tmp_path / "out")
    files = OpenFiles(10**6)
    with ThreadPoolExecutor(3) as pool:
        levels = list(
            pool.map(lambda i: files.of(video).image(Selection(frame=i)).original.mean(), range(12))
        )
    assert np.allclose(levels, range(0, 240, 20), atol=6)
    assert len(readers()) == 1
    for file in others:
        assert files.of(file).image(Selection()).width == 16
    assert readers() == []
    with pytest.raises(UnsupportedImage):
        files.of(bad)
