"""A page of text that says what was found and how to open the other files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from droplets.analysis import Analysis
from droplets.export.figures import rounded
from droplets.types import Image

UNITS = {
    "diameter": "px",
    "area": "px",
    "perimeter": "px",
    "mean_intensity": "grey values",
    "diameter_um": "um",
    "volume_pl": "pl",
}
"""Of the groups of a summary; what is not listed has none, or has it in its name."""

HOW_TO_OPEN = """\
| file | what | how to open it |
|---|---|---|
| `droplets.csv` | one row an object, units in the header | any spreadsheet; `pandas.read_csv` |
| `overlay.png` | the picture with every outline | any viewer |
| `rois_imagej.zip` | outlines as ImageJ ROIs | Fiji: open the picture, then drag the ZIP onto Fiji |
| `labels.tif` | 0 or the object's id + 1 at every pixel | Fiji: drag it in; `tifffile.imread` |
| `outlines.geojson` | outlines and figures | QuPath: open the picture, then drag the file onto it |
| `masks_coco.json` | masks (RLE) and figures | `pycocotools.coco.COCO` |
"""


def summary_text(
    image: Image,
    analysis: Analysis,
    *,
    name: str,
    summary: Mapping[str, Any],
    about: Mapping[str, str],
) -> str:
    """Markdown of what was analysed, what was found, and what the files of a bundle are.

    Arguments:
        name: of the picture's file.
        summary: of droplets.figures.sizes; all but None and longer lists in it is printed.
        about: further lines on the analysis, such as date and model, by what they tell.
    """
    facts = {**_facts(image, analysis, name), **about}
    return "\n\n".join(
        [
            "# Droplets",
            "\n".join(f"- {_plain(label)}: {_plain(text)}" for label, text in facts.items()),
            "## Masks",
            _table(_masks(analysis)),
            "## Figures",
            *_groups(summary),
            "## Files",
            HOW_TO_OPEN,
        ]
    )


def _facts(image: Image, analysis: Analysis, name: str) -> dict[str, str]:
    """What the picture is, by what is told."""
    size = analysis.pixel_size
    return {
        "File": name,
        "Format": f"{image.format}, {image.bit_depth} bit",
        "Size": f"{image.width} x {image.height} px",
        "Pixel size": f"{size.um:g} um ({size.source})" if size else "not known",
        **{f"Note {number}": note for number, note in enumerate(image.notes, 1)},
    }


def _masks(analysis: Analysis) -> dict[str, int]:
    """Numbers of masks found, removed and kept, and how many of these a person pointed at or drew."""
    return {
        "found by the model": analysis.found,
        **{f"removed: {reason}": count for reason, count in analysis.removed.items() if count},
        "kept": len(analysis.droplets),
        "kept, of these found by hand": sum(one.mask.found_by == "hand" for one in analysis.droplets),
    }


def _groups(summary: Mapping[str, Any]) -> Iterator[str]:
    """The single figures of the summary, then its groups, each under a heading with its unit."""
    single = {key: value for key, value in summary.items() if not isinstance(value, Mapping)}
    if figures := _figures(single):
        yield _table(figures)
    for key, group in summary.items():
        if isinstance(group, Mapping) and (figures := _figures(group)):
            unit = f" ({UNITS[key]})" if key in UNITS else ""
            yield f"### {_label(key)}{unit}"
            yield _table(figures)


def _figures(group: Mapping[str, Any], within: str = "") -> dict[str, str | int | float]:
    """Numbers, intervals and texts of the group and of the groups in it, by name."""
    figures: dict[str, str | int | float] = {}
    for key, value in rounded(group, digits=5).items():
        label = within + _label(key)
        if isinstance(value, Mapping):
            figures |= _figures(value, f"{label}, ")
        elif isinstance(value, bool):
            figures[label] = "yes" if value else "no"
        elif isinstance(value, list):
            match value:
                case [int() | float() as low, int() | float() as high]:
                    figures[label] = f"{low} to {high}"
        elif isinstance(value, str | int | float):
            figures[label] = value
    return figures


def _table(figures: Mapping[str, str | int | float]) -> str:
    lines = [f"| {_plain(label)} | {_plain(str(value))} |" for label, value in figures.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _label(key: str) -> str:
    return key.replace("_", " ")


def _plain(text: str) -> str:
    """The text on one line, with nothing in it that Markdown or HTML would take for its own."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", line)
