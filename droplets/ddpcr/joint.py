"""Two dyes at once: what is positive for both, and how many copies are joined.

crosstalk  light of one dye in another's channel, measured = M true: the inverse of M is applied to the
           amplitudes; column j of M is what single positives of dye j show in each channel over what they
           show in their own
linkage    copies of two targets on one molecule fall into one droplet together. With lambda_a and lambda_b of
           the two and the share of droplets q that have neither, lambda_linked = lambda_a + lambda_b + ln q:
           zero by chance alone (Regan et al. 2015, PLoS ONE 10:e0118270). Its interval is by the delta method
           on the multinomial numbers of the 2 x 2 table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from droplets.ddpcr.concentration import NORMAL_95, Estimate
from droplets.errors import BadRequest

LEAST_DIFFERENCE = 0.01
"""Of the singular values of a crosstalk matrix: below it noise is magnified a hundred times."""


@dataclass(frozen=True)
class Joint:
    """Two dyes over the droplets that count for both.

    Attributes:
        names: of the dyes, a and b.
        negative, only_a, only_b, both: numbers of droplets.
        linked: copies a droplet that are joined beyond chance; None where a kind of droplets is missing.
        linked_share: of the rarer target's copies.
    """

    names: tuple[str, str]
    negative: int
    only_a: int
    only_b: int
    both: int
    linked: Estimate
    linked_share: float | None


def joint(names: tuple[str, str], a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Joint:
    """Of N droplets that are positive for two dyes."""
    negative, only_a, only_b, both = (int(np.sum(kind)) for kind in (~a & ~b, a & ~b, b & ~a, a & b))
    linked, share = _linkage(negative, only_a, only_b, both)
    return Joint(names, negative, only_a, only_b, both, linked, share)


def _linkage(negative: int, only_a: int, only_b: int, both: int) -> tuple[Estimate, float | None]:
    """Joined copies a droplet, and their share of the rarer target's."""
    n = negative + only_a + only_b + both
    if not negative:
        return Estimate(), None
    not_a, not_b = negative + only_b, negative + only_a
    linked = math.log(negative * n / (not_a * not_b))
    # Of each kind of droplets: its share, and how the estimate changes with it.
    shares = np.array([negative, only_a, only_b]) / n
    slopes = np.array([n / negative - n / not_a - n / not_b, -n / not_b, -n / not_a])
    variance = (shares @ slopes**2 - (shares @ slopes) ** 2) / n
    reach = NORMAL_95 * math.sqrt(max(float(variance), 0.0))
    rarer = min(-math.log(not_a / n), -math.log(not_b / n))
    share = max(0.0, linked) / rarer if rarer > 0 else None
    return Estimate(linked, linked - reach, linked + reach), share


def crosstalk_column(
    amplitudes: Sequence[NDArray[np.float64]], positive: NDArray[np.bool_], own: int
) -> list[float] | None:
    """A dye's column of the crosstalk, of a control that has this dye alone; None without both populations.

    Arguments:
        amplitudes: N of each channel.
        positive: N bool, of the dye.
        own: index of its channel.
    """
    if not positive.any() or positive.all():
        return None
    rises = [float(np.median(one[positive]) - np.median(one[~positive])) for one in amplitudes]
    return [rise / rises[own] for rise in rises] if rises[own] > 0 else None


def compensated(
    amplitudes: Sequence[NDArray[np.float64]], crosstalk: Sequence[Sequence[float]]
) -> list[NDArray[np.float64]]:
    """N amplitudes of each dye without the other dyes' light.

    Arguments:
        amplitudes: N of each channel.
        crosstalk: a row a channel, a column a dye: what a dye shows there over what it shows in its own.

    Raises:
        BadRequest: the matrix is not square of the dyes' number, or two dyes show alike.
    """
    matrix = np.array([*crosstalk], float) if len({len(row) for row in crosstalk}) == 1 else np.empty((0, 0))
    dyes = len(amplitudes)
    if matrix.shape != (dyes, dyes):
        raise BadRequest(f"options.ddpcr.crosstalk must have {dyes} rows of {dyes} numbers, one a dye.")
    if np.linalg.cond(matrix) > 1 / LEAST_DIFFERENCE:
        raise BadRequest(
            "options.ddpcr.crosstalk: two dyes show alike in all channels: they cannot be told apart."
        )
    return list(np.linalg.solve(matrix, np.stack(list(amplitudes))))
