"""What tracks tell: how each droplet moves and changes, and the flow that all are part of.

velocity     slope of a least-squares line through a track's positions over its frames
size drift   slope of such a line through its diameters, over their mean
direction    of the mean velocity of all droplets in all frames: 0 degrees to the right, 90 down
coherence    length of the mean velocity over the mean speed: 1 where all go one way
passing      a line across the flow through the middle of the droplets' range, crossed between two frames
frequency    droplets past that line less one, over the frames between the first and the last of them
pitch        mean distance along the flow of droplets that follow each other, where they go in single file:
             the middle half of their distances from its axis spans less than half a diameter
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from droplets.tracks.detections import Detections, Floats, Ints
from droplets.tracks.following import Tracks

FEWEST = 3
"""Detections of a track from which a velocity is told, and passings from which a frequency is."""
COHERENT = 0.5
SINGLE_FILE = 0.5
"""Most diameters that the middle half of the droplets spans across the flow, where they go in single file."""


@dataclass(frozen=True)
class TrackFigures:
    """A droplet's way; lengths in pixels, times in frames of the file.

    Attributes:
        track: its number.
        first, last: frames in which it is seen.
        detections: number of frames in which it is seen.
        diameter: mean.
        velocity: (x, y) a frame; None under three detections.
        drift: change of the diameter a frame, over its mean; None under three detections.
    """

    track: int
    first: int
    last: int
    detections: int
    diameter: float
    velocity: tuple[float, float] | None
    drift: float | None

    @property
    def life(self) -> int:
        """Frames from the first to the last one."""
        return self.last - self.first

    @property
    def speed(self) -> float | None:
        """Length of the velocity, in pixels a frame."""
        return None if self.velocity is None else float(np.hypot(*self.velocity))


@dataclass(frozen=True)
class FlowFigures:
    """The flow of a series; lengths in pixels, times in frames of the file.

    Attributes:
        speed: mean over the droplets, a frame; None where no velocity is known.
        coherence: 0 to 1.
        direction: in degrees; None where droplets go all ways, like the next ones.
        frequency: droplets a frame past a line across the flow.
        pitch: distance along the flow of droplets in single file.
    """

    speed: float | None = None
    coherence: float | None = None
    direction: float | None = None
    frequency: float | None = None
    pitch: float | None = None


def track_figures(detections: Detections, tracks: Tracks) -> list[TrackFigures]:
    """Figures of each track, by its number."""
    order = np.argsort(tracks.of, kind="stable")
    starts = np.flatnonzero(np.diff(tracks.of[order])) + 1
    return [_figures(detections, tracks, rows) for rows in np.split(order, starts) if rows.size]


def flow_figures(detections: Detections, tracks: Tracks, each: Sequence[TrackFigures]) -> FlowFigures:
    """Figures of the flow.

    Arguments:
        detections: of the series.
        tracks: of these.
        each: their figures.
    """
    moving = [one for one in each if one.velocity is not None]
    if not moving:
        return FlowFigures()
    weights = [one.detections for one in moving]
    mean = np.average([one.velocity for one in moving], axis=0, weights=weights)
    speed = float(np.average([one.speed for one in moving], weights=weights))
    coherence = float(np.hypot(*mean)) / speed if speed else 0.0
    if coherence < COHERENT:
        return FlowFigures(speed, coherence)
    along = mean / np.hypot(*mean)
    return FlowFigures(
        speed=speed,
        coherence=coherence,
        direction=float(np.degrees(np.arctan2(along[1], along[0]))),
        frequency=_frequency(detections, tracks, detections.position @ along),
        pitch=_pitch(detections, along),
    )


def _figures(detections: Detections, tracks: Tracks, rows: Ints) -> TrackFigures:
    frames, diameters = detections.frame[rows], detections.diameter[rows]
    velocity = drift = None
    if rows.size >= FEWEST:
        x, y, change = _slopes(frames, np.column_stack([detections.position[rows], diameters]))
        velocity, drift = (x, y), change / float(diameters.mean())
    return TrackFigures(
        track=int(tracks.of[rows[0]]),
        first=int(frames[0]),
        last=int(frames[-1]),
        detections=rows.size,
        diameter=float(diameters.mean()),
        velocity=velocity,
        drift=drift,
    )


def _slopes(frames: Ints, values: Floats) -> list[float]:
    """Of least-squares lines through each column of NxM values."""
    apart = frames - frames.mean()
    slopes: list[float] = (apart @ values / (apart @ apart)).tolist()
    return slopes


def _frequency(detections: Detections, tracks: Tracks, way: Floats) -> float | None:
    """Droplets a frame past a line in the middle; `way` is N, how far each lies along the flow."""
    line = (way.min() + way.max()) / 2
    order = np.lexsort((detections.frame, tracks.of))
    before, after = order[:-1], order[1:]
    passed = (tracks.of[before] == tracks.of[after]) & (way[before] < line) & (way[after] >= line)
    first, last = before[passed], after[passed]
    if first.size < FEWEST:
        return None
    part = (line - way[first]) / (way[last] - way[first])
    times = detections.frame[first] + part * (detections.frame[last] - detections.frame[first])
    between = float(times.max() - times.min())
    return (first.size - 1) / between if between else None


def _pitch(detections: Detections, along: Floats) -> float | None:
    across = detections.position @ np.array([-along[1], along[0]])
    low, high = np.percentile(across, [25, 75])
    if high - low > SINGLE_FILE * np.median(detections.diameter):
        return None
    ways = (np.sort(detections.position[rows] @ along) for rows in detections.rows)
    distances = np.concatenate([np.diff(way) for way in ways])
    return float(distances.mean()) if distances.size else None
