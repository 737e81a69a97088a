"""What goes into the time of a whole request."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest

from benchmarks.request import fresh, summary


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_no_two_pictures_are_the_same(kind):
    pixels = np.full((48, 64, 3), 140, np.uint8)

    files = list(islice(fresh(pixels, kind), 5))

    pictures = [cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_GRAYSCALE) for file in files]
    assert len({picture.tobytes() for picture in pictures}) == 5
    assert pictures[0].shape == (48, 64)


def test_the_share_is_that_of_the_medians():
    assert summary([3.0, 1.0, 2.0], [8.0, 4.0, 4.0]) == {
        "seconds": 2.0,
        "lowest": 1.0,
        "highest": 3.0,
        "share": 0.5,
    }
