"""Calibration of the expected IoU, and how well it is known."""

import numpy as np
import pytest

from training.validate import Result, calibration, crosswise, reliability


def results(pictures: int, objects: int, bias: float, together: float = 0.0) -> list[Result]:
    """Pictures whose objects are worse than expected by a bias, and by something of each picture."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(pictures):
        expected = random.uniform(0.3, 1.0, objects)
        iou = np.clip(expected - bias + random.normal(0, together) + random.normal(0, 0.05, objects), 0, 1)
        found.append(Result(expected, expected, iou, np.ones(objects, bool), objects))
    return found


def test_what_is_overrated_is_put_right_on_pictures_that_no_curve_has_seen():
    raw = results(60, 40, bias=0.2)
    assert max(abs(one.expected - one.true) for one in reliability(raw)) > 0.15
    assert max(abs(one.expected - one.true) for one in reliability(crosswise(raw))) < 0.04


def test_a_curve_never_falls():
    curve = calibration(results(20, 30, bias=0.1))
    assert all(np.diff(curve) >= 0)


def test_pictures_that_err_together_are_known_less_well():
    alone = np.mean([one.error for one in reliability(results(40, 40, 0.0))])
    together = np.mean([one.error for one in reliability(results(40, 40, 0.0, together=0.1))])
    assert together > 3 * alone
    assert together == pytest.approx(0.1 / np.sqrt(40), rel=0.5)
