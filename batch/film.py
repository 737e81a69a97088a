"""A film of a series: each droplet in the colour of its track, with its number and a tail of where it was."""

from __future__ import annotations

import colorsys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.tracks.detections import Detections
from droplets.tracks.following import Tracks
from droplets.types import Image

FRAMES_PER_S = 10.0
"""Of the film, if the time between frames is not known."""
SLOWEST, FASTEST = 1.0, 30.0
"""Frames a second, between which the film runs in the series' own time."""
TAIL = 15
"""Frames of a tail."""
SMALLEST_NAMED = 24
"""Pixels of diameter from which a droplet bears its number."""
GOLDEN = 0.618034
"""Part of the circle of hues from one track to the next: neighbours differ, however many there are."""
WHITE = (255, 255, 255)

Canvas = NDArray[np.uint8]


def film(
    frames: Sequence[int],
    size: tuple[int, int],
    decoded: Callable[[int], Image],
    detections: Detections,
    tracks: Tracks,
    interval_s: float | None,
) -> bytes:
    """MP4 (MPEG-4 part 2, "mp4v") of the frames.

    Arguments:
        frames: their numbers in the series, at least one.
        size: (width, height) of the largest in pixels.
        decoded: gives the picture of one.
        detections: of the series.
        tracks: of these; droplets that have just merged or split have a white ring.
        interval_s: from one number to the next.
    """
    rate = 1 / (interval_s * detections.step) if interval_s else FRAMES_PER_S
    width, height = (side + side % 2 for side in size)  # the codec needs even ones
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        code = cv2.VideoWriter.fourcc(*"mp4v")
        writer = cv2.VideoWriter(str(path), code, min(max(rate, SLOWEST), FASTEST), (width, height))
        for number in frames:
            canvas = _canvas(decoded(number), width, height)
            _draw(canvas, number, detections, tracks)
            writer.write(canvas)
        writer.release()
        return path.read_bytes()


def _canvas(image: Image, width: int, height: int) -> Canvas:
    """Blue, green and red; what the picture leaves at the right and below continues its border."""
    canvas = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2BGR)
    return np.pad(canvas, ((0, height - image.height), (0, width - image.width), (0, 0)), mode="edge")


def _draw(canvas: Canvas, number: int, detections: Detections, tracks: Tracks) -> None:
    recent = (detections.frame <= number) & (detections.frame >= number - TAIL * detections.step)
    for i in np.flatnonzero(detections.frame == number).tolist():
        track, diameter = int(tracks.of[i]), float(detections.diameter[i])
        x, y = np.rint(detections.position[i]).astype(int).tolist()
        colour = _colour(track)
        tail = np.rint(detections.position[recent & (tracks.of == track)]).astype(np.int32)
        cv2.polylines(canvas, [tail], False, colour, 1, cv2.LINE_AA)
        cv2.circle(canvas, (x, y), round(diameter / 2), colour, 2, cv2.LINE_AA)
        if diameter >= SMALLEST_NAMED:
            at = (x - 4 * len(str(track)), y + 4)
            cv2.putText(canvas, str(track), at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
        if any(event.frame == number and track in event.after for event in tracks.events):
            cv2.circle(canvas, (x, y), round(diameter / 2) + 4, WHITE, 2, cv2.LINE_AA)


def _colour(track: int) -> tuple[float, ...]:
    """Blue, green and red, 0 to 255."""
    red, green, blue = colorsys.hsv_to_rgb(track * GOLDEN % 1, 0.85, 1.0)
    return 255 * blue, 255 * green, 255 * red
