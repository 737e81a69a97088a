"""What the network is shown of a picture's colours and light."""

from __future__ import annotations

import numpy as np
import pytest

from droplets.finding.colour import Showing, as_seen


def grey(levels: np.ndarray) -> np.ndarray:
    """HxWx3 of one channel."""
    return np.repeat(np.rint(levels).astype(np.uint8)[..., None], 3, axis=2)


def scene(low: float, high: float) -> np.ndarray:
    """A tenth of the picture at `high`, the rest at `low`."""
    levels = np.full((80, 100), low)
    levels[:, :10] = high
    return levels


def test_a_grey_picture_of_some_contrast_stays_as_it_is():
    pixels = grey(scene(60, 200))
    assert as_seen(pixels) is pixels


@pytest.mark.parametrize(("low", "high"), [(120, 140), (3, 33), (235, 250)])
def test_a_faint_picture_gets_more_contrast_within_its_range(low, high):
    seen = as_seen(grey(scene(low, high)))
    assert np.ptp(seen) == pytest.approx(min(Showing.least_range, Showing.most_gain * (high - low)), abs=2)
    assert 0 < seen.max() <= 255


def test_dark_pictures_stay_dark():
    assert as_seen(grey(scene(2, 30))).min() <= 8


def test_noise_alone_is_not_blown_up_beyond_the_most():
    noise = grey(128 + np.random.default_rng(0).normal(0, 1.0, (80, 100)))
    assert as_seen(noise).std() <= 1.05 * Showing.most_gain * noise.std()


@pytest.mark.parametrize(
    ("colour", "grey"),
    [((0, 200, 0), 200), ((120, 60, 0), 120), ((110, 110, 110), 110), ((200, 40, 90), None)],
)
def test_a_picture_of_one_colour_is_shown_as_grey(colour, grey):
    light = np.random.default_rng(3).uniform(0, 1, (40, 50, 1))
    pixels = np.rint(light * np.array(colour)).astype(np.uint8)
    if grey is None:  # a second colour beside it
        pixels[:, 25:] = (30, 180, 60)
        assert as_seen(pixels) is pixels
        return
    shown = as_seen(pixels).astype(float)
    assert (shown == shown[..., :1]).all()
    assert shown[..., 0] == pytest.approx(light[..., 0] * grey, abs=2)


def test_a_picture_of_two_colours_stays():
    pixels = np.zeros((80, 100, 3), np.uint8)
    pixels[:40] = (200, 30, 30)
    pixels[40:] = (30, 30, 200)
    assert as_seen(pixels) is pixels
