"""What weakens a result, as sentences."""

from __future__ import annotations

import math

from droplets.ddpcr.concentration import NORMAL_95
from droplets.ddpcr.result import DigitalPcr
from droplets.ddpcr.settings import DdpcrSettings
from droplets.ddpcr.volume import Volume


def cautions(result: DigitalPcr, how: DdpcrSettings) -> tuple[str, ...]:
    """Sentences on what weakens the result."""
    of = [*_of_numbers(result, how), *_of_quality(result, how), *_of_pictures(result, how)]
    return tuple(text for holds, text in of if holds)


def _of_numbers(result: DigitalPcr, how: DdpcrSettings) -> list[tuple[bool, str]]:
    """Warnings on how many droplets are positive and negative."""
    n, positives = result.n, result.positives
    one = result.threshold is None and n > 0
    return [
        (n < how.fewest_droplets, f"Only {n} droplets count: the interval is wide."),
        (
            one and positives is None,
            "There is one population only, and nothing tells whether it is negative or positive: "
            "give options.ddpcr.threshold, from a picture that shows both.",
        ),
        (
            one and positives is not None,
            f"There is one population only; it is taken as {'positive' if positives else 'negative'} by "
            "its light against the ground. Give options.ddpcr.threshold to decide it.",
        ),
        (
            result.missed > how.most_vacant * n,
            f"Negatives may be missed: {result.missed} places between the droplets are vacant. "
            "Lambda's lower end allows for them"
            + ("; no value is given." if result.missed > how.withheld * n else "."),
        ),
        (n > 0 and positives == 0, "No droplet is positive: the interval's upper end is what can be said."),
        (n > 0 and positives == n, "Every droplet is positive: there are too many copies to count."),
    ]


def _of_quality(result: DigitalPcr, how: DdpcrSettings) -> list[tuple[bool, str]]:
    """Warnings on how far apart the populations are, and how alike the droplets."""
    separated = result.separation
    return [
        (
            separated.resolution is not None and separated.resolution < how.least_resolution,
            f"Positives and negatives are poorly apart: resolution under {how.least_resolution:g}.",
        ),
        (
            separated.rain is not None and separated.rain > how.most_rain,
            f"Rain: over {how.most_rain:.1%} of the droplets lie between the populations.",
        ),
        (
            (result.volume.cv or 0) > how.most_volume_cv,
            f"Droplet volumes differ (coefficient of variation over {how.most_volume_cv:g}): "
            "lambda is too low.",
        ),
        (
            _is_another(result.volume),
            f"Droplets measure {result.volume.mean or 0:.4g} pl, not the nominal "
            f"{result.volume.nominal or 0:.4g} pl, by more than the uncertainty: "
            "check options.pixel_size_um or options.ddpcr.partition_pl.",
        ),
    ]


def _of_pictures(result: DigitalPcr, how: DdpcrSettings) -> list[tuple[bool, str]]:
    """Warnings on how the two pictures lie on each other, and on the fluorescence."""
    n, found = result.n, result.registration
    elsewhere = result.excluded.get("touching", 0) + result.excluded.get("outside", 0)
    proper = n + elsewhere
    left_out = [f"{found} {why}" for why, found in result.excluded.items() if why in {"debris", "deformed"}]
    return [
        (
            found.confidence is not None and found.confidence < how.least_confidence,
            "How the fluorescence lies on the picture is uncertain: another shift matches nearly as well.",
        ),
        (
            found.matched is not None and found.matched < how.few_matched,
            "Few droplets match the fluorescence where they should lie: the registration may be wrong.",
        ),
        (
            result.saturated > 0,
            f"{result.saturated} droplets are saturated: their light is above what the file can hold.",
        ),
        (
            bool(left_out),
            f"Droplets that are no partitions are left out: {', '.join(left_out)}.",
        ),
        (
            n < how.least_overlap * proper,
            f"Only {n} of {proper} droplets lie in the common field of the two pictures.",
        ),
    ]


def _is_another(volume: Volume) -> bool:
    """Whether the nominal volume lies outside the 95 % interval of the measured one."""
    if not volume.nominal or not volume.mean:
        return False
    return abs(math.log(volume.nominal / volume.mean)) > NORMAL_95 * (volume.uncertainty or 0.0)
