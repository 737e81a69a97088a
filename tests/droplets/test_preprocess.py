"""Each step does what its name says, alone and in order, and never to the caller's array."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from droplets.preprocess import Preprocessing, preprocess

STEPS = [
    {"gaussian_blur": True},
    {"median_filter": True},
    {"morphological_opening": True},
    {"morphological_closing": True},
    {"contrast_enhancement": True},
    {"unsharp_mask": True},
]
SIZES = ["gaussian_kernel_size", "median_kernel_size", "morphological_kernel_size", "unsharp_kernel_size"]


def noise(height: int = 40, width: int = 50, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(5).integers(low, high, (height, width, 3), dtype=np.uint8)


def square(side: int, value: int, ground: int) -> np.ndarray:
    """41x41x3 of `ground` with a centred square of `value`."""
    pixels = np.full((41, 41, 3), ground, np.uint8)
    start = 20 - side // 2
    pixels[start : start + side, start : start + side] = value
    return pixels


def test_nothing_switched_on_gives_the_very_array():
    pixels = noise()
    assert preprocess(pixels, Preprocessing()) is pixels
    assert preprocess(pixels, Preprocessing(gaussian_kernel_size=9, unsharp_amount=3)) is pixels


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_the_input_stays_as_it_was(step):
    pixels = noise()
    pixels.flags.writeable = False
    before = pixels.copy()
    result = preprocess(pixels, Preprocessing(**step))
    assert np.array_equal(pixels, before)
    assert not np.array_equal(result, before)
    assert not np.shares_memory(result, pixels)
    assert result.dtype == np.uint8
    assert result.shape == pixels.shape


@pytest.mark.parametrize("step", [step for step in STEPS if "contrast_enhancement" not in step], ids=str)
@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_constant_picture_stays(step, value):
    pixels = np.full((30, 20, 3), value, np.uint8)
    assert np.array_equal(preprocess(pixels, Preprocessing(**step)), pixels)


@pytest.mark.parametrize(("size", "sigma"), [(3, 0.8), (5, 1.0), (9, 2.5)])
def test_gaussian_blur_spreads_a_point_as_the_kernel(size, sigma):
    pixels = square(1, 255, 0)
    steps = Preprocessing(gaussian_blur=True, gaussian_kernel_size=size, gaussian_sigma=sigma)
    weights = np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    expected = np.pad(255 * np.outer(weights, weights), 20 - size // 2)
    assert preprocess(pixels, steps)[..., 1] == pytest.approx(expected, abs=1)


def test_a_gaussian_without_sigma_takes_it_from_its_size():
    narrow, wide = (
        preprocess(
            square(1, 255, 0), Preprocessing(gaussian_blur=True, gaussian_kernel_size=size, gaussian_sigma=0)
        )
        for size in (3, 9)
    )
    assert 0 < wide.max() < narrow.max() < 255


@pytest.mark.parametrize("size", [3, 5, 7, 11])
def test_median_filter_takes_the_median_of_the_window(size):
    pixels = noise()
    result = preprocess(pixels, Preprocessing(median_filter=True, median_kernel_size=size))
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (size, size), axis=(0, 1))
    margin = size // 2
    assert np.array_equal(result[margin:-margin, margin:-margin], np.median(windows, axis=(3, 4)))


def test_median_filter_removes_specks_and_keeps_a_droplet():
    droplet = square(15, 200, 90)
    specked = droplet.copy()
    specked[3, 3], specked[20, 20] = 255, 0
    steps = Preprocessing(median_filter=True, median_kernel_size=3)
    assert np.array_equal(preprocess(specked, steps), preprocess(droplet, steps))


@pytest.mark.parametrize(
    ("step", "removed", "kept"),
    [("morphological_opening", (200, 90), (20, 90)), ("morphological_closing", (20, 90), (200, 90))],
)
def test_morphology_removes_small_details_of_one_sign(step, removed, kept):
    steps = Preprocessing(**{step: True}, morphological_kernel_size=5)
    assert np.all(preprocess(square(3, *removed), steps) == 90)
    assert np.array_equal(preprocess(square(3, *kept), steps), square(3, *kept))
    large = preprocess(square(21, *removed), steps)
    assert large[20, 20, 0] == removed[0]
    assert large[20, 10, 0] == removed[0]


def test_morphology_has_the_size_that_was_asked_for():
    opened = [
        preprocess(square(9, 200, 90), Preprocessing(morphological_opening=True, morphological_kernel_size=k))
        for k in (3, 7, 11, 13)
    ]
    assert [bool((pixels == 200).any()) for pixels in opened] == [True, True, False, False]


def test_contrast_enhancement_raises_a_low_contrast_and_keeps_grey_grey():
    flat = np.repeat(noise(128, 128, 120, 130)[..., :1], 3, axis=2)
    result = preprocess(flat, Preprocessing(contrast_enhancement=True, clahe_clip_limit=10.0))
    assert result.std() > 3 * flat.std()
    assert np.ptp(result.astype(int), axis=2).max() <= 1


def test_a_higher_clip_limit_raises_the_contrast_more():
    flat = np.repeat(noise(128, 128, 120, 130)[..., :1], 3, axis=2)
    spreads = [
        preprocess(flat, Preprocessing(contrast_enhancement=True, clahe_clip_limit=limit)).std()
        for limit in (1.0, 3.0, 10.0)
    ]
    assert spreads == sorted(spreads)
    assert len(set(spreads)) == 3


def test_contrast_enhancement_works_on_lightness_only():
    pixels = np.full((64, 64, 3), (150, 100, 100), np.uint8)
    pixels[:, ::2] = (160, 110, 110)
    result = preprocess(pixels, Preprocessing(contrast_enhancement=True))
    before, after = (cv2.cvtColor(p, cv2.COLOR_RGB2LAB).astype(int) for p in (pixels, result))
    assert not np.array_equal(before[..., 0], after[..., 0])
    assert np.abs(before[..., 1:] - after[..., 1:]).max() <= 3


def test_contrast_enhancement_looks_at_its_tiles():
    pixels = noise(128, 128, 120, 130)
    pixels[:64] //= 2
    one, many = (
        preprocess(
            pixels, Preprocessing(contrast_enhancement=True, clahe_grid_size=grid, clahe_clip_limit=40.0)
        )
        for grid in (1, 2)
    )
    gap = [float(p[70:].mean()) - float(p[:58].mean()) for p in (pixels, one, many)]
    assert gap[1] > gap[0] > gap[2]


@pytest.mark.parametrize("amount", [0.5, 1.0, 3.0])
def test_unsharp_mask_adds_the_difference_to_the_blurred_copy(amount):
    pixels = noise()
    blurred = preprocess(pixels, Preprocessing(gaussian_blur=True, gaussian_kernel_size=7, gaussian_sigma=2))
    steps = Preprocessing(unsharp_mask=True, unsharp_kernel_size=7, unsharp_sigma=2, unsharp_amount=amount)
    expected = pixels + amount * (pixels.astype(float) - blurred)
    assert preprocess(pixels, steps) == pytest.approx(np.clip(expected, 0, 255), abs=1)


@pytest.mark.parametrize(("first", "second"), list(pairwise(STEPS)))
def test_steps_run_in_the_order_of_their_fields(first, second):
    pixels = noise()
    together = preprocess(pixels, Preprocessing(**first, **second))
    in_turn = preprocess(preprocess(pixels, Preprocessing(**first)), Preprocessing(**second))
    assert np.array_equal(together, in_turn)


def test_all_steps_together_equal_one_after_the_other():
    pixels = expected = noise()
    for step in STEPS:
        expected = preprocess(expected, Preprocessing(**step))
    everything = Preprocessing(**{name: True for step in STEPS for name in step})
    assert np.array_equal(preprocess(pixels, everything), expected)


@pytest.mark.parametrize("step", STEPS, ids=str)
@pytest.mark.parametrize("shape", [(8, 8), (8, 200), (33, 9)])
def test_the_largest_kernels_go_over_the_smallest_pictures(step, shape):
    steps = Preprocessing(**step, **dict.fromkeys(SIZES, 51), clahe_grid_size=64)
    assert preprocess(noise(*shape), steps).shape == (*shape, 3)
