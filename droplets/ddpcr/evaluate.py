"""Digital PCR: which droplets are positive, and how far the result can be trusted.

Droplets are found in one picture and measured in a second one, registered to it, or in a channel of
the same one. Only whole droplets within both pictures count. Stages: registration.py, partitions.py,
threshold.py, concentration.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from droplets.ddpcr.concentration import Concentration, concentration
from droplets.ddpcr.illumination import evened
from droplets.ddpcr.partitions import Partitions, measure_partitions
from droplets.ddpcr.registration import Registration, register
from droplets.ddpcr.settings import DdpcrSettings
from droplets.ddpcr.threshold import Separation, separation
from droplets.errors import BadRequest
from droplets.objects.measure import volume_pl
from droplets.parameters import Parameters
from droplets.types import Droplet, Fluorescence, Image, PixelSize

ThresholdSource = Literal["request", "automatic"]
CHANNELS = ("red", "green", "blue")


class DdpcrOptions(Parameters):
    """How digital PCR is evaluated."""

    threshold: float | None = Field(
        None, description="Amplitude from which a droplet is positive; null: found from the picture."
    )
    channel: Literal["red", "green", "blue"] | Annotated[int, Field(ge=0, le=2)] | None = Field(
        None,
        description="Channel that shows the fluorescence, by name or index; needed where no second picture "
        "is sent. null: of a second picture in colour the one that varies most.",
    )
    registration: Literal["auto", "none"] = Field(
        "auto",
        description="auto: find shift and drift of the second picture; none: it lies as the first one.",
    )


@dataclass(frozen=True, eq=False)
class DigitalPcr:
    """Result of digital PCR over the droplets that count; None where it cannot be told.

    Attributes:
        n, positives: numbers of droplets.
        concentration: copies a droplet and a microlitre, with intervals.
        threshold: amplitude from which a droplet is positive.
        threshold_source: who said so.
        separation: of positives and negatives.
        volume_pl, volume_cv: mean volume of a droplet, and its standard deviation over the mean.
        registration: of the fluorescence on the picture.
        warnings: sentences on what weakens the result.
    """

    n: int
    positives: int | None
    concentration: Concentration
    threshold: float | None
    threshold_source: ThresholdSource | None
    separation: Separation
    volume_pl: float | None
    volume_cv: float | None
    registration: Registration
    warnings: tuple[str, ...] = ()


def fluorescence_plane(image: Image, second: Image | None, options: DdpcrOptions) -> NDArray[np.generic]:
    """HxW stored values of the fluorescence: of the second picture, else of a channel of the first.

    Raises:
        BadRequest: the second picture has another size, or there is no such channel.
    """
    if second is not None and (second.width, second.height) != (image.width, image.height):
        raise BadRequest(
            f"fluorescence must be of the picture's size, {image.width} x {image.height} pixels; "
            f"it is {second.width} x {second.height}."
        )
    shown = second or image
    stored = shown.original
    if not shown.in_colour:
        if second is None:
            raise BadRequest("options.ddpcr needs a second picture, fluorescence, or a picture in colour.")
        if options.channel is not None:
            raise BadRequest("options.ddpcr.channel: the fluorescence picture is grey, leave it out.")
        return stored
    if options.channel is not None:
        channel = options.channel
        return stored[..., CHANNELS.index(channel) if isinstance(channel, str) else channel]
    if second is None:
        raise BadRequest("options.ddpcr.channel must say which channel shows the fluorescence.")
    return stored[..., int(stored.std(axis=(0, 1), dtype=np.float64).argmax())]


def digital_pcr(
    droplets: Sequence[Droplet],
    plane: NDArray[np.generic],
    options: DdpcrOptions,
    size: PixelSize | None,
    same_frame: bool,
    how: DdpcrSettings = DdpcrSettings(),
) -> tuple[DigitalPcr, list[Droplet]]:
    """Evaluate the droplets of a picture on its fluorescence.

    Arguments:
        droplets: in the frame of the whole picture.
        plane: HxW stored fluorescence values.
        options: as the client wants it.
        size: of a pixel, None if not known.
        same_frame: the fluorescence is a channel of the picture: nothing is registered.
        how: the stage's settings.

    Returns:
        The result, and the droplets with their fluorescence, where they count.
    """
    still = same_frame or options.registration == "none"
    registration = Registration() if still else register([droplet.mask for droplet in droplets], plane, how)
    partitions = measure_partitions(droplets, plane, registration, how)
    given, counted = options.threshold is not None, partitions.counted
    amplitudes, threshold = evened(
        partitions.amplitude[counted], partitions.places[counted], options.threshold, how
    )
    partitions = partitions.with_amplitudes(amplitudes)
    positive = _positive(partitions, threshold, how)
    source: ThresholdSource | None = None if threshold is None else "request" if given else "automatic"
    apart = Separation() if threshold is None else separation(amplitudes, threshold, how)
    result = _result(droplets, partitions, positive, threshold, source, apart, size, registration)
    warnings = tuple(text for holds, text in _warnings(result, partitions, droplets, how) if holds)
    return replace(result, warnings=warnings), _with_fluorescence(droplets, partitions, positive)


def _result(
    droplets: Sequence[Droplet],
    partitions: Partitions,
    positive: NDArray[np.bool_] | None,
    threshold: float | None,
    source: ThresholdSource | None,
    apart: Separation,
    size: PixelSize | None,
    registration: Registration,
) -> DigitalPcr:
    """The figures, without warnings."""
    counted = [droplet for droplet, counts in zip(droplets, partitions.counted, strict=True) if counts]
    positives = None if positive is None else int(positive.sum())
    volume, volume_cv = _volume(counted, size)
    return DigitalPcr(
        n=len(counted),
        positives=positives,
        concentration=concentration(positives, len(counted), volume),
        threshold=threshold,
        threshold_source=source,
        separation=apart,
        volume_pl=volume,
        volume_cv=volume_cv,
        registration=registration,
    )


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


def _volume(droplets: Sequence[Droplet], size: PixelSize | None) -> tuple[float | None, float | None]:
    """Mean in picolitres (None without a pixel size) and coefficient of variation (of two or more)."""
    cubes = np.array([droplet.shape.equivalent_diameter for droplet in droplets]) ** 3
    volumes = [volume_pl(droplet.shape.equivalent_diameter, size) for droplet in droplets]
    mean = float(np.mean([volume for volume in volumes if volume is not None])) if size and volumes else None
    return mean, float(cubes.std(ddof=1) / cubes.mean()) if cubes.size > 1 else None


def _with_fluorescence(
    droplets: Sequence[Droplet], partitions: Partitions, positive: NDArray[np.bool_] | None
) -> list[Droplet]:
    answered = list(droplets)
    for i in np.flatnonzero(partitions.counted).tolist():
        light = Fluorescence(
            intensity=float(partitions.intensity[i]),
            amplitude=float(partitions.amplitude[i]),
            positive=None if positive is None else bool(positive[i]),
        )
        answered[i] = replace(droplets[i], fluorescence=light)
    return answered


def _warnings(
    result: DigitalPcr, partitions: Partitions, droplets: Sequence[Droplet], how: DdpcrSettings
) -> list[tuple[bool, str]]:
    """Whether each holds, and what it says."""
    return [
        *_of_numbers(result, how),
        *_of_quality(result, how),
        *_of_pictures(result, partitions, droplets, how),
    ]


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
            (result.volume_cv or 0) > how.most_volume_cv,
            f"Droplet volumes differ (coefficient of variation over {how.most_volume_cv:g}): "
            "lambda is too low.",
        ),
    ]


def _of_pictures(
    result: DigitalPcr, partitions: Partitions, droplets: Sequence[Droplet], how: DdpcrSettings
) -> list[tuple[bool, str]]:
    """Warnings on how the two pictures lie on each other, and on the fluorescence."""
    n, found = result.n, result.registration
    proper = sum(droplet.kind == "droplet" for droplet in droplets)
    saturated = int(partitions.saturated.sum())
    return [
        (
            found.confidence is not None and found.confidence < how.least_confidence,
            "How the fluorescence lies on the picture is uncertain: another shift matches nearly as well.",
        ),
        (
            found.matched is not None and found.matched < how.few_matched,
            "Few droplets match the fluorescence where they should lie: the registration may be wrong.",
        ),
        (saturated > 0, f"{saturated} droplets are saturated: their light is above what the file can hold."),
        (
            n < how.least_overlap * proper,
            f"Only {n} of {proper} droplets lie in the common field of the two pictures.",
        ),
    ]
