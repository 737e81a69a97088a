"""Droplets followed through the frames of each series: tables of tracks and events, and a film."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from batch.film import film
from batch.folder import DROPLETS, OutFolder
from batch.opened import OpenFiles
from batch.record import Record
from batch.series import Series
from batch.tables import write_csv
from droplets.export.figures import rounded
from droplets.reading.planes import Selection
from droplets.tracks.detections import Detections
from droplets.tracks.figures import TrackFigures, flow_figures, track_figures
from droplets.tracks.following import Tracks, follow
from droplets.types import Image

TRACKS, TRACK_SUMMARY, EVENTS, FILMS = "tracks.csv", "track_summary.csv", "events.csv", "tracks"


@dataclass(frozen=True)
class SeriesSummary:
    """What a series comes to, as run.json and the summary tell it; None is not known, or does not apply.

    Attributes:
        source: name of the file, or of the numbered stills.
        frames: that were analysed.
        gaps: numbers that no frame has.
        interval_s: from one number to the next.
        tracks: number of droplets that were followed.
        life_frames: median of their lives.
        speed_px_per_frame, speed_um_per_s: mean.
        coherence: mean velocity over mean speed.
        direction_deg: of the flow; 0 to the right, 90 down.
        frequency_per_frame, frequency_per_s: droplets past a line across the flow.
        pitch_px, pitch_um: distance along the flow of droplets in single file.
        coalescences, breakups: numbers of events.
    """

    source: str
    frames: int
    gaps: str
    interval_s: float | None
    tracks: int
    life_frames: float | None
    speed_px_per_frame: float | None
    speed_um_per_s: float | None
    coherence: float | None
    direction_deg: float | None
    frequency_per_frame: float | None
    frequency_per_s: float | None
    pitch_px: float | None
    pitch_um: float | None
    coalescences: int
    breakups: int


@dataclass(frozen=True, eq=False)
class _Followed:
    """A series that has been followed; `ids` are N numbers of its detections in their pictures."""

    series: Series
    records: Mapping[int, Record]
    detections: Detections
    ids: Sequence[int]
    tracks: Tracks
    figures: Sequence[TrackFigures]

    @property
    def um(self) -> float | None:
        """Micrometres a pixel."""
        return next((record.row.pixel_size_um for record in self.records.values()), None)

    def seconds(self, frames: float | None) -> float | None:
        """A time that is given in frames of the series."""
        return _times(frames, self.series.interval_s)

    def per_second(self, per_frame: float | None) -> float | None:
        """A rate that is given a frame of the series."""
        interval = self.series.interval_s
        return None if per_frame is None or interval is None else per_frame / interval


def track_names(series: Sequence[Series]) -> list[str]:
    """The files of these series, but for their films."""
    return [TRACKS, TRACK_SUMMARY, EVENTS] if series else []


def write_tracks(
    folder: OutFolder,
    series: Sequence[Series],
    records: Sequence[Record],
    selection: Selection,
    max_pixels: int,
) -> list[SeriesSummary]:
    """Follow the droplets of each series, and write its tables and its film.

    Arguments:
        folder: with the pictures' tables.
        series: of the run; without any, what is there of another run is taken away.
        records: of the pictures that are done.
        selection: channel and plane that were analysed.
        max_pixels: limit of a picture.
    """
    shutil.rmtree(folder.path / FILMS, ignore_errors=True)
    if not series:
        for name in (TRACKS, TRACK_SUMMARY, EVENTS):
            (folder.path / name).unlink(missing_ok=True)
        return []
    by_name = {record.row.picture: record for record in records}
    followed = [_followed(folder, one, by_name) for one in series]
    write_csv(folder, TRACKS, DETECTION_COLUMNS, (row for one in followed for row in _detection_rows(one)))
    write_csv(folder, TRACK_SUMMARY, TRACK_COLUMNS, (row for one in followed for row in _track_rows(one)))
    write_csv(folder, EVENTS, EVENT_COLUMNS, (row for one in followed for row in _event_rows(one)))
    files = OpenFiles(max_pixels)
    for one in followed:
        if one.records:
            _write_film(folder, one, selection, files)
    return [_summary(one) for one in followed]


def _followed(folder: OutFolder, series: Series, by_name: Mapping[str, Record]) -> _Followed:
    records = {
        number: by_name[picture.name]
        for number, picture in series.pictures.items()
        if picture.name in by_name
    }
    found = [
        (
            frame,
            *map(
                float, (row["centroid_x_px"], row["centroid_y_px"], row["equivalent_diameter_px"], row["id"])
            ),
        )
        for frame, record in records.items()
        for row in _rows(folder, record)
        if row["kind"] == "droplet"
    ]
    table = np.array(found).reshape(-1, 5)
    detections = Detections(table[:, 0].astype(np.int64), table[:, 1:3], table[:, 3], series.step)
    tracks = follow(detections)
    ids = table[:, 4].astype(int).tolist()
    return _Followed(series, records, detections, ids, tracks, track_figures(detections, tracks))


def _rows(folder: OutFolder, record: Record) -> Iterator[dict[str, str]]:
    with (folder.of(record.row.picture) / DROPLETS).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


DETECTION_COLUMNS = (
    *("source", "track", "frame", "time_s", "picture", "id"),
    *("x_px", "y_px", "diameter_px", "diameter_um"),
)
TRACK_COLUMNS = (
    *("source", "track", "first_frame", "last_frame", "life_frames", "life_s", "detections"),
    *("diameter_px", "diameter_um", "velocity_x_px_per_frame", "velocity_y_px_per_frame"),
    *("speed_px_per_frame", "speed_um_per_s", "size_drift_percent_per_frame", "size_drift_percent_per_s"),
)
EVENT_COLUMNS = (
    *("source", "event", "frame", "time_s", "x_px", "y_px", "tracks_before", "tracks_after", "volume_ratio"),
)


def _detection_rows(one: _Followed) -> Iterator[list[Any]]:
    """By track, and in it by frame."""
    detections = one.detections
    for i in np.argsort(one.tracks.of, kind="stable").tolist():
        frame = int(detections.frame[i])
        x, y = detections.position[i].tolist()
        diameter = float(detections.diameter[i])
        picture = one.records[frame].row.picture
        place = (one.series.source, int(one.tracks.of[i]), frame, one.seconds(frame), picture, one.ids[i])
        yield rounded([*place, x, y, diameter, _times(diameter, one.um)])


def _track_rows(one: _Followed) -> Iterator[list[Any]]:
    for track in one.figures:
        drift = None if track.drift is None else 100 * track.drift
        yield rounded(
            [
                *(one.series.source, track.track, track.first, track.last, track.life),
                *(one.seconds(track.life), track.detections, track.diameter, _times(track.diameter, one.um)),
                *(track.velocity or (None, None)),
                *(track.speed, _times(one.per_second(track.speed), one.um), drift, one.per_second(drift)),
            ]
        )


def _event_rows(one: _Followed) -> Iterator[list[Any]]:
    for event in one.tracks.events:
        before, after = (" ".join(map(str, numbers)) for numbers in (event.before, event.after))
        place = (one.series.source, event.kind, event.frame, one.seconds(event.frame), event.x, event.y)
        yield rounded([*place, before, after, event.volume_ratio])


def _summary(one: _Followed) -> SeriesSummary:
    flow = flow_figures(one.detections, one.tracks, one.figures)
    kinds = [event.kind for event in one.tracks.events]
    values = {
        "interval_s": one.series.interval_s,
        "life_frames": float(np.median([track.life for track in one.figures])) if one.figures else None,
        "speed_px_per_frame": flow.speed,
        "speed_um_per_s": _times(one.per_second(flow.speed), one.um),
        "coherence": flow.coherence,
        "direction_deg": flow.direction,
        "frequency_per_frame": flow.frequency,
        "frequency_per_s": one.per_second(flow.frequency),
        "pitch_px": flow.pitch,
        "pitch_um": _times(flow.pitch, one.um),
    }
    return SeriesSummary(
        source=one.series.source,
        frames=len(one.records),
        gaps=one.series.gaps,
        tracks=len(one.figures),
        coalescences=kinds.count("coalescence"),
        breakups=kinds.count("breakup"),
        **rounded(values),
    )


def _write_film(folder: OutFolder, one: _Followed, selection: Selection, files: OpenFiles) -> None:
    """An MP4 of the frames that are done."""

    def frame(number: int) -> Image:
        picture = one.series.pictures[number]
        return files.of(picture.file).image(picture.plane(selection))

    rows = [record.row for record in one.records.values()]
    size = max(row.width_px for row in rows), max(row.height_px for row in rows)
    made = film(list(one.records), size, frame, one.detections, one.tracks, one.series.interval_s)
    with folder.writing(f"{FILMS}/{one.series.source}.mp4") as out:
        out.write(made)


def _times(value: float | None, factor: float | None) -> float | None:
    return None if value is None or factor is None else value * factor
