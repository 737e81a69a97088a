"""A page on a run that needs nothing beside it, to read, to send, or to attach to a paper."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape

import numpy as np

from batch.recipe import Recipe
from batch.record import Record
from batch.tables import Failure
from batch.tracks import SeriesSummary
from config import VERSION
from droplets.export.plots import size_histogram
from droplets.figures.sizes import size_distribution

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222 }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top }
th:first-child, td:first-child, td.text { text-align: left }
td.text { overflow-wrap: anywhere }
td.text:last-child { min-width: 12rem }
img { max-width: 45rem; width: 100% }
pre { background: #f5f5f5; padding: .7rem; overflow: auto }
"""
Cell = str | int | float | None


def summary_html(
    recipe: Recipe,
    records: Sequence[Record],
    failures: Sequence[Failure],
    tracks: Sequence[SeriesSummary],
) -> str:
    """HTML without links: figures over all pictures, a histogram, tracks, a row a picture, and settings.

    Lengths are in micrometres if the pixel size of every picture is known, else in pixels.
    """
    in_um = bool(records) and all(record.row.pixel_size_um for record in records)
    unit = "µm" if in_um else "px"
    diameters = _diameters(records, in_um)
    sizes = size_distribution(diameters)
    plot = base64.b64encode(size_histogram(sizes, "µm" if in_um else "pixels")).decode("ascii")
    droplets = sum(record.row.droplets for record in records)
    overall: list[tuple[str, Cell]] = [
        ("Pictures", len(records)),
        ("Pictures that failed", len(failures)),
        ("Droplets", droplets),
        ("Beads", sum(record.row.beads for record in records)),
        ("Droplets that are measured (no border cuts them)", diameters.size),
        (f"Mean diameter ({unit})", sizes["mean"]),
        ("CV (%)", _percent(sizes["cv"])),
        *((f"{name.upper()} ({unit})", sizes[name]) for name in ("d10", "d50", "d90")),
    ]
    parts = [
        "<h1>Droplets</h1>",
        _table(["", ""], overall),
        f'<img alt="Histogram of diameters" src="data:image/png;base64,{plot}">',
        *(["<h2>Tracks</h2>", _tracks(tracks)] if tracks else []),
        "<h2>Pictures</h2>",
        _pictures(records, unit),
        *(["<h2>Failed</h2>", _failed(failures)] if failures else []),
        "<h2>Settings</h2>",
        "<p>What is not named is default.</p>",
        f"<pre>{escape(json.dumps(recipe.groups, indent=2))}</pre>",
        "<h2>Made with</h2>",
        *(f"<p>{escape(line)}</p>" for line in _made_with(records)),
    ]
    head = f'<meta charset="utf-8"><title>Droplets</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _diameters(records: Sequence[Record], in_um: bool) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    scaled = [
        np.array(record.diameters) * ((record.row.pixel_size_um or 1.0) if in_um else 1.0)
        for record in records
    ]
    return np.concatenate([np.empty(0), *scaled])


def _pictures(records: Sequence[Record], unit: str) -> str:
    """A row a picture; figures of digital PCR only where it was evaluated."""
    suffix = "um" if unit == "µm" else "px"
    with_dpcr = any(record.row.partitions is not None for record in records)
    names = ["Picture", "Droplets", *(f"{figure} ({unit})" for figure in ("Mean", "D10", "D50", "D90"))]
    names += ["CV (%)", "Beads", *(["Positives", "Lambda", "Copies/µl"] if with_dpcr else []), "Notes"]
    rows: list[list[Cell]] = []
    for record in records:
        row = record.row
        sizes = [getattr(row, f"{figure}_{suffix}") for figure in ("mean", "d10", "d50", "d90")]
        dpcr = (row.positives, row.lambda_, row.copies_per_ul) if with_dpcr else ()
        rows.append([row.picture, row.droplets, *sizes, _percent(row.cv), row.beads, *dpcr, row.notes])
    return _table(names, rows)


def _tracks(tracks: Iterable[SeriesSummary]) -> str:
    """A row a figure, a column a series."""
    figures = [asdict(one) for one in tracks]
    names = {
        "frames": "Frames",
        "gaps": "Frames that are missing",
        "interval_s": "Seconds from frame to frame",
        "tracks": "Droplets followed",
        "life_frames": "Median life (frames)",
        "speed_px_per_frame": "Mean speed (px/frame)",
        "speed_um_per_s": "Mean speed (µm/s)",
        "coherence": "Coherence of the motion",
        "direction_deg": "Direction of flow (degrees, 0 right, 90 down)",
        "frequency_per_frame": "Droplets a frame past a line",
        "frequency_per_s": "Droplets a second past a line",
        "pitch_px": "Pitch along the flow (px)",
        "pitch_um": "Pitch along the flow (µm)",
        "coalescences": "Coalescences",
        "breakups": "Break-ups",
    }
    rows = [[text, *(one[name] for one in figures)] for name, text in names.items()]
    return _table(["", *(one["source"] for one in figures)], rows)


def _failed(failures: Iterable[Failure]) -> str:
    return _table(
        ["Picture", "Error", "Message"], [(one.picture, one.error, one.message) for one in failures]
    )


def _made_with(records: Sequence[Record]) -> list[str]:
    """A sentence for each model and version that has found droplets here."""
    return [
        f"SAM Droplet Segmentation {one.version}, MobileSAM (vit_t, {one.checkpoint}) on {one.device} with "
        f"{one.runtime} in {one.precision}."
        for one in dict.fromkeys(record.made_with for record in records)
    ] or [f"SAM Droplet Segmentation {VERSION}."]


def _percent(part: float | None) -> float | None:
    return None if part is None else 100 * part


def _table(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Cell) -> str:
    if isinstance(value, str):
        return f'<td class="text">{escape(value)}</td>'
    return f"<td>{'' if value is None else f'{value:.4g}' if isinstance(value, float) else value}</td>"
