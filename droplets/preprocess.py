"""What may be done to a picture before the model sees it. Measurements stay on the original values."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from droplets.parameters import Parameters


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("must be odd")
    return value


KernelSize = Annotated[int, Field(ge=3, le=51), AfterValidator(_odd)]


class Preprocessing(Parameters):
    """Steps that are switched on run in the order of their fields."""

    gaussian_blur: bool = Field(False, description="Blur with a Gaussian, against noise.")
    gaussian_kernel_size: KernelSize = Field(5, description="Width of the Gaussian's window in pixels, odd.")
    gaussian_sigma: float = Field(
        1.0, ge=0, le=50, description="Standard deviation in pixels; 0 takes it from the size."
    )
    median_filter: bool = Field(
        False, description="Replace each pixel by its window's median, against specks."
    )
    median_kernel_size: KernelSize = Field(5, description="Width of the median's window in pixels, odd.")
    morphological_opening: bool = Field(False, description="Remove bright details smaller than the kernel.")
    morphological_closing: bool = Field(False, description="Fill dark details smaller than the kernel.")
    morphological_kernel_size: KernelSize = Field(
        5, description="Diameter of the elliptic kernel in pixels, odd."
    )
    contrast_enhancement: bool = Field(
        False, description="Equalise the contrast locally (CLAHE, on lightness)."
    )
    clahe_clip_limit: float = Field(2.0, gt=0, le=100, description="How far CLAHE may raise the contrast.")
    clahe_grid_size: int = Field(8, ge=1, le=64, description="CLAHE's tiles per side.")
    unsharp_mask: bool = Field(False, description="Sharpen by adding the difference to a blurred copy.")
    unsharp_kernel_size: KernelSize = Field(5, description="Width of that copy's window in pixels, odd.")
    unsharp_sigma: float = Field(
        1.0, ge=0, le=50, description="Standard deviation in pixels; 0 takes it from the size."
    )
    unsharp_amount: float = Field(1.0, gt=0, le=10, description="Weight of the difference.")


def preprocess(pixels: NDArray[np.uint8], steps: Preprocessing) -> NDArray[np.uint8]:
    """The picture after the chosen steps.

    Arguments:
        pixels: HxWx3 uint8 RGB; not changed.
        steps: which to take, and how.

    Returns:
        HxWx3 uint8 RGB; `pixels` itself if no step is switched on.
    """
    if steps.gaussian_blur:
        pixels = _blur(pixels, steps.gaussian_kernel_size, steps.gaussian_sigma)
    if steps.median_filter:
        pixels = cv2.medianBlur(pixels, steps.median_kernel_size)
    if steps.morphological_opening:
        pixels = cv2.morphologyEx(pixels, cv2.MORPH_OPEN, _ellipse(steps.morphological_kernel_size))
    if steps.morphological_closing:
        pixels = cv2.morphologyEx(pixels, cv2.MORPH_CLOSE, _ellipse(steps.morphological_kernel_size))
    if steps.contrast_enhancement:
        pixels = _equalise(pixels, steps.clahe_clip_limit, steps.clahe_grid_size)
    if steps.unsharp_mask:
        blurred = _blur(pixels, steps.unsharp_kernel_size, steps.unsharp_sigma)
        pixels = cv2.addWeighted(pixels, 1 + steps.unsharp_amount, blurred, -steps.unsharp_amount, 0)
    return pixels


def _blur(pixels: NDArray[np.uint8], size: int, sigma: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(pixels, (size, size), sigma), np.uint8)


def _ellipse(size: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def _equalise(pixels: NDArray[np.uint8], clip_limit: float, grid: int) -> NDArray[np.uint8]:
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(clip_limit, (grid, grid)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)
