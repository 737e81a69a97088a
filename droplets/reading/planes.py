"""Which of a file's planes are read: its axes, what a client chooses, and the one plane that comes of both.

A file has frames (time), planes (z) and channels, each counted from 0. A reader of a format gives a `Source`:
the axes, and a function that decodes one plane. So only what is wanted is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from droplets.errors import BadRequest, TooManyPixels, UndecodableImage
from droplets.reading.focus import sharpness
from droplets.reading.stored import Stored
from droplets.types import FileAxes

COLOURS = ("red", "green", "blue")
MOST_LISTED = 16
LONGEST_INTERVAL_S = 86400.0
MOST_PLANES = 4
"""So many times the pixel limit all planes of a z stack may have that are decoded to make one of them."""


@dataclass(frozen=True)
class Selection:
    """What of a file is wanted.

    Attributes:
        channel: index or name; None for the first one.
        plane: index in z, the sharpest, or the maximum over all.
        frame: index in time.
        option: what the client calls `channel`.
        first: whether None stands for the first channel; else files of several channels need one to be named.
    """

    channel: int | str | None = None
    plane: Literal["best focus", "max"] | int = "best focus"
    frame: int = 0
    option: str = "options.channel"
    first: bool = True


FIRST = Selection()
"""The first frame and channel, and of a z stack the sharpest plane."""


@dataclass(frozen=True)
class Axes:
    """How many frames (time), planes (z) and channels a file has; the channels' names, if it gives any.

    `interval_s` is the time from one frame to the next in seconds, if the file gives it.
    """

    frames: int = 1
    planes: int = 1
    channels: int = 1
    names: tuple[str, ...] = ()
    interval_s: float | None = None

    def named(self, channel: int) -> str:
        """The channel's index with its name, such as "1 (FAM)"."""
        name = self.names[channel] if channel < len(self.names) else ""
        return f"{channel} ({name})" if name else f"{channel}"


@dataclass(frozen=True, eq=False)
class Source:
    """A file that is open.

    Attributes:
        axes: of the file.
        read: decodes the plane of a channel, plane and frame, each an index within `axes`; it checks every
            limit before.
    """

    axes: Axes
    read: Callable[[int, int, int], Stored]


def possible_interval(seconds: float) -> float | None:
    """The time between frames that a file gives, if it can be one: over zero, at most a day."""
    return seconds if 0 < seconds <= LONGEST_INTERVAL_S else None


def selected(source: Source, selection: Selection, max_pixels: int) -> Stored:
    """The plane that is wanted, with `plane` saying which one that is.

    Arguments:
        source: the file.
        selection: what of it is wanted.
        max_pixels: limit on the picture, and by `MOST_PLANES` on a z stack.

    Raises:
        BadRequest: there is no such channel, plane or frame, or the channel must be named.
        TooManyPixels: the z stack is too large to look for its best focus.
        Exception: whatever the reader raises.
    """
    axes, frame = source.axes, selection.frame
    if frame >= axes.frames:
        raise BadRequest(f"options.frame is {frame}; the file has {_counted(axes.frames, 'frame')}.")
    # The colours of a single picture are channels too, which are told apart once it is decoded.
    channel = _channel(axes, selection) if axes.channels > 1 else 0
    stored, plane = _plane(source, selection, channel, max_pixels)
    if axes.channels == 1 and selection.channel is not None:
        stored = _one_colour(stored, selection)
    parts = (
        f"channel {axes.named(channel)} of {axes.channels}" if axes.channels > 1 else "",
        f"frame {frame} of {axes.frames}" if axes.frames > 1 else "",
        plane,
    )
    return replace(stored, plane=", ".join(part for part in parts if part), axes=_shown(axes))


def _shown(axes: Axes) -> FileAxes:
    """The axes as clients see them: of very many channels, which only a damaged file has, the first."""
    channels = range(min(axes.channels, MOST_LISTED)) if axes.channels > 1 else ()
    return FileAxes(axes.frames, axes.planes, tuple(axes.named(channel) for channel in channels))


def _plane(source: Source, selection: Selection, channel: int, max_pixels: int) -> tuple[Stored, str]:
    """The plane of a z stack that is wanted, and which that is; no text where there is but one."""
    planes, wanted = source.axes.planes, selection.plane
    if isinstance(wanted, int):
        if wanted >= planes:
            raise BadRequest(f"options.plane is {wanted}; the file has {_counted(planes, 'plane')}.")
        text = f"plane {wanted} of {planes}" if planes > 1 else ""
        return source.read(channel, wanted, selection.frame), text
    if planes == 1:
        return source.read(channel, 0, selection.frame), ""
    stack = _stack(source, channel, selection.frame, max_pixels)
    if wanted == "max":
        return _maximum(stack), f"maximum of {planes} planes"
    best, stored = _sharpest(stack)
    return stored, f"best focus of {planes} planes ({best})"


def _stack(source: Source, channel: int, frame: int, max_pixels: int) -> Iterator[Stored]:
    """All planes of a channel and frame, one after the other."""
    first = source.read(channel, 0, frame)
    height, width = first.values.shape[:2]
    pixels = height * width * source.axes.planes
    if pixels > MOST_PLANES * max_pixels:
        raise TooManyPixels(
            f"The {source.axes.planes} planes of the file are {pixels} pixels; the limit is "
            f"{MOST_PLANES * max_pixels}. Say which one is wanted by options.plane."
        )
    yield first
    for plane in range(1, source.axes.planes):
        stored = source.read(channel, plane, frame)
        if stored.values.shape != first.values.shape or stored.values.dtype != first.values.dtype:
            raise UndecodableImage("The planes of the file differ in size or type; options.plane takes one.")
        yield stored


def _sharpest(stack: Iterator[Stored]) -> tuple[int, Stored]:
    """The sharpest plane, the first of equals, and its index."""
    best, stored = 0, next(stack)
    highest = sharpness(stored.values)
    for index, each in enumerate(stack, 1):
        if (sharp := sharpness(each.values)) > highest:
            best, stored, highest = index, each, sharp
    return best, stored


def _maximum(stack: Iterator[Stored]) -> Stored:
    """The first plane with the largest value of all planes at each pixel."""
    stored = next(stack)
    highest = stored.values.copy()
    for each in stack:
        np.maximum(highest, each.values, out=highest)
    return replace(stored, values=highest)


def _channel(axes: Axes, selection: Selection) -> int:
    """Index of the channel that is wanted."""
    wanted = selection.channel
    if wanted is None:
        if selection.first:
            return 0
        raise BadRequest(f"{selection.option} must say which channel; the file has {_listed(axes)}.")
    if isinstance(wanted, int):
        if wanted < axes.channels:
            return wanted
    elif (name := wanted.casefold()) in (names := [known.casefold() for known in axes.names]):
        return names.index(name)
    raise BadRequest(f"{selection.option} is {wanted}; the file has {_listed(axes)}.")


def _listed(axes: Axes) -> str:
    """The channels with their names; of very many, which only a damaged file has, the first."""
    some = [axes.named(channel) for channel in range(min(axes.channels, MOST_LISTED))]
    more = [f"and so on up to {axes.channels - 1}"] if axes.channels > MOST_LISTED else []
    return ", ".join([*some, *more])


def _one_colour(stored: Stored, selection: Selection) -> Stored:
    """One channel of a colour picture as a grey one; of a grey picture there is only channel 0."""
    if stored.values.ndim == 2:
        _channel(Axes(), selection)
        return stored
    channel = _channel(Axes(channels=len(COLOURS), names=COLOURS), selection)
    note = f"{COLOURS[channel]} of a picture in colour"
    return replace(stored, values=stored.values[..., channel], notes=(*stored.notes, note))


def _counted(count: int, what: str) -> str:
    return f"one {what}" if count == 1 else f"{count} {what}s, counted from 0"
