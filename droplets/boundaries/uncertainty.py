"""Standard uncertainty of a diameter: what its edge shows of how far off it may be.

The root of the sum of squares of three parts: the spread of the single rays' edges about their curve, the
width over which the edge rises, and how far the edge lies from the outline as it was found. Their factors
are those that make the errors on rendered pictures most likely (Student's t of three degrees of freedom),
`python -m benchmarks.boundaries --fit`; whole pictures err together, so that neither the number of rays nor
that of droplets makes it smaller.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from droplets.boundaries.settings import EdgeSettings

Floats = NDArray[np.float64]


def overlap(uncertainty: float | None, diameter: float) -> float:
    """IoU of two circles around one centre of which one is smaller by the uncertainty; 1 if none is known."""
    return max(0.0, 1 - (uncertainty or 0.0) / diameter) ** 2


def note_on_edges(relative: Sequence[float], how: EdgeSettings) -> tuple[str, ...]:
    """A remark for the client where sizes are little worth, by the droplets' relative uncertainties."""
    off = float(np.median(relative)) if relative else 0.0
    if off < how.poor:
        return ()
    return (f"edges are faint or broad: diameters are uncertain by {off:.0%}, volumes by {3 * off:.0%}",)


def parts(residual: Floats, rise: Floats, diameter: Floats, found: Floats) -> Floats:
    """Nx3: what the uncertainty is made of, in pixels, before the factors.

    Arguments:
        residual: N, root mean square distance of the rays' edges from the curve, in pixels.
        rise: N, pixels over which the edge rises.
        diameter: N, of the curve; `found`: N, of the outline that it started from; in pixels.
    """
    moved = diameter * np.abs(np.log(np.maximum(diameter, 1) / np.maximum(found, 1)))
    return np.stack([residual, rise, moved], axis=1)


def uncertainty(residual: Floats, rise: Floats, diameter: Floats, found: Floats, how: EdgeSettings) -> Floats:
    """N standard uncertainties of diameters in pixels; arguments as in `parts`."""
    factors = np.array([how.spread_factor, how.rise_factor, how.moved_factor])
    return np.asarray(np.sqrt((parts(residual, rise, diameter, found) ** 2) @ factors**2))
