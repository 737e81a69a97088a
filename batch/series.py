"""Which pictures of a run are frames of one series: those of a file, or stills that a camera has numbered."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from batch.files import Listing, Picture
from droplets.errors import BadRequest

LEAST_SHARE = 0.5
"""Part of the numbers that stills of a series bear at least: names that bear fewer tell times or places."""
MOST_TOLD = 8
"""Gaps of a series that are told."""
_NUMBER = re.compile(r"(?<!\d)(\d{1,9})(?!\d)", re.ASCII)


@dataclass(frozen=True)
class Series:
    """Frames that follow each other, two at least.

    Attributes:
        source: name of the file; of stills their name with "#" in place of the number.
        pictures: by the number of their frame, ascending: its index in the file, or what the name says.
        interval_s: from one number to the next; None if it is not known.
    """

    source: str
    pictures: Mapping[int, Picture]
    interval_s: float | None

    @property
    def step(self) -> int:
        """The largest number of which all frames are apart by multiples."""
        return math.gcd(*(after - before for before, after in pairwise(self.pictures)))

    @property
    def share(self) -> float:
        """Part of the numbers from the first to the last, by the step, that there are."""
        first, *_, last = self.pictures
        return len(self.pictures) / ((last - first) // self.step + 1)

    @property
    def gaps(self) -> str:
        """Numbers that are missing between the first and the last, such as "4, 17-18"; empty if none is."""
        step = self.step
        missing = [
            (before + step, after - step)
            for before, after in pairwise(self.pictures)
            if after - before > step
        ]
        told = [str(first) if first == last else f"{first}-{last}" for first, last in missing[:MOST_TOLD]]
        return ", ".join([*told, "..."] if len(missing) > MOST_TOLD else told)


def series_of(listing: Listing, interval_s: float | None) -> list[Series]:
    """Files of which the run names several frames, and numbered stills.

    Arguments:
        listing: of the run.
        interval_s: from one frame to the next, in place of what the files say.

    Raises:
        BadRequest: two stills of a series have one number.
    """
    frames: dict[str, dict[int, Picture]] = defaultdict(dict)
    stills = []
    for picture in listing.pictures:
        if picture.frame is None:
            stills.append(picture)
        else:
            frames[picture.file.name][picture.frame] = picture
    found = [
        Series(source, pictures, interval_s or next(iter(pictures.values())).interval_s)
        for source, pictures in [*frames.items(), *_numbered(stills)]
        if len(pictures) > 1
    ]
    return [series for series in found if series.share >= LEAST_SHARE]


def _numbered(stills: Iterable[Picture]) -> Iterator[tuple[str, dict[int, Picture]]]:
    """Stills by number: the last one that differs in the names of a folder that differ in numbers alone."""
    alike: dict[tuple[str, ...], list[tuple[list[str], Picture]]] = defaultdict(list)
    for picture in stills:
        path = PurePosixPath(picture.name)
        parts = _NUMBER.split(path.stem)  # text, number, text and so on
        alike[(str(path.parent), *parts[::2], path.suffix)].append((parts, picture))
    for group in alike.values():
        columns = zip(*(map(int, parts[1::2]) for parts, _ in group), strict=True)
        differing = [i for i, column in enumerate(columns) if len(set(column)) > 1]
        if differing:
            yield from _by_number(group, 2 * differing[-1] + 1).items()


def _by_number(group: Iterable[tuple[list[str], Picture]], place: int) -> dict[str, dict[int, Picture]]:
    """Stills by the number at a place among the parts of their names: a series for each rest of the name."""
    series: dict[str, dict[int, Picture]] = defaultdict(dict)
    for parts, picture in sorted(group, key=lambda each: int(each[0][place])):
        path, number = PurePosixPath(picture.name), int(parts[place])
        source = "".join([*parts[:place], "#", *parts[place + 1 :], path.suffix])
        of = series[str(path.with_name(source))]
        if number in of:
            raise BadRequest(
                f"{of[number].name} and {picture.name} are both frame {number}; rename one of them."
            )
        of[number] = picture
    return series
