"""The one pass over pictures of discs, with a network that knows just these."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from droplets.finding.one_pass import Looking, look, radii_at
from droplets.finding.pyramid import Scales
from droplets.finding.stars import Stars
from tests.droplets.finding.answers import Circle, answer_of
from tests.droplets.finding.test_decode import stars_of

SMALLEST = 5.0
"""Diameter in the frame of the smallest disc that the network sees."""


class Eye:
    """Answers as a perfect head would, for white discs on black that lie apart."""

    def __init__(self):
        self.frames = []

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        self.frames.append(frame.shape[:2])
        light = frame[..., 0].astype(float) / 255
        _, labels = cv2.connectedComponents((light > 0.1).astype(np.uint8))
        number = labels.max() + 1
        area = np.bincount(labels.ravel(), light.ravel(), number)[1:]
        rows, columns = np.indices(labels.shape)
        x, y = (
            np.bincount(labels.ravel(), (light * at).ravel(), number)[1:] / area for at in (columns, rows)
        )
        radius = np.sqrt(area / np.pi)
        seen = [Circle(*disc) for disc in zip(x, y, radius, strict=True) if 2 * disc[2] >= SMALLEST]
        height, width = (4 * -(-side // 4) for side in frame.shape[:2])
        return answer_of(seen, height, width)


def picture(discs, width: int, height: int) -> np.ndarray:
    pixels = np.zeros((height, width), np.uint8)
    for x, y, radius in discs:
        cv2.circle(pixels, (round(16 * x), round(16 * y)), round(16 * radius), 255, -1, cv2.LINE_AA, shift=4)
    return np.repeat(pixels[..., None], 3, axis=2)


def raft(width: int, height: int, radius: float, pitch: float) -> list[tuple[float, float, float]]:
    return [
        (x, y, radius)
        for y in np.arange(pitch, height - pitch, pitch)
        for x in np.arange(pitch, width - pitch, pitch)
    ]


def are_found(stars: Stars, discs, tolerance: float) -> bool:
    """Whether there is one star for each disc, of its size, and no other."""
    if len(stars) != len(discs):
        return False
    wanted = np.array(discs)
    apart = np.hypot(*(stars.centroid[:, None] - wanted[None, :, :2]).transpose(2, 0, 1))
    nearest = apart.argmin(axis=1)
    return (
        len(set(nearest)) == len(discs)
        and apart.min(axis=1).max() < tolerance
        and np.allclose(stars.diameter / 2, wanted[nearest, 2], atol=tolerance, rtol=0.05)
    )


def test_discs_of_all_sizes_are_found_in_a_frame_of_each_level():
    discs = [(150, 150, 100), (700, 400, 260), (300, 600, 40), (100, 400, 12), (180, 420, 9)]
    eye = Eye()
    seen = look(eye, picture(discs, 1024, 768), Looking())
    assert are_found(seen.stars, discs, 1.5)
    assert eye.frames == [(768, 1024), (384, 512), (192, 256), (96, 128)]
    assert seen.encoding_s > 0


def test_a_disc_as_large_as_the_picture_is_read_at_the_coarse_level():
    discs = [(500, 380, 360)]
    assert are_found(look(Eye(), picture(discs, 1024, 768), Looking()).stars, discs, 3)


def test_small_ones_are_looked_at_again_where_they_are_and_only_if_that_is_wanted():
    discs = [*raft(500, 400, 5.2, 26), (1500, 1000, 150)]
    pixels = picture(discs, 2048, 1500)
    fast, balanced = Eye(), Eye()
    only_base = look(fast, pixels, Looking(finer=False))
    assert len(fast.frames) == 4
    assert len(only_base.stars) == 1  # the others have 5 pixels at the base level
    finer = look(balanced, pixels, Looking())
    assert are_found(finer.stars, discs, 1)
    assert len(balanced.frames) > 4
    assert all(max(frame) <= 1024 for frame in balanced.frames)
    assert sum(h * w for h, w in balanced.frames[4:]) < 2 * 2048 * 1500


def test_a_few_small_ones_cost_little():
    eye = Eye()
    look(eye, picture([(500, 500, 150), (1200, 900, 6), (1300, 300, 6)], 2048, 1500), Looking())
    assert eye.frames[4:] == [(256, 256), (256, 256)]


def test_specks_among_many_are_not_worth_it():
    eye = Eye()
    look(eye, picture([*raft(2048, 1100, 30, 100), (1200, 1300, 6)], 2048, 1500), Looking())
    assert len(eye.frames) == 4


def test_large_pictures_take_tiles_and_each_object_is_found_once():
    discs = raft(5000, 1300, 60, 170)
    eye = Eye()
    seen = look(eye, picture(discs, 5000, 1300), Looking(finer=False))
    assert are_found(seen.stars, discs, 3)
    assert len(eye.frames) == 6  # two tiles, and four coarser levels
    assert all(max(frame) <= 1024 for frame in eye.frames)


def test_what_the_border_cuts_is_found():
    seen = look(Eye(), picture([(5, 300, 60), (500, 300, 60)], 1024, 600), Looking())
    assert len(seen.stars) == 2


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_resized_picture_has_the_same_objects(factor):
    discs = [*raft(700, 500, 14, 50), (900, 600, 90)]
    resized = [(factor * (x + 0.5) - 0.5, factor * (y + 0.5) - 0.5, factor * r) for x, y, r in discs]
    pixels = picture(resized, round(1100 * factor), round(800 * factor))
    assert are_found(look(Eye(), pixels, Looking()).stars, resized, 1.5 * factor + 0.5)


def test_an_empty_picture_has_no_objects():
    seen = look(Eye(), np.zeros((64, 48, 3), np.uint8), Looking())
    assert len(seen.stars) == 0


def test_another_frame_can_be_asked_for():
    eye = Eye()
    look(eye, np.zeros((300, 600, 3), np.uint8), Looking(scales=Scales(frame=512)))
    assert eye.frames == [(256, 512), (128, 256), (64, 128)]


def test_radii_are_those_of_the_smallest_object_around_or_of_those_nearby():
    stars = stars_of([Circle(50, 50, 30), Circle(50, 50, 8), Circle(200, 50, 20), Circle(260, 50, 24)])
    points = np.array([[52.0, 50], [70, 50], [230, 80]])
    assert radii_at(stars, points, 8) == pytest.approx([8, 30, 22], rel=0.01)
    assert np.isinf(radii_at(Stars.none(), points, 8)).all()
    assert len(radii_at(stars, np.zeros((0, 2)), 8)) == 0
