"""Objects from answers of the head that are put together from known circles."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.finding.decode import (
    Thresholds,
    _pairs,
    calibrated,
    convincing,
    distinct,
    owners,
    peaks,
    shared_part,
    sure,
)  # fmt: skip
from droplets.finding.stars import INNER, OUTER, Stars
from tests.droplets.finding.answers import Circle, answer_of, rays_to

HOW = Thresholds()


def decoded(circles, height=256, width=384) -> Stars:
    return distinct(sure(peaks(answer_of(circles, height, width), HOW), HOW), HOW)


def stars_of(circles) -> Stars:
    """Stars with centres where the circles have them."""
    return Stars(
        np.array([[c.x, c.y] for c in circles], float).reshape(-1, 2),
        np.array([np.full(32, float(c.radius)) for c in circles]).reshape(-1, 32),
        np.array([c.layer for c in circles], np.int64),
        np.array([c.bead for c in circles], float),
        np.array([c.heat for c in circles], float),
        np.array([c.expected_iou for c in circles], float),
    )


def sizes(stars: Stars) -> list[int]:
    return sorted(round(diameter / 2) for diameter in stars.diameter)


def test_circles_come_back():
    rng = np.random.default_rng(1)
    circles = [
        Circle(40 + 60 * column + rng.uniform(-5, 5), 40 + 60 * row + rng.uniform(-5, 5), rng.uniform(4, 24))
        for row in range(4)
        for column in range(6)
    ]
    found = decoded(circles)
    assert len(found) == len(circles)
    for circle in circles:
        nearest = np.hypot(*(found.centroid - (circle.x, circle.y)).T).argmin()
        assert np.hypot(*(found.centroid[nearest] - (circle.x, circle.y))) < 0.1
        assert found.diameter[nearest] == pytest.approx(2 * circle.radius, rel=0.01)
        assert (found.heat[nearest], found.expected_iou[nearest]) == pytest.approx((0.9, 0.9), abs=1e-6)


def test_what_is_not_sure_is_left_out():
    circles = [Circle(60, 60, 20), Circle(160, 60, 20, heat=0.29), Circle(260, 60, 20, expected_iou=0.29)]
    assert decoded(circles).centroid == pytest.approx(np.array([[60, 60]]), abs=0.1)


def test_faint_peaks_are_seen_but_not_sure():
    circles = [Circle(60, 60, 20), Circle(160, 60, 20, heat=0.2), Circle(260, 60, 20, heat=0.1)]
    seen = distinct(peaks(answer_of(circles, 256, 384), HOW), HOW)
    assert len(seen) == 2
    assert len(sure(seen, HOW)) == 1


def test_what_the_head_expects_is_put_right_by_layer():
    how = Thresholds(calibration=((0.0, 0.5), (0.2, 0.4)))
    stars = stars_of([Circle(60, 60, 20, expected_iou=0.5), Circle(60, 60, 5, layer=1, expected_iou=0.75)])
    assert calibrated(stars, how).expected_iou == pytest.approx([0.25, 0.4])
    assert calibrated(stars, HOW).expected_iou == pytest.approx([0.5, 0.75])


def test_a_frame_without_objects_has_none():
    found = decoded([])
    assert len(found) == 0
    assert found.masks(384, 256) == []


def test_an_answer_that_means_nothing_is_survived():
    answer = np.random.default_rng(0).normal(0, 30, (70, 32, 32)).astype(np.float32)
    found = distinct(peaks(answer, HOW), HOW)
    assert np.isfinite(found.rays).all()
    assert len(found) <= 2 * 32 * 32 / 4


def test_of_two_that_are_one_the_better_stays():
    found = decoded([Circle(100, 100, 30, heat=0.8), Circle(108, 100, 30, heat=0.9)])
    assert found.centroid == pytest.approx(np.array([[108, 100]]), abs=0.1)


def test_the_score_counts_both_the_heat_and_the_outline():
    found = decoded([Circle(100, 100, 30, heat=0.9, expected_iou=0.5), Circle(108, 100, 30, heat=0.8)])
    assert found.centroid == pytest.approx(np.array([[108, 100]]), abs=0.1)


def test_neighbours_that_touch_stay():
    raft = [Circle(30 + 40 * i + 20 * (j % 2), 30 + 35 * j, 20) for i in range(8) for j in range(6)]
    assert len(decoded(raft)) == len(raft)


def test_nothing_lies_mostly_within_another_outer_object():
    small = Circle(118, 100, 12, heat=0.6)
    found = decoded([Circle(100, 100, 40), small])
    assert sizes(found.take(found.layer == OUTER)) == [40]
    assert sizes(found.take(found.layer == INNER)) == [12]
    assert sizes(decoded([Circle(100, 100, 40, heat=0.5), small])) == [12]
    assert sizes(decoded([Circle(100, 100, 40), Circle(150, 100, 12)])) == [12, 40]  # half of it at most


def test_a_droplet_that_holds_surer_ones_keeps_them_as_its_contents():
    beads = [Circle(100 + 20 * i, 100, 6, heat=0.95) for i in range(4)]
    found = distinct(stars_of([Circle(130, 100, 70, heat=0.95, expected_iou=0.95), *beads]), HOW)
    assert (found.layer == INNER).sum() == 4
    assert found.is_bead[found.layer == INNER].all()


def test_a_ring_of_droplets_is_none_itself():
    """It is full of what is seen in it, or less sure than that."""
    around = [
        Circle(128 + 50 * np.cos(i), 128 + 50 * np.sin(i), 24, heat=0.85 + 0.02 * i)
        for i in np.arange(6) * np.pi / 3
    ]
    for ring in (Circle(128, 128, 80, heat=0.94), Circle(128, 128, 120, heat=0.5)):
        found = distinct(stars_of([ring, *around]), HOW)
        assert sizes(found) == [24] * 6


def test_what_lies_in_a_droplet_stays_with_its_kind():
    bead = Circle(112, 100, 6, layer=INNER, bead=0.9)
    core = Circle(100, 100, 30, layer=INNER)
    found = decoded([Circle(100, 100, 40), bead, core])
    assert sizes(found) == [6, 30, 40]
    order = np.argsort(found.diameter)
    assert found.layer[order].tolist() == [INNER, INNER, OUTER]
    assert found.is_bead[order].tolist() == [True, False, False]


def test_an_inner_object_in_no_outer_one_goes_unless_it_is_a_bead():
    free = [Circle(60, 60, 10, layer=INNER), Circle(160, 60, 10, layer=INNER, bead=0.8)]
    found = decoded(free)
    assert found.is_bead.tolist() == [True]
    assert found.centroid == pytest.approx(np.array([[160, 60]]), abs=0.1)


def test_an_outer_object_seen_again_as_its_own_content_is_one():
    twice = [Circle(100, 100, 40), Circle(102, 100, 39.5, layer=INNER, heat=0.95)]
    assert decoded(twice).layer.tolist() == [OUTER]


def test_shared_parts_are_those_of_circles():
    circles = stars_of([Circle(0, 0, 20), Circle(20, 0, 20), Circle(5, 0, 10), Circle(60, 0, 10)])
    pairs = np.array([[0, 1], [2, 0], [3, 0]])
    lens = 2 * np.pi / 3 - np.sqrt(3) / 2
    found = shared_part(circles, pairs[:, 0], circles, pairs[:, 1])
    assert found == pytest.approx([lens / np.pi, 1, 0], abs=0.03)


def test_points_belong_to_the_best_object_around_them():
    stars = stars_of([Circle(50, 50, 10), Circle(50, 50, 30), Circle(200, 50, 30)])
    points = np.array([[55.0, 50], [75, 50], [200, 79], [120, 50]])
    assert owners(stars, points).tolist() == [0, 1, 2, -1]
    assert owners(Stars.none(), points).tolist() == [-1] * 4


def test_rays_of_a_point_off_centre_lead_to_the_circle():
    circle = Circle(50, 40, 20)
    stars = stars_of([circle])
    off = Stars(
        np.array([[56.0, 37]]),
        rays_to(circle, 56, 37)[None],
        *(getattr(stars, name) for name in ("layer", "bead", "heat", "expected_iou")),
    )
    assert off.centroid == pytest.approx(np.array([[50, 40]]), abs=0.1)
    assert off.area == pytest.approx(stars.area, rel=0.01)


def test_of_thousands_of_objects_few_are_compared():
    raft = stars_of(
        [
            Circle(10 + 18 * i, 10 + 18 * j, 9, heat=0.9 - 0.001 * ((i + j) % 7))
            for i in range(56)
            for j in range(56)
        ]
    )
    again = stars_of([Circle(x + 3, y + 1, 9, heat=0.6) for x, y in raft.centre])
    both = Stars.join([raft, again])
    larger, _ = _pairs(both)
    assert len(larger) < len(both)  # neighbours are not compared
    found = distinct(both, HOW)
    assert len(found) == len(raft)


def test_what_is_much_less_sure_than_the_rest_goes_with_what_lies_in_it():
    sure = [Circle(60 + 100 * i, 60, 30) for i in range(3)]
    gap = Circle(360, 60, 20, heat=0.4, expected_iou=0.5)
    within = [Circle(60, 60, 6, layer=INNER, heat=0.3), Circle(360, 60, 5, layer=INNER)]
    kept, unsure = convincing(stars_of([*sure, gap, *within]), 0.3)
    assert sizes(kept) == [6, 30, 30, 30]
    assert sizes(unsure) == [20]
    assert [len(some) for some in convincing(stars_of([gap]), 0.3)] == [1, 0]
    assert [len(some) for some in convincing(Stars.none(), 0.3)] == [0, 0]
