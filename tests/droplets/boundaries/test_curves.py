"""Robust fits of circles and closed curves."""

import numpy as np
import pytest

from droplets.boundaries.curves import (
    fit_circles,
    fit_offsets,
    low_pass,
    recentred,
    upsample,
    weighted_median,
)
from droplets.boundaries.rays import DIRECTIONS, RAYS, Paths
from droplets.boundaries.settings import EdgeSettings

HOW = EdgeSettings()

TURN = 2 * np.pi * np.arange(RAYS) / RAYS


def test_a_circle_is_found_beside_a_dent():
    points = (50.0, 40.0) + 20 * DIRECTIONS
    points[:14] -= 6 * DIRECTIONS[:14]
    centre, radius, _ = fit_circles(points[None], np.ones((1, RAYS)), HOW.residual_floor)
    assert centre[0] == pytest.approx((50, 40), abs=0.05)
    assert radius[0] == pytest.approx(20, abs=0.05)


def test_a_circle_is_found_from_an_arc():
    weight = (np.arange(RAYS) < RAYS // 3).astype(float)
    centre, radius, rms = fit_circles(
        ((50.0, 40.0) + 20 * DIRECTIONS)[None], weight[None], HOW.residual_floor
    )
    assert (*centre[0], radius[0], rms[0]) == pytest.approx((50, 40, 20, 0), abs=1e-3)


def test_offsets_are_followed_and_outliers_left_out():
    wave = 0.4 + 1.5 * np.cos(TURN - 0.3) + 0.8 * np.sin(2 * TURN)
    offset = wave.copy()
    offset[5:15] += 6
    fitted, counted = fit_offsets(offset[None], np.ones((1, RAYS)), np.array([20.0]), 2, HOW)
    assert fitted[0] == pytest.approx(wave, abs=0.05)
    assert (counted[0, 5:15] < 0.01).all()
    assert (np.delete(counted[0], np.s_[5:15]) > 0.5).all()


def test_few_rays_hold_the_curve_to_the_path():
    weight = np.zeros((1, RAYS))
    weight[0, :3] = 0.2
    offset = np.where(weight > 0, 1.0 + 3 * np.sin(9 * TURN), 0)
    fitted, _ = fit_offsets(offset, weight, np.array([20.0]), 2, HOW)
    assert np.abs(fitted).max() < 1.1 * offset.max()


def test_a_recentred_curve_is_the_same_one():
    paths = Paths(np.array([[50.0, 40.0]]), 20 + 0.5 * np.cos(TURN)[None], np.array([20.0]))
    moved = recentred(paths, np.array([True]))
    assert moved.centre[0] == pytest.approx((50.5, 40))
    assert moved.radius[0] == pytest.approx(np.full(RAYS, 20.0))
    assert recentred(paths, np.array([False])).radius[0] == pytest.approx(paths.radius[0])


def test_harmonics_are_cut_and_interpolated():
    smooth = 20 + np.cos(3 * TURN)
    assert low_pass((smooth + np.sin(20 * TURN))[None], 10)[0] == pytest.approx(smooth)
    fine = upsample(smooth[None], 2)[0]
    assert fine == pytest.approx(20 + np.cos(3 * 2 * np.pi * np.arange(2 * RAYS) / (2 * RAYS)))


def test_weighted_median():
    values = np.array([[5.0, 1.0, 3.0, 100.0]])
    assert weighted_median(values, np.array([[1.0, 1.0, 1.0, 0.0]]))[0] == 3
    assert weighted_median(values, np.array([[0.0, 5.0, 1.0, 1.0]]))[0] == 1
