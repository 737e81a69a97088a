"""Plots of an analysis as PNG files."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from droplets.export.overlay import PALETTE
from droplets.types import Droplet, PixelSize

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (6.0, 4.0)
DPI = 150
COLOURS = [tuple(channel / 255 for channel in colour) for colour in PALETTE]
ORANGE, BLUE = COLOURS[0], COLOURS[1]
GREY, INK = "#6b6b6b", "#222222"
MARKERS = ("o", "s", "^", "D", "v")

# Matplotlib does not promise to be thread-safe, even without pyplot.
_drawing = Lock()


def plots(
    droplets: Sequence[Droplet],
    statistics: Mapping[str, Any],
    loading: Mapping[str, Any],
    grouping: Mapping[str, Any],
    size: PixelSize | None,
) -> dict[str, bytes]:
    """PNG files of 900 x 600 pixels by name.

    Arguments:
        droplets: what the filters left.
        statistics: their `summary`.
        loading: their `encapsulation`.
        grouping: their `clusters`.
        size: of a pixel; lengths are in micrometres if it is known, else in pixels.

    Returns:
        "diameter_histogram" with mean and median; "beads_per_droplet" against Poisson;
        "intensity_diameter", one point a droplet, coloured by cluster.
    """
    scale, unit = (size.um, "µm") if size else (1.0, "pixels")
    diameters = statistics["diameter_um" if size else "diameter"]
    drawings: dict[str, Callable[[Axes], None]] = {
        "diameter_histogram": partial(_histogram, distribution=diameters, unit=unit),
        "beads_per_droplet": partial(_beads, loading=loading),
        "intensity_diameter": partial(_scatter, droplets=droplets, grouping=grouping, scale=scale, unit=unit),
    }
    with _drawing:
        return {name: _png(draw) for name, draw in drawings.items()}


def size_histogram(distribution: Mapping[str, Any], unit: str) -> bytes:
    """PNG of 900 x 600 pixels of a distribution of diameters (figures.sizes.size_distribution) in `unit`."""
    with _drawing:
        return _png(partial(_histogram, distribution=distribution, unit=unit))


def _png(draw: Callable[[Axes], None]) -> bytes:
    # Imported here: 0.5 s and 30 MB that a plain segmentation does not need.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, direction="out")
    draw(axes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _histogram(axes: Axes, distribution: Mapping[str, Any], unit: str) -> None:
    axes.set_xlabel(f"Equivalent diameter ({unit})")
    axes.set_ylabel("Droplets")
    counts, edges = distribution["histogram"]["counts"], distribution["histogram"]["edges"]
    if not counts:
        _say_empty(axes)
        return
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=BLUE, edgecolor=INK, linewidth=0.5)
    mean, median, cv = distribution["mean"], distribution["median"], distribution["cv"]
    axes.axvline(mean, color=INK, linewidth=1.5, label=f"mean {mean:.4g} {unit}")
    axes.axvline(median, color=ORANGE, linewidth=2, linestyle="--", label=f"median {median:.4g} {unit}")
    spread = "" if cv is None else f", CV = {100 * cv:.1f} %"
    axes.set_title(f"n = {sum(counts)}{spread}", fontsize=11, loc="left", color=INK)
    axes.locator_params(axis="y", integer=True)
    axes.legend(frameon=False, fontsize=9)


def _beads(axes: Axes, loading: Mapping[str, Any]) -> None:
    axes.set_xlabel("Beads per droplet")
    axes.set_ylabel("Droplets")
    classes, mean = loading["classes"], loading["mean"]
    if mean is None:
        _say_empty(axes)
        return
    low, high = loading["mean_95"]
    axes.bar(classes, loading["observed"], width=0.7, color=BLUE, edgecolor=INK, linewidth=0.8, label="found")
    axes.plot(
        classes,
        loading["poisson"],
        color=ORANGE,
        marker="D",
        markeredgecolor=INK,
        linestyle="none",
        label="Poisson of the same mean",
    )
    axes.locator_params(axis="y", integer=True)
    labels = [str(beads) for beads in classes[:-1]] + [f"{classes[-1]}+"]
    step = max(1, len(classes) // 16)
    axes.set_xticks(classes[::step], labels[::step])
    axes.set_title(
        f"n = {loading['droplets']}, λ = {mean:.3g} (95 %: {low:.3g} to {high:.3g})",
        fontsize=11,
        loc="left",
        color=INK,
    )
    axes.legend(frameon=False, fontsize=9)


def _scatter(
    axes: Axes, droplets: Sequence[Droplet], grouping: Mapping[str, Any], scale: float, unit: str
) -> None:
    axes.set_xlabel(f"Equivalent diameter ({unit})")
    axes.set_ylabel("Mean intensity (stored grey values)")
    if not grouping["clusters"]:
        _say_empty(axes)
        return
    labels = np.array([-1 if label is None else label for label in grouping["labels"]])
    diameters = np.array([droplet.shape.equivalent_diameter for droplet in droplets]) * scale
    light = np.array([droplet.intensity.mean for droplet in droplets])
    for cluster in grouping["clusters"]:
        i = cluster["id"]
        axes.scatter(
            diameters[labels == i],
            light[labels == i],
            s=18,
            color=COLOURS[i],
            marker=MARKERS[i],
            edgecolors=INK,
            linewidths=0.4,
            label=f"cluster {i}, n = {cluster['droplets']}",
        )
    axes.legend(frameon=False, fontsize=9)


def _say_empty(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, "No droplets", transform=axes.transAxes, ha="center", va="center", color=GREY)
