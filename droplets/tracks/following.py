"""Tracks of a series, and where droplets merge and split: whatever is linked, checked by volumes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from droplets.tracks.detections import Detections, Edge, Ints
from droplets.tracks.linking import linked
from droplets.tracks.settings import TrackSettings

EventKind = Literal["coalescence", "breakup"]


@dataclass(frozen=True)
class Event:
    """Droplets that have become one, or one that has become several.

    Attributes:
        kind: which of both.
        frame: number of the first frame that shows what has come of it.
        x, y: of the one droplet, in pixels.
        before, after: numbers of the tracks that end and begin with it.
        volume_ratio: of what came of it to what was before.
    """

    kind: EventKind
    frame: int
    x: float
    y: float
    before: tuple[int, ...]
    after: tuple[int, ...]
    volume_ratio: float


@dataclass(frozen=True, eq=False)
class Tracks:
    """Which detections are one droplet.

    Attributes:
        of: N, number of each detection's track; tracks are numbered from 0 as they begin.
        events: by frame. Tracks that merge or split end with it, and others begin.
    """

    of: Ints
    events: tuple[Event, ...]


def follow(detections: Detections, how: TrackSettings = TrackSettings()) -> Tracks:
    """Follow the droplets of a series, before a camera that stands still, by the stage's settings."""
    kept, joints = _resolved(detections, linked(detections, how), how)
    of = _numbered(len(detections.frame), kept)
    events = [_event(detections, of, one, several, splits) for one, several, splits in joints]
    return Tracks(of, tuple(sorted(events, key=lambda event: (event.frame, event.before))))


Joint = tuple[int, tuple[int, ...], bool]
"""A detection, those that it has come of or become, and whether it splits."""


def _resolved(
    detections: Detections, edges: Sequence[Edge], how: TrackSettings
) -> tuple[list[Edge], list[Joint]]:
    """Edges within tracks, and events. Where volumes do not add up, the most alike are one droplet."""
    gone: set[Edge] = set()
    joints: list[Joint] = []
    for splits in (False, True):
        for one, several in _meeting([edge for edge in edges if edge not in gone], splits).items():
            if len(several) == 1:
                continue
            own = {other: ((one, other) if splits else (other, one)) for other in several}
            if _adds_up(detections, one, several, how.volume_tolerance):
                joints.append((one, tuple(several), splits))
                gone |= set(own.values())
            else:
                best = min(
                    several, key=lambda other: abs(detections.diameter[other] - detections.diameter[one])
                )
                gone |= {edge for other, edge in own.items() if other != best}
    return [edge for edge in edges if edge not in gone], joints


def _meeting(edges: Sequence[Edge], splits: bool) -> Mapping[int, list[int]]:
    """By detection those that it is linked to on the one side: later where it splits, else earlier."""
    others = defaultdict(list)
    for before, after in edges:
        one, other = (before, after) if splits else (after, before)
        others[one].append(other)
    return others


def _adds_up(detections: Detections, one: int, several: Sequence[int], tolerance: float) -> bool:
    """Whether the volume is that of all, and nearer to it than to the largest alone."""
    volume, volumes = detections.volume[one], detections.volume[several]
    off = abs(volume - volumes.sum())
    return bool(off <= tolerance * volume and off < abs(volume - volumes.max()))


def _numbered(count: int, edges: Sequence[Edge]) -> Ints:
    """Numbers of tracks: each detection has that of the one before it, else a new one."""
    before = {after: first for first, after in edges}
    of = np.empty(count, np.int64)
    tracks = 0
    for i in range(count):  # frame after frame, so that the one before has its number
        if i in before:
            of[i] = of[before[i]]
        else:
            of[i], tracks = tracks, tracks + 1
    return of


def _event(detections: Detections, of: Ints, one: int, several: tuple[int, ...], splits: bool) -> Event:
    x, y = detections.position[one]
    single, all_of = (int(of[one]),), tuple(sorted(of[list(several)].tolist()))
    ratio = float(detections.volume[list(several)].sum() / detections.volume[one])
    return Event(
        kind="breakup" if splits else "coalescence",
        frame=int(detections.frame[several[0] if splits else one]),
        x=float(x),
        y=float(y),
        before=single if splits else all_of,
        after=all_of if splits else single,
        volume_ratio=ratio if splits else 1 / ratio,
    )
