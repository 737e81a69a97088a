"""Frames of stacks and videos as pictures of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from batch.files import Listing, Picture
from droplets.errors import BadRequest, ServiceError
from droplets.reading.image import read_axes

_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})(?::([1-9]\d{0,8}))?")


@dataclass(frozen=True)
class Frames:
    """Which frames of a file are wanted: from the first one to the last (None: the file's), by steps."""

    first: int = 0
    last: int | None = None
    step: int = 1

    @classmethod
    def parse(cls, text: str) -> Frames:
        """Of "all", "0-99" or "0-99:2".

        Raises:
            BadRequest: it is something else.
        """
        if text == "all":
            return cls()
        match = _RANGE.fullmatch(text)
        if match is None or int(match[1]) > int(match[2]):
            raise BadRequest(
                '--frames must be "all", a range such as "0-99", or "0-99:2" for every other one.'
            )
        return cls(int(match[1]), int(match[2]), int(match[3] or 1))

    def of(self, count: int) -> range:
        """Indices of those that a file of so many frames has; the first one alone if it has none of them."""
        last = count - 1 if self.last is None else min(self.last, count - 1)
        return range(self.first, max(last, self.first) + 1, self.step)


def in_frames(listing: Listing, frames: Frames, max_pixels: int) -> Listing:
    """Each file of several frames as a picture a frame; what has but one stays as it is.

    A frame that is not there, and a file that cannot be read, stay too: their analysis says what is wrong.

    Arguments:
        listing: a picture a file or pair.
        frames: that are wanted.
        max_pixels: limit on a frame.
    """
    pictures = [each for picture in listing.pictures for each in _frames(picture, frames, max_pixels)]
    return replace(listing, pictures=tuple(pictures))


def _frames(picture: Picture, frames: Frames, max_pixels: int) -> list[Picture]:
    try:
        axes = read_axes(picture.file.read(), max_pixels=max_pixels)
    except ServiceError:
        return [picture]
    if axes.frames == 1:
        return [picture]
    return [
        replace(
            picture, name=f"{picture.file.name}.frame-{index:05d}", frame=index, interval_s=axes.interval_s
        )
        for index in frames.of(axes.frames)
    ]
