"""Identities, merging and splitting on detections of known motion."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from droplets.tracks.detections import Detections
from droplets.tracks.figures import flow_figures, track_figures
from droplets.tracks.following import follow
from droplets.tracks.motion import shared_motion
from droplets.tracks.settings import TrackSettings
from droplets.tuning import tuned_numbers
from training.rendering.discs import pack_discs
from training.rendering.series import Moving, channel, merging, positions, splitting

pytest.importorskip("laptrack")

WIDTH, HEIGHT = 640, 480


def detected(droplets, frames, *, missed=0.0, seed=0, step=1):
    """Detections with errors as of real ones, and which droplet each is of."""
    random = np.random.default_rng(seed)
    found = [
        (frame, number, one.x, one.y, 2 * one.radius)
        for frame in range(0, frames, step)
        for number, one in positions(droplets, frame, WIDTH, HEIGHT).items()
        if not one.touches_border and random.uniform() >= missed
    ]
    frame, truth, x, y, diameter = map(np.array, zip(*found, strict=True))
    position = np.column_stack([x, y]) + random.normal(0, 0.3, (len(found), 2))
    diameter = diameter * random.normal(1, 0.008, len(found))
    return Detections(frame, position, diameter, step), truth


def kept_share(detections, of, truth):
    """Share of the frames in which a droplet has the track that it mostly has, and that is no other's."""
    tracks = defaultdict(list)
    for number, track in zip(truth.tolist(), of.tolist(), strict=True):
        tracks[number].append(track)
    own = {number: Counter(each).most_common(1)[0] for number, each in tracks.items()}
    assert len({track for track, _ in own.values()}) == len(own)
    return sum(count for _, count in own.values()) / len(of)


def raft(step, seed=1):
    """Droplets over a large area, close to each other, that all go one way."""
    random = np.random.default_rng(seed)
    radii = 15 * np.clip(random.normal(1, 0.05, 420), 0.8, 1.2)
    centres = pack_discs(WIDTH + 300, HEIGHT, radii, touching=0.3, random=random)
    return [
        Moving(x - 300, y, radius, (step, 0.0))
        for (x, y), radius in zip(centres.tolist(), radii.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("droplets", "step"),
    [
        (channel(WIDTH, diameter=30, pitch=60, step=30, spread=0.05, frames=20, y=240, seed=3), 30),
        (channel(WIDTH, diameter=30, pitch=60, step=72, spread=0.05, frames=20, y=240, seed=4), 72),
        (raft(18), 18),
    ],
    ids=["channel, half a pitch", "channel, over a pitch", "raft, half a pitch"],
)
def test_identity_is_kept_in_a_flow(droplets, step):
    detections, truth = detected(droplets, 20, missed=0.02)
    motion = shared_motion(detections)
    assert np.abs(motion - (step, 0)).max() < 0.5
    tracks = follow(detections)
    assert kept_share(detections, tracks.of, truth) >= 0.99
    assert not tracks.events
    each = track_figures(detections, tracks)
    assert np.median([one.speed for one in each if one.speed is not None]) == pytest.approx(step, rel=0.01)


def test_flow_in_a_channel_has_direction_frequency_and_pitch():
    droplets = channel(WIDTH, diameter=30, pitch=60, step=30, spread=0.05, frames=60, y=240, seed=3)
    detections, _ = detected(droplets, 60, missed=0.02, step=1)
    tracks = follow(detections)
    flow = flow_figures(detections, tracks, track_figures(detections, tracks))
    assert (flow.speed, flow.coherence) == (pytest.approx(30, rel=0.01), pytest.approx(1, abs=0.01))
    assert flow.direction == pytest.approx(0, abs=1)
    assert flow.pitch == pytest.approx(60, rel=0.06)
    assert flow.frequency == pytest.approx(30 / 60, rel=0.06)


def test_what_stands_still_has_no_flow_and_a_size_that_changes_has_a_drift():
    still = [Moving(x, y, 14, (0, 0)) for x in range(60, 600, 60) for y in range(60, 420, 60)]
    detections, _ = detected(still, 10)
    shrinking = Detections(
        detections.frame, detections.position, detections.diameter * 0.98**detections.frame
    )
    tracks = follow(shrinking)
    assert np.unique(tracks.of).size == len(still)
    each = track_figures(shrinking, tracks)
    assert np.mean([one.drift for one in each]) == pytest.approx(-0.02, rel=0.05)
    assert {(one.first, one.last, one.life, one.detections) for one in each} == {(0, 9, 9, 10)}
    flow = flow_figures(shrinking, tracks, each)
    assert flow.speed < 0.1
    assert flow.direction is flow.frequency is flow.pitch is None


@pytest.mark.parametrize("velocity", [(0.0, 0.0), (12.0, 3.0)])
def test_merging_and_splitting_are_events_between_tracks(velocity):
    around = [Moving(x, y, 16, velocity) for x in range(60, 400, 80) for y in (60, 300)]
    pair, single = merging(120, 180, 16, 5, velocity), splitting(280, 180, 20, 7, velocity)
    detections, truth = detected([*around, *pair, *single], 14)
    tracks = follow(detections)
    first = len(around)
    own = {number: set(tracks.of[truth == number].tolist()) for number in np.unique(truth).tolist()}
    assert all(len(numbers) == 1 for numbers in own.values())
    merged, split = tracks.events
    names = [own[number].copy().pop() for number in range(first, first + 6)]
    assert (merged.kind, merged.frame) == ("coalescence", 5)
    assert (merged.before, merged.after) == (tuple(sorted(names[:2])), (names[2],))
    assert merged.volume_ratio == pytest.approx(1, abs=0.08)
    assert (merged.x, merged.y) == pytest.approx((120 + 5 * velocity[0], 180 + 5 * velocity[1]), abs=2)
    assert (split.kind, split.frame) == ("breakup", 7)
    assert (split.before, split.after) == ((names[3],), tuple(sorted(names[4:])))


def parts():
    """A film with fast and slow droplets, of which two merge and one splits."""
    fast = channel(WIDTH, diameter=30, pitch=70, step=32, spread=0.05, frames=14, y=60, seed=3)
    slow = [Moving(60 + 90 * i, 400, 16, (14, 2)) for i in range(5)]
    events = [*merging(120, 200, 16, 5, (14, 0)), *splitting(300, 200, 20, 7, (14, 0))]
    return detected([*fast, *slow, *events], 14, missed=0.01)


def is_followed(detections, truth, how=TrackSettings()):
    tracks = follow(detections, how)
    assert [(event.kind, event.frame) for event in tracks.events] == [("coalescence", 5), ("breakup", 7)]
    assert kept_share(detections, tracks.of, truth) >= 0.99


def test_parts_of_a_picture_may_move_at_different_speeds():
    is_followed(*parts())


@pytest.mark.parametrize(
    "name", [name for name, known in tuned_numbers(TrackSettings).items() if known.stays]
)
def test_each_number_may_be_moved_over_its_range(name):
    for value in tuned_numbers(TrackSettings)[name].stays:
        is_followed(*parts(), replace(TrackSettings(), **{name: value}))


def test_one_that_is_missed_beside_another_has_not_merged():
    pair = [Moving(100, 100, 16, (5, 0)), Moving(121, 100, 7, (5, 0)), Moving(300, 300, 16, (5, 0))]
    pair[1] = Moving(121, 100, 7, (5, 0), last=4)
    detections, truth = detected(pair, 10)
    tracks = follow(detections)
    assert not tracks.events
    assert np.unique(tracks.of[truth == 0]).size == 1


@pytest.mark.parametrize("count", [0, 1])
def test_few_droplets_are_no_error(count):
    detections = Detections(np.zeros(count, np.int64), np.ones((count, 2)), np.ones(count))
    tracks = follow(detections)
    assert tracks.of.tolist() == [0] * count
    assert flow_figures(detections, tracks, track_figures(detections, tracks)).speed is None
