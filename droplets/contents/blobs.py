"""Blobs in the interiors of droplets: brightfield beads and cells.

What the other droplets do not have (droplets/contents/interiors.py) is searched with differences of Gaussians
(Lowe 2004, IJCV 60, 91) of several sizes, bright and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.contents.interiors import Indices, Interiors, Plane, at_depth, interiors, unusual
from droplets.contents.settings import ContentSettings
from droplets.noise import MAD_TO_SIGMA
from droplets.types import Mask

RATIO = 1.6
"""Of the two Gaussians' sigmas, for which their difference is closest to a Laplacian (Marr 1980)."""
QUIET = ((1 + RATIO**-2 - 4 / (1 + RATIO**2)) / (4 * np.pi)) ** 0.5
"""Standard deviation of that difference over white noise of deviation 1, times sigma in pixels: no picture is
quieter, for grey values come in steps."""


@dataclass(frozen=True, eq=False)
class Blobs:
    """Peaks of the blob response.

    Attributes:
        response: HxW float32 in spreads of its own, positive where a blob is.
        x, y: N, columns and rows of the peaks.
        significance: N, the response there.
        radius: of a blob in pixels, about.
    """

    response: Plane
    x: Indices
    y: Indices
    significance: NDArray[np.float64]
    radius: float

    def take(self, which: NDArray[np.bool_]) -> Blobs:
        """Some of the peaks."""
        return replace(self, x=self.x[which], y=self.y[which], significance=self.significance[which])

    def over(self, significance: float) -> Blobs:
        """The peaks that are more significant."""
        return self.take(self.significance > significance)


def find_blobs(grey: NDArray[np.generic], droplets: Sequence[Mask], how: ContentSettings) -> Blobs | None:
    """Blobs in the droplets of HxW `grey`, all of one polarity and size, also faint ones.

    Beads of one picture are alike. Taking the polarity and the size under which those that are significant
    stand out most keeps dirt, noise and the response's own swings away.

    Returns:
        None if the droplets are not alike.
    """
    inside = interiors(droplets, grey.shape[1], grey.shape[0], how)
    strange = unusual(grey, inside)
    if strange is None:
        return None
    plane = np.zeros(grey.shape, np.float32)
    plane.ravel()[inside.index] = strange
    responses = [_response(plane, sigma, inside) for sigma in (how.large_sigma, how.largest_sigma)]
    bright = np.maximum.reduce(responses)
    dark = np.maximum.reduce([-response for response in responses])
    dark_blobs, bright_blobs = (_peaks(response, inside, how.large_sigma) for response in (dark, bright))
    plain_dark, plain_bright = (one.over(how.significant) for one in (dark_blobs, bright_blobs))
    is_dark = _power(plain_dark, bright, inside) > how.dirt * _power(plain_bright, dark, inside)
    blobs, plain = (dark_blobs, plain_dark) if is_dark else (bright_blobs, plain_bright)
    if not plain.x.size:
        return blobs
    small = _response(plane, how.small_sigma, inside) * (-1 if is_dark else 1)
    nearby = _highest(small, plain.y, plain.x, how.neighbours * inside.radius)
    # Dirt is small too: beads are looked for that small only where nearly all blobs are. The outline of a
    # larger bead breaks into fewer.
    if np.mean(nearby > plain.significance) > how.small_share:
        smaller = _peaks(small, inside, how.small_sigma)
        return smaller if smaller.over(how.significant).x.size >= plain.x.size else blobs
    return blobs


def _response(plane: Plane, sigma: float, inside: Interiors) -> Plane:
    """HxW difference of Gaussians in spreads: the geometric mean of that at the pixel's depth and of all.

    Rings differ more between droplets, but beads that gather at one depth must not hide themselves.
    """
    wide = max(inside.how.least_sigma, sigma * inside.radius)
    difference = cv2.GaussianBlur(plane, (0, 0), wide) - cv2.GaussianBlur(plane, (0, 0), RATIO * wide)
    values = difference.ravel()[inside.index]
    sample = values[inside.sample]
    least = max(_spread(sample), QUIET / wide)
    by_ring = np.array([max(least, _spread(part)) for part in inside.rings(sample)])
    response = np.zeros_like(plane)
    response.ravel()[inside.index] = values / np.sqrt(least * at_depth(by_ring, inside))
    return response


def _peaks(response: Plane, inside: Interiors, sigma: float) -> Blobs:
    """Maxima of the response within the droplets, also faint ones."""
    how = inside.how
    values = response.ravel()[inside.index]
    high = (values > how.faintest) & (inside.depth > sigma)
    places = np.unique(inside.index[high])  # a pixel may lie in two droplets
    beside = cv2.dilate(response, np.ones((3, 3), np.uint8)).ravel()
    places = places[response.ravel()[places] == beside[places]]  # most are none, and sooner seen so
    y, x = np.divmod(places, response.shape[1])
    peak = response[y, x] == _highest(response, y, x, how.neighbours * inside.radius)
    y, x = y[peak], x[peak]
    is_round = _roundness(response, y, x, max(1, round(sigma * inside.radius))) >= how.round_peak
    y, x = y[is_round], x[is_round]
    return Blobs(response, x, y, response[y, x].astype(np.float64), 2 * sigma * inside.radius)


def _roundness(response: Plane, y: Indices, x: Indices, step: int) -> NDArray[np.float64]:
    """Smaller over larger principal curvature at N pixels, from values `step` pixels away; 0 on a line."""
    height, width = response.shape

    def at(down: int, across: int) -> NDArray[np.float64]:
        rows, columns = np.clip(y + step * down, 0, height - 1), np.clip(x + step * across, 0, width - 1)
        return response[rows, columns].astype(np.float64)

    across, down = at(0, 1) + at(0, -1) - 2 * at(0, 0), at(1, 0) + at(-1, 0) - 2 * at(0, 0)
    diagonal = (at(1, 1) + at(-1, -1) - at(1, -1) - at(-1, 1)) / 4
    mean, difference = (across + down) / 2, np.hypot((across - down) / 2, diagonal)
    return (mean + difference) / np.minimum(mean - difference, -1e-9)


def _power(blobs: Blobs, opposite: Plane, inside: Interiors) -> float:
    """Sum of squares of what peaks stand out by, but for those beside a stronger one of the other sign."""
    how = inside.how
    swing = _highest(opposite, blobs.y, blobs.x, how.side_lobe * inside.radius)
    return float(((blobs.significance - how.significant)[blobs.significance > swing] ** 2).sum())


def _highest(plane: Plane, y: Indices, x: Indices, radius: float) -> Plane:
    """Largest value of HxW `plane` around each of N pixels, which are few: not of the whole plane."""
    reach = max(1, int(radius))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    height, width = plane.shape
    highest = plane[y, x]
    for down, across in np.argwhere(kernel) - reach:
        # Beyond the border lies the last pixel again, which is no further away.
        rows, columns = np.clip(y + down, 0, height - 1), np.clip(x + across, 0, width - 1)
        np.maximum(highest, plane[rows, columns], out=highest)
    return highest


def _spread(values: Plane) -> float:
    """Standard deviation of the values but for those that stand out, from the median of their size."""
    size = np.abs(values)
    for _ in range(2):
        if not size.size:
            return 0.0
        spread = MAD_TO_SIGMA * float(np.median(size))
        size = size[size <= 3 * spread]
    return spread
