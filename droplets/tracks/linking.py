"""Which droplets of successive frames are the same, by LapTrack: linear assignment after Jaqaman et al. 2008.

Droplets are expected where the motion takes them, and diameters count as a third coordinate. First, droplets
of neighbouring frames are assigned to each other at the least sum of squared distances; then ends and
beginnings of what came of it are joined over gaps, and to others as merging and splitting. The motion is the
shared one; where it turns out to differ from place to place, all is done again with that of each place.

Source: Jaqaman et al. 2008, Nature Methods 5:695; Fukai and Kawaguchi 2023, Bioinformatics 39:btac799.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from droplets.errors import BadRequest
from droplets.tracks.detections import Detections, Edge, Floats, Ints
from droplets.tracks.motion import local_motion, shared_motion
from droplets.tracks.settings import TrackSettings


def check_installed() -> None:
    """Nothing, where LapTrack is installed.

    Raises:
        BadRequest: it is not.
    """
    if find_spec("laptrack") is None:
        raise BadRequest("Tracks need the extra of that name: pip install '.[tracks]'.")


def linked(detections: Detections, how: TrackSettings) -> list[Edge]:
    """Pairs of detections, by their indices, of which the later one is what has become of the earlier one.

    One that merges is in several pairs as the later, one that splits as the earlier.
    """
    rows = detections.rows
    if not rows:
        return []
    diameter = float(np.median(detections.diameter))
    shared = shared_motion(detections, how)
    moved = np.concatenate([np.zeros((1, 2)), np.cumsum(shared, axis=0)])
    still = [
        np.column_stack([detections.position[each] - moved[i], detections.diameter[each]])
        for i, each in enumerate(rows)
    ]
    edges = _assigned(rows, still, diameter, "sqeuclidean", how)
    own = local_motion(detections, edges, shared, how)
    if np.hypot(*own.T).max() < how.uniform * diameter:
        return edges
    usual = np.concatenate([shared, shared[-1:]]) if len(shared) else np.zeros((1, 2))
    moving = [
        np.column_stack(
            [
                *(detections.position[each], detections.diameter[each]),
                *(usual[i] + own[each], np.full(each.size, i)),
            ]
        )
        for i, each in enumerate(rows)
    ]
    return _assigned(rows, moving, diameter, _from_where_expected, how)


def _from_where_expected(one: Floats, other: Floats) -> float:
    """Squared distance of two (x, y, diameter, velocity x, y, index of frame) without the motion between."""
    # As Python's own numbers, which for so few are much faster than arrays: it is called for each pair.
    x, y, diameter, across, down, frame = one.tolist()
    other_x, other_y, other_diameter, other_across, other_down, other_frame = other.tolist()
    half = (other_frame - frame) / 2
    apart_x = x + half * (across + other_across) - other_x
    apart_y = y + half * (down + other_down) - other_y
    return float(apart_x**2 + apart_y**2 + (other_diameter - diameter) ** 2)


def _assigned(
    rows: list[Ints],
    places: list[Floats],
    diameter: float,
    metric: str | Callable[[Floats, Floats], float],
    how: TrackSettings,
) -> list[Edge]:
    """Edges between detections.

    Arguments:
        rows: indices of the detections of each frame.
        places: of each frame's detections, as the metric takes them.
        diameter: of a droplet.
        metric: squared distance of two places in pixels.
        how: the stage's settings.
    """
    from laptrack import LapTrack  # noqa: PLC0415  # an extra that loads for seconds

    farthest = (how.farthest * diameter) ** 2
    tracker = LapTrack(
        metric=metric,
        gap_closing_metric=metric,
        merging_metric=metric,
        splitting_metric=metric,
        cutoff=farthest,
        gap_closing_cutoff=farthest,
        gap_closing_max_frame_count=how.longest_gap,
        merging_cutoff=farthest,
        splitting_cutoff=farthest,
        # Without these, costs to end a track are estimated from the series, and depend on its length.
        track_start_cost=farthest,
        track_end_cost=farthest,
        segment_start_cost=farthest,
        segment_end_cost=farthest,
        no_merging_cost=farthest,
        no_splitting_cost=farthest,
    )
    edges = tracker.predict(places).edges()
    return sorted((int(rows[a][i]), int(rows[b][j])) for (a, i), (b, j) in edges)
