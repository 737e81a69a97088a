"""The tuned numbers by which droplets are followed."""

from __future__ import annotations

from dataclasses import dataclass

from droplets.tuning import tuned

SERIES = "series of known motion, merging and splitting, tests/droplets/tracks"


@dataclass(frozen=True)
class TrackSettings:
    """What may be the same droplet; distances of neighbours are medians over the series.

    With both ends of each range, droplets of the tests' series are followed as with the number itself.
    """

    # The motion
    reach: float = tuned(
        3.0, "distance of neighbours", "largest shift a frame that is looked for", SERIES, (2, 4.5)
    )
    shift_bins: int = tuned(
        24, "", "of a shift's histogram, for the distance of neighbours", SERIES, (12, 48)
    )
    smooth: float = tuned(
        3.0,
        "bins",
        "standard deviation of its smoothing: so that it hardly matters where in a bin the votes lie",
        SERIES,
        (2, 3.75),
    )
    same_size: float = tuned(
        0.015,
        "diameter",
        "standard deviation of the difference of a droplet's diameters in two frames",
        SERIES,
        (0.0075, 0.03),
    )
    steady: float = tuned(
        1 / 3,
        "distance of neighbours",
        "standard deviation of the shift around that of the whole series",
        SERIES,
        (0.2222, 0.5),
    )
    nearby: int = tuned(
        15, "", "links, of all frames, of which the motion of a place is the median", SERIES, (8, 30)
    )
    uniform: float = tuned(
        0.1,
        "diameter",
        "by which the motion of a place may differ from the shared one a frame and pass for it",
        "bounds time",
    )
    # The links
    farthest: float = tuned(
        0.75,
        "diameter",
        "largest distance of a droplet from where it is expected: where two equal ones merge, each is half a "
        "diameter away",
        SERIES,
        (0.65, 0.9375),
    )
    longest_gap: int = tuned(
        3,
        "frames",
        "from where a droplet is lost to where it is seen again: two in a row may miss it",
        SERIES,
        (2, 6),
    )
    # The events
    volume_tolerance: float = tuned(
        0.25,
        "volume",
        "most that the volume of one droplet may differ from the sum of those that it has come of or become",
        "8 % of each diameter, for droplets that are not yet round again",
        (0.125, 0.5),
    )
