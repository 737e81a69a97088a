"""Mean volume of partitions and its standard uncertainty.

Volumes are balls' of the equivalent diameters d. The relative uncertainty of their mean is the root of the
sum of squares (JCGM 100:2008, 5.1.6) of what a whole picture has in common: more droplets do not lessen it.

pixel size   three times its own
edge         three times the median of boundary.uncertainty over d
roundness    seen from above an ellipse of axes a >= b may be a spheroid of volume between a b^2 and a^2 b:
             these lie ln(a / b) / 2 around the ball's, evenly, which is divided by sqrt 3 (4.3.7); a / b is
             (max Feret diameter / d)^2
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from droplets.ddpcr.settings import DdpcrSettings
from droplets.objects.measure import volume_pl
from droplets.types import Droplet, PixelSize


@dataclass(frozen=True)
class Volume:
    """Of a partition; None where it is not known.

    Attributes:
        mean: picolitres.
        cv: standard deviation over the mean, of two or more.
        uncertainty: relative standard uncertainty of the mean.
        nominal: picolitres that the maker of the partitions gives, which then count.
    """

    mean: float | None = None
    cv: float | None = None
    uncertainty: float | None = None
    nominal: float | None = None

    @property
    def used(self) -> float | None:
        """Picolitres that concentrations are taken of."""
        return self.nominal or self.mean


UNKNOWN = Volume()


def volume(droplets: Sequence[Droplet], size: PixelSize | None, how: DdpcrSettings) -> Volume:
    """Of the partitions that count; the mean is known with the pixel size alone."""
    if not droplets:
        return UNKNOWN
    diameters = np.array([droplet.shape.equivalent_diameter for droplet in droplets])
    cubes = diameters**3
    cv = float(cubes.std(ddof=1) / cubes.mean()) if cubes.size > 1 else None
    if size is None:
        return Volume(cv=cv)
    edges = [
        one.uncertainty / one.shape.equivalent_diameter for one in droplets if one.uncertainty is not None
    ]
    feret = np.array([droplet.shape.max_feret_diameter for droplet in droplets])
    roundness = float(np.median(np.log(np.maximum(feret / diameters, 1)))) / math.sqrt(3)
    edge = 3 * float(np.median(edges)) if edges else 0.0
    return Volume(
        mean=volume_pl(float(cubes.mean()) ** (1 / 3), size),
        cv=cv,
        uncertainty=math.hypot(3 * how.pixel_size_uncertainty, edge, roundness),
    )
