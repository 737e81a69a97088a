"""Digital PCR: which droplets are positive, and how far the result can be trusted.

Droplets are found in one picture and measured in a second one, registered to it, or in a channel of
the same one. Only whole droplets within both pictures count. Stages: registration.py, partitions.py,
threshold.py, concentration.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from droplets.ddpcr.cautions import cautions
from droplets.ddpcr.concentration import Concentration, concentration
from droplets.ddpcr.illumination import evened
from droplets.ddpcr.joint import Joint, compensated, joint
from droplets.ddpcr.options import DdpcrOptions, DyeOptions
from droplets.ddpcr.partitions import Partitions, light_at, measure_partitions, usual_diameter
from droplets.ddpcr.registration import Registration, register
from droplets.ddpcr.result import DigitalPcr, ThresholdSource
from droplets.ddpcr.settings import DdpcrSettings
from droplets.ddpcr.threshold import Separation, separation
from droplets.ddpcr.vacancies import closest_packing, vacancies
from droplets.ddpcr.volume import Volume, volume
from droplets.types import Droplet, Fluorescence, PixelSize

_Told = tuple[DigitalPcr, Partitions, NDArray[np.bool_] | None]


@dataclass(frozen=True, eq=False)
class _Dye:
    """A plane of fluorescence, and the droplets measured on it."""

    plane: NDArray[np.generic]
    registration: Registration
    partitions: Partitions


def digital_pcr(
    droplets: Sequence[Droplet],
    planes: Sequence[NDArray[np.generic]],
    options: DdpcrOptions,
    size: PixelSize | None,
    same_frame: bool,
    how: DdpcrSettings = DdpcrSettings(),
) -> tuple[DigitalPcr, list[Droplet]]:
    """Evaluate the droplets of a picture on its fluorescence.

    Arguments:
        droplets: in the frame of the whole picture.
        planes: HxW stored fluorescence values, one a dye.
        options: as the client wants it.
        size: of a pixel, None if not known.
        same_frame: the fluorescence is a channel of the picture: nothing is registered.
        how: the stage's settings.

    Returns:
        The result of the first dye, with those of further ones, and the droplets with their fluorescence,
        where they count.

    Raises:
        BadRequest: the crosstalk is not of so many dyes.
    """
    still = same_frame or options.registration == "none"
    dyes = [_measured(droplets, plane, still, how) for plane in planes]
    if options.crosstalk is not None:
        dyes = _without_crosstalk(dyes, options.crosstalk)
    told = [_told(droplets, dye, options, i, size, how) for i, dye in enumerate(dyes)]
    (first, *further), partitions, positive = zip(*told, strict=True)
    result = replace(first, further=tuple(further), joint=_joint(told))
    return result, _with_fluorescence(droplets, partitions, positive)


def _measured(
    droplets: Sequence[Droplet], plane: NDArray[np.generic], still: bool, how: DdpcrSettings
) -> _Dye:
    registration = Registration() if still else register([droplet.mask for droplet in droplets], plane, how)
    return _Dye(plane, registration, measure_partitions(droplets, plane, registration, how))


def _without_crosstalk(dyes: Sequence[_Dye], crosstalk: Sequence[Sequence[float]]) -> list[_Dye]:
    amplitudes = compensated([dye.partitions.amplitude for dye in dyes], crosstalk)
    return [
        replace(dye, partitions=replace(dye.partitions, amplitude=amplitude))
        for dye, amplitude in zip(dyes, amplitudes, strict=True)
    ]


def _joint(told: Sequence[_Told]) -> tuple[Joint, ...]:
    """Each two dyes of which both are told."""
    return tuple(
        joint((a.name, b.name), a_positive[both], b_positive[both])
        for (a, a_parts, a_positive), (b, b_parts, b_positive) in combinations(told, 2)
        if a_positive is not None and b_positive is not None
        for both in (a_parts.counted & b_parts.counted,)
    )


def _told(
    droplets: Sequence[Droplet],
    dye: _Dye,
    options: DdpcrOptions,
    index: int,
    size: PixelSize | None,
    how: DdpcrSettings,
) -> _Told:
    """The result of one dye, the droplets under even light, and which are positive."""
    wanted = options.dye(index)
    given, given_by = _given(wanted, how)
    partitions, counted = dye.partitions, dye.partitions.counted
    amplitudes, threshold = evened(
        partitions.amplitude[counted],
        partitions.places[counted],
        given,
        how,
        partitions.ground[counted],
    )
    partitions = partitions.with_amplitudes(amplitudes)
    positive = _positive(partitions, threshold, how)
    source = given_by if threshold is not None else None
    missed = _missed(droplets, dye, amplitudes, threshold, how)
    counting = [droplet for droplet, counts in zip(droplets, counted, strict=True) if counts]
    positives = None if positive is None else int(positive.sum())
    places = closest_packing(dye.plane.shape, usual_diameter(droplets)) if counting else 0
    content = replace(volume(counting, size, how), nominal=options.partition_pl)
    result = DigitalPcr(
        n=len(counting),
        positives=positives,
        concentration=_bounded(positives, len(counting), content, missed, places, how),
        threshold=threshold,
        threshold_source=source,
        separation=Separation() if threshold is None else separation(amplitudes, threshold, how),
        volume=content,
        registration=dye.registration,
        excluded=Counter(reason for reason in partitions.excluded if reason),
        saturated=int(partitions.saturated.sum()),
        missed=missed,
        name=wanted.name,
    )
    return replace(result, warnings=cautions(result, how)), partitions, positive


def _given(wanted: DyeOptions, how: DdpcrSettings) -> tuple[float | None, ThresholdSource]:
    """The threshold that is asked for, None to find one, and who says so."""
    if wanted.blank is not None:
        mean, deviation = wanted.blank
        return mean + how.end_of_negatives * deviation, "blank"
    return wanted.threshold, "automatic" if wanted.threshold is None else "request"


def _missed(
    droplets: Sequence[Droplet],
    dye: _Dye,
    amplitudes: NDArray[np.float64],
    threshold: float | None,
    how: DdpcrSettings,
) -> int:
    """Number of vacant places that are not evidently darker than negatives are."""
    proper = [droplet.mask.centroid for droplet in droplets if droplet.kind == "droplet"]
    if not proper or not amplitudes.size:
        return 0
    radius = usual_diameter(droplets) / 2
    vacant = vacancies(np.array(proper), radius, dye.plane.shape, how)
    negative = amplitudes if threshold is None else amplitudes[amplitudes < threshold]
    if not negative.size or not len(vacant):
        return len(vacant)
    level, spread = float(np.median(negative)), float(np.std(negative))
    if level <= how.visible * spread:
        return len(vacant)
    light = light_at(dye.registration.map_points(vacant), radius, dye.plane, dye.partitions.level, how)
    return int((light >= how.lit_vacancy * level).sum())


def _bounded(
    positives: int | None, n: int, told: Volume, missed: int, places: int, how: DdpcrSettings
) -> Concentration:
    """Where negatives may be missed the lower end allows for them; where many, as for all that find place.

    Then whole patches are missed, in which no vacancy is counted, and there is no value.
    """
    if missed <= how.withheld * n:
        return concentration(positives, n, told, missed if missed > how.most_vacant * n else 0)
    found = concentration(positives, n, told, max(missed, places - n))
    copies, per_ul = (replace(one, value=None) for one in (found.copies_per_droplet, found.copies_per_ul))
    return replace(found, copies_per_droplet=copies, copies_per_ul=per_ul)


def _positive(
    partitions: Partitions, threshold: float | None, how: DdpcrSettings
) -> NDArray[np.bool_] | None:
    """N bool, False where not counted; None if it cannot be told which population there is."""
    counted = partitions.counted
    if threshold is not None:
        return counted & (np.nan_to_num(partitions.amplitude) >= threshold)
    if not counted.any():
        return None
    if partitions.saturated[counted].mean() > 1 / 2:
        return counted
    # All but the outermost: of a few droplets no single one may contradict.
    share = how.outermost
    lowest = np.quantile(partitions.amplitude[counted], share, method="lower")
    highest = np.quantile(partitions.amplitude[counted], 1 - share, method="higher")
    ground = np.median(partitions.ground[counted])
    if highest <= how.dim * ground:
        return np.zeros_like(counted)
    return counted if lowest >= how.bright * ground else None


def _with_fluorescence(
    droplets: Sequence[Droplet],
    partitions: Sequence[Partitions],
    positive: Sequence[NDArray[np.bool_] | None],
) -> list[Droplet]:
    """The droplets with their light of each dye, and why they do not count for the first."""
    answered = []
    for i, droplet in enumerate(droplets):
        first, *further = (_light(one, told, i) for one, told in zip(partitions, positive, strict=True))
        answered.append(
            replace(
                droplet, fluorescence=first, further_dyes=tuple(further), excluded=partitions[0].excluded[i]
            )
        )
    return answered


def _light(partitions: Partitions, positive: NDArray[np.bool_] | None, i: int) -> Fluorescence | None:
    if partitions.excluded[i] is not None:
        return None
    return Fluorescence(
        intensity=float(partitions.intensity[i]),
        amplitude=float(partitions.amplitude[i]),
        positive=None if positive is None else bool(positive[i]),
    )
