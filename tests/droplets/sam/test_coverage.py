"""What masks account for, and what is worth another look."""

from __future__ import annotations

import cv2
import numpy as np

from droplets.sam.coverage import Found, covered, textured, vacancies
from droplets.sam.generator import point_grid
from tests.droplets.shapes import disc, rectangle


def test_points_in_masks_of_some_size_are_covered():
    small, large = rectangle(10, 10, 20, 20), rectangle(0, 0, 90, 90)
    points = np.array([[15.0, 15.0], [50.0, 50.0], [95.0, 95.0]])
    assert covered([small, large], points, 1000).tolist() == [True, False, False]
    assert covered([small, large], points, 10_000).tolist() == [True, True, False]
    assert covered([], points, 1000).tolist() == [False] * 3


def test_calm_parts_are_not_looked_at_again():
    pixels = np.full((400, 400, 3), 120, np.uint8)
    pixels += np.random.default_rng(3).integers(0, 3, pixels.shape).astype(np.uint8)
    cv2.circle(pixels, (100, 100), 40, (220, 220, 220), 3)
    kept = textured(pixels, point_grid(32, (400, 400)))
    assert 0 < len(kept) < 200
    assert np.hypot(*(kept - 100).T).max() < 65


def test_a_raft_has_a_vacancy_where_one_droplet_is_missing():
    places = [(30 * i + 15 * (j % 2) + 20, 26 * j + 20) for j in range(8) for i in range(8)]
    missing = places[27]

    def near(kept) -> list[float]:
        found = vacancies([disc(x, y, 14) for x, y in kept], (225, 270), 14)
        away = np.hypot(*(found - missing).T)
        return away[away < 60].tolist()

    assert near(places) == []
    (away,) = near([place for place in places if place != missing])
    assert away < 2
    hole = [place for place in places if np.hypot(*np.subtract(place, missing)) > 40]
    assert near(hole) == []  # there is room for several
    assert len(vacancies([], (20, 270), 14)) == 0


def test_masks_are_apart_that_share_less_than_a_fifth_of_the_smaller_one():
    mask = rectangle(0, 0, 10, 10)
    assert Found().is_apart(mask)
    assert Found([rectangle(9, 0, 10, 10), disc(40, 40, 5)]).is_apart(mask)
    assert not Found([disc(40, 40, 5), rectangle(8, 0, 10, 10)]).is_apart(mask)
    assert not Found([rectangle(5, 5, 2, 2)]).is_apart(mask)


def test_what_is_added_counts():
    found = Found([disc(40, 40, 5)])
    found.add(rectangle(5, 5, 9, 9))
    assert not found.is_apart(rectangle(0, 0, 10, 10))
    assert found.is_apart(rectangle(14, 0, 10, 10))
    assert len(found.masks) == 2
