"""Which droplets of successive frames are the same, by LapTrack: linear assignment after Jaqaman et al. 2008.

Positions are taken without the shared motion, and diameters count as a third coordinate. First, droplets of
neighbouring frames are assigned to each other at the least sum of squared distances; then ends and beginnings
of what came of it are joined over gaps, and to others as merging and splitting.

Source: Jaqaman et al. 2008, Nature Methods 5:695; Fukai and Kawaguchi 2023, Bioinformatics 39:btac799.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from droplets.errors import BadRequest
from droplets.tracks.detections import Detections
from droplets.tracks.motion import shared_motion

FARTHEST = 0.75
"""Largest distance of a droplet from where it is expected, in median diameters: the centre of two equal
droplets that merge lies half a diameter from either."""
LONGEST_GAP = 3
"""Frames of the series from where a droplet is lost to where it is seen again: two in a row may miss it."""

Edge = tuple[int, int]


def check_installed() -> None:
    """Nothing, where LapTrack is installed.

    Raises:
        BadRequest: it is not.
    """
    if find_spec("laptrack") is None:
        raise BadRequest("Tracks need the extra of that name: pip install '.[tracks]'.")


def linked(detections: Detections) -> list[Edge]:
    """Pairs of detections, by their indices, of which the later one is what has become of the earlier one.

    One that merges is in several pairs as the later, one that splits as the earlier.
    """
    rows = detections.rows
    if not rows:
        return []
    from laptrack import LapTrack  # noqa: PLC0415  # an extra that loads for seconds

    moved = np.concatenate([np.zeros((1, 2)), np.cumsum(shared_motion(detections), axis=0)])
    still = [
        np.column_stack([detections.position[each] - moved[i], detections.diameter[each]])
        for i, each in enumerate(rows)
    ]
    farthest = (FARTHEST * float(np.median(detections.diameter))) ** 2
    tracker = LapTrack(
        cutoff=farthest,
        gap_closing_cutoff=farthest,
        gap_closing_max_frame_count=LONGEST_GAP,
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
    edges = tracker.predict(still).edges()
    return sorted((int(rows[a][i]), int(rows[b][j])) for (a, i), (b, j) in edges)
