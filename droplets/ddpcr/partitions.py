"""Fluorescence of single droplets, as digital PCR counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter

from droplets.ddpcr.registration import Registration
from droplets.ddpcr.settings import DdpcrSettings
from droplets.types import Droplet, Mask

CONTAINER_BITS = (8, 10, 12, 14, 16)  # cameras of 10 to 14 bits are stored in 16

Exclusion = Literal["no droplet", "touching", "outside", "debris", "deformed"]
"""Why a droplet is no partition: a bead or other object; cut by the picture's border; not wholly in the
fluorescence picture; much smaller than most; out of round."""

Values = NDArray[np.float64]
Plane = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Partitions:
    """Figures of N droplets, in the units of the stored picture.

    Attributes:
        excluded: N, why it does not count; None for whole droplets of the population's size and of a round
            shape that lie wholly in both pictures.
        intensity: N, mean over the middle half of the values well within the radius; NaN where not
            counted.
        ground: N, level between the droplets around each one.
        amplitude: N, intensity above the ground.
        places: Nx2 (x, y), centres in the fluorescence picture.
        saturated: N bool: over half of the measured pixels have the highest value that can be stored.
        level: HxW, level between the droplets around each pixel of the fluorescence picture.
    """

    excluded: tuple[Exclusion | None, ...]
    intensity: Values
    ground: Values
    amplitude: Values
    saturated: NDArray[np.bool_]
    places: Values
    level: Plane

    @property
    def counted(self) -> NDArray[np.bool_]:
        """N bool."""
        return np.array([reason is None for reason in self.excluded], bool)

    def with_amplitudes(self, counted: Values) -> Partitions:
        """The same with other amplitudes of those that count."""
        amplitude = self.amplitude.copy()
        amplitude[self.counted] = counted
        return replace(self, amplitude=amplitude)


def measure_partitions(
    droplets: Sequence[Droplet],
    plane: NDArray[np.generic],
    registration: Registration,
    how: DdpcrSettings,
) -> Partitions:
    """Measure droplets on a fluorescence picture.

    Arguments:
        droplets: of the first picture.
        plane: HxW stored values.
        registration: from the first picture to this one.
        how: the stage's settings.
    """
    n = len(droplets)
    intensity, ground = np.full((2, n), np.nan)
    saturated = np.zeros(n, bool)
    if not n:
        nothing = np.zeros(plane.shape, np.float32)
        return Partitions((), intensity, ground, intensity, saturated, np.empty((0, 2)), nothing)
    centres = registration.map_points(np.array([droplet.mask.centroid for droplet in droplets]))
    reach = np.array([droplet.shape.max_feret_diameter / 2 for droplet in droplets])[:, None]
    limits = np.array(plane.shape[::-1]) - 1
    within = ((centres >= reach) & (centres <= limits - reach)).all(axis=1)
    diameter = usual_diameter(droplets)
    excluded = tuple(
        _exclusion(droplet, diameter, inside, how)
        for droplet, inside in zip(droplets, within.tolist(), strict=True)
    )
    level = _ground_level(plane, diameter, how)
    highest = _highest(plane)
    for i in (i for i, reason in enumerate(excluded) if reason is None):
        values = np.sort(_inner_values(plane, droplets[i].mask, centres[i], how.inner))
        intensity[i] = values[values.size // 4 : values.size - values.size // 4].mean()
        saturated[i] = highest is not None and values[values.size // 2] >= highest
        column, row = np.rint(centres[i]).astype(int)
        ground[i] = level[row, column]
    return Partitions(excluded, intensity, ground, intensity - ground, saturated, centres, level)


def usual_diameter(droplets: Sequence[Droplet]) -> float:
    """Median over the area that droplets cover, in pixels: many specks beside them do not move it."""
    proper = [droplet for droplet in droplets if droplet.kind == "droplet"] or droplets
    diameters = np.sort([droplet.shape.equivalent_diameter for droplet in proper])
    covered = np.cumsum(diameters**2)
    return float(diameters[np.searchsorted(covered, covered[-1] / 2)])


def light_at(
    places: Values, radius: float, plane: NDArray[np.generic], level: Plane, how: DdpcrSettings
) -> Values:
    """M amplitudes of partitions of this radius (pixels), were they at Mx2 (x, y); 0 outside the picture.

    Arguments:
        places, radius: of the partitions.
        plane: HxW stored values.
        level: HxW, level between the droplets of that picture, as in `Partitions`.
        how: the stage's settings.
    """
    reach = max(1, round(how.inner * radius))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)).astype(np.float32)
    mean = cv2.filter2D(plane.astype(np.float32), -1, kernel / kernel.sum())
    column, row = np.rint(places).astype(int).T
    height, width = plane.shape
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    light = np.zeros(len(places))
    light[inside] = (mean - level)[row[inside], column[inside]]
    return light


def _exclusion(droplet: Droplet, usual: float, inside: bool, how: DdpcrSettings) -> Exclusion | None:
    """Why a droplet does not count: `inside` says whether it lies wholly in the fluorescence picture."""
    if droplet.kind != "droplet":
        return "no droplet"
    if droplet.border.touching:
        return "touching"
    if not inside:
        return "outside"
    if droplet.shape.equivalent_diameter < how.smallest * usual:
        return "debris"
    return "deformed" if droplet.shape.circularity < how.least_circularity else None


def _inner_values(plane: NDArray[np.generic], mask: Mask, centre: Values, part: float) -> Values:
    """Values under the mask, shrunk to a `part` of its size around `centre`."""
    rows, columns = np.nonzero(mask.crop)
    x, y = mask.centroid
    across = np.rint(centre[0] + part * (columns + mask.x - x)).astype(int)
    down = np.rint(centre[1] + part * (rows + mask.y - y)).astype(int)
    return np.asarray(plane[down, across], np.float64)


def _ground_level(plane: NDArray[np.generic], diameter: float, how: DdpcrSettings) -> Plane:
    """HxW: a low percentile around each pixel, smooth; needs no droplet to be known."""
    zoom = min(1.0, how.ground_detail / diameter)
    height, width = plane.shape
    size = max(1, round(width * zoom)), max(1, round(height * zoom))
    small = cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    window = round(how.ground_window * diameter * zoom)
    low = percentile_filter(small, how.ground_percentile, size=window, mode="nearest")
    smooth = cv2.GaussianBlur(low, (0, 0), diameter * zoom, borderType=cv2.BORDER_REPLICATE)
    level: Plane = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
    return level


def _highest(plane: NDArray[np.generic]) -> float | None:
    """The highest value that can be stored, if the picture reaches it; None else and for floats."""
    brightest = plane.max()
    full = np.issubdtype(plane.dtype, np.unsignedinteger) and brightest in {2**k - 1 for k in CONTAINER_BITS}
    return float(brightest) if full else None
