"""Reads AVI and MP4 by OpenCV: a frame as 8-bit grey or RGB. Runs in the process of confined.py alone.

OpenCV opens a path, and looks at the first frames before it tells of any size; so what a hostile file can
take is bounded by that process, and the size is checked as soon as it is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.errors import UndecodableImage
from droplets.reading.planes import Axes, Source, possible_interval
from droplets.reading.stored import Stored, check_size

WHAT_TO_DO = "save it as AVI with MJPEG or uncompressed frames, or the frame that you want as TIFF or PNG."
MOST_PASSED = (
    16  # frames that are decoded and not looked at: to seek, OpenCV goes as far back and decodes from there
)
MOST_FRAMES = 10**8  # beyond it the count in the header is none


@contextmanager
def open_video(path: str, max_pixels: int) -> Iterator[Source]:
    """A video whose frames are decoded as they are asked for.

    Arguments:
        path: of the file.
        max_pixels: limit on width * height of a frame.

    Raises:
        UndecodableImage, TooManyPixels: OpenCV cannot decode it, or its frames are too small or large.
    """
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise UndecodableImage(f"The video is damaged or of a kind that cannot be decoded; {WHAT_TO_DO}")
        check_size(
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            max_pixels,
        )
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        frames = int(count) if 1 <= count <= MOST_FRAMES else 1
        rate = capture.get(cv2.CAP_PROP_FPS)
        interval_s = possible_interval(1 / rate) if rate > 0 else None

        def read(_channel: int, _plane: int, frame: int) -> Stored:
            _go_to(capture, frame)
            decoded, picture = capture.read()
            if not decoded:
                raise UndecodableImage(f"Frame {frame} of the video cannot be decoded; {WHAT_TO_DO}")
            height, width = picture.shape[:2]
            check_size(width, height, max_pixels)
            return Stored(_grey_or_rgb(picture), bit_depth=8)

        yield Source(Axes(frames=frames, interval_s=interval_s), read)
    finally:
        capture.release()


def _go_to(capture: Any, frame: int) -> None:
    """Have this frame read next: go on to it if it is one of the next, else seek."""
    ahead = frame - int(capture.get(cv2.CAP_PROP_POS_FRAMES))
    if 0 <= ahead <= MOST_PASSED:
        for _ in range(ahead):
            capture.grab()
    else:
        capture.set(cv2.CAP_PROP_POS_FRAMES, frame)


def _grey_or_rgb(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """HxW where all channels of HxWx3 BGR are equal, as of a grey camera, else HxWx3 RGB."""
    blue, green, red = cv2.split(picture)
    if np.array_equal(blue, green) and np.array_equal(green, red):
        return np.asarray(green)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
