"""Draws the pictures of the documentation: `python -m training.pictures`.

docs/finding.jpg: the sample picture, the head's heat over it, and the outlines that come of it.
docs/looks.jpg: rendered pictures with their truth.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from droplets.finding.head import HEAT, LAYER_CHANNELS, STRIDE
from droplets.finding.network import Network
from droplets.finding.one_pass import Looking, look
from droplets.finding.pyramid import Scales, tiles
from droplets.finding.weights import load_head
from droplets.sam.checkpoint import load_sam
from training.export import OUT
from training.frames import CHECKPOINT
from training.rendering.scenes import HELD_OUT, LOOKS, render
from training.rendering.truth import ANGLES, Outline

SAMPLE = Path("examples/droplets.png")
FINDING, SHEET = Path("docs/finding.jpg"), Path("docs/looks.jpg")
GREEN, YELLOW, PINK = (80, 220, 80), (255, 210, 0), (255, 90, 220)
MOST = 18
"""Pictures on the sheet,"""
PART = 320
"""of each so many pixels, at half size."""

Pixels = NDArray[np.uint8]


def finding() -> Pixels:
    """Three panels side by side, HxWx3 uint8 RGB."""
    weights = load_head(OUT)
    network = Network(load_sam(CHECKPOINT), weights.head)
    pixels = np.asarray(cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2RGB), np.uint8)
    height, width = pixels.shape[:2]
    scales = Scales()
    base = scales.base(width, height)
    [tile] = tiles(width, height, base, scales)
    frame = tile.cut(pixels, base.scale)
    answer = network.answer(frame)
    likely = 1 / (1 + np.exp(-np.maximum(answer[HEAT], answer[LAYER_CHANNELS + HEAT])))
    shown = cv2.resize(likely, None, fx=STRIDE, fy=STRIDE, interpolation=cv2.INTER_LINEAR)
    shown = cv2.resize(shown[: frame.shape[0], : frame.shape[1]], (width, height))
    heat = cv2.applyColorMap(np.rint(255 * shown).astype(np.uint8), cv2.COLORMAP_INFERNO)
    outlined = pixels.copy()
    stars = look(network.answer, pixels, Looking(thresholds=weights.thresholds)).stars
    for outline, inner in zip(stars.outline(), stars.layer, strict=True):
        _draw(outlined, outline, YELLOW if inner else GREEN)
    return np.hstack([pixels, cv2.cvtColor(heat, cv2.COLOR_BGR2RGB), outlined])


def sheet(columns: int = 6) -> Pixels:
    """One rendered picture of each look, several of the common ones, with the truth over the right half."""
    wanted = [look.__name__ for look in (*LOOKS, *HELD_OUT)] + ["emulsion"] * 5 + ["glowing"] * 2 + ["foam"]
    panels: list[Pixels] = []
    seeds = ((seed, held_out) for seed in range(150) for held_out in (False, True))
    for seed, held_out in seeds:
        if len(panels) == MOST:
            break
        picture = render(seed, held_out=held_out)
        if picture.look in wanted and (len(picture.objects) > 3 or picture.look == "nothing"):
            panels.append(_panel(picture.pixels, picture.objects))
            wanted.remove(picture.look)
    rows = [panels[i : i + columns] for i in range(0, len(panels) - columns + 1, columns)]
    return np.vstack([np.hstack(row) for row in rows])


def _panel(pixels: Pixels, objects: list[Outline]) -> Pixels:
    part = pixels.copy()
    for one in objects:
        if one.counts:
            corners = np.column_stack([np.cos(ANGLES), np.sin(ANGLES)]) * one.radii[:, None]
            _draw(
                part, corners + np.array([one.x, one.y]), PINK if one.bead else YELLOW if one.inner else GREEN
            )
    part[:, : 256 + PART // 2] = pixels[:, : 256 + PART // 2]
    return np.asarray(
        cv2.resize(
            part[256 : 256 + PART, 256 : 256 + PART], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
        ),
        np.uint8,
    )


def _draw(canvas: Pixels, outline: NDArray[np.floating], colour: tuple[int, int, int]) -> None:
    cv2.polylines(canvas, [np.rint(outline * 16).astype(np.int32)], True, colour, 1, cv2.LINE_AA, 4)


def main() -> None:
    """Write both."""
    for path, picture in ((FINDING, finding()), (SHEET, sheet())):
        cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
